/** A bucket of tokens: so many a second, and as many saved up at most. It may be overdrawn once; then it says how long to wait. */
import type { Clock } from '@gatehouse/shared';

export interface RateBound {
  /** Takes `amount`; answers for how many milliseconds nothing more should be taken, 0 for none. */
  take(amount: number): number;
}

export function createRateBound(perSecond: number, clock: Pick<Clock, 'monoMs'>): RateBound {
  return new Bucket(perSecond, clock);
}

/** A class, because there are two for every connection. */
class Bucket implements RateBound {
  readonly #perSecond: number;
  readonly #clock: Pick<Clock, 'monoMs'>;
  #tokens: number;
  #lastMs: number;

  constructor(perSecond: number, clock: Pick<Clock, 'monoMs'>) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#tokens = perSecond;
    this.#lastMs = clock.monoMs();
  }

  take(amount: number): number {
    const perSecond = this.#perSecond;
    const nowMs = this.#clock.monoMs();
    this.#tokens = Math.min(perSecond, this.#tokens + ((nowMs - this.#lastMs) / 1000) * perSecond) - amount;
    this.#lastMs = nowMs;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / perSecond) * 1000);
  }
}
