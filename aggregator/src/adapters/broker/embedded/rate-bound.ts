/** A bucket of tokens: so many a second, and as many saved up at most. It may be overdrawn once; then it says how long to wait. */
import type { Clock } from '@gatehouse/shared';

export interface RateBound {
  /** Takes `amount`; answers for how many milliseconds nothing more should be taken, 0 for none. */
  take(amount: number): number;
}

export function createRateBound(perSecond: number, clock: Pick<Clock, 'monoMs'>): RateBound {
  let tokens = perSecond;
  let lastMs = clock.monoMs();
  return {
    take(amount) {
      const nowMs = clock.monoMs();
      tokens = Math.min(perSecond, tokens + ((nowMs - lastMs) / 1000) * perSecond) - amount;
      lastMs = nowMs;
      return tokens >= 0 ? 0 : Math.ceil((-tokens / perSecond) * 1000);
    },
  };
}
