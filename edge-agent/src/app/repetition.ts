import type { Clock } from '@gatehouse/shared/edge';

export interface Repetition {
  start(): void;
  stop(): void;
}

/** Does something again and again, the first time one interval after the start. */
export function createRepetition(clock: Clock, intervalMs: number, work: () => void): Repetition {
  let cancel: () => void = () => undefined;
  const later = (): void => {
    cancel = clock.setTimer(intervalMs, () => {
      work();
      later();
    });
  };
  return {
    start: later,
    stop() {
      cancel();
    },
  };
}
