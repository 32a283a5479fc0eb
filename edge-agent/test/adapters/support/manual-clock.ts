import type { Clock } from '@gatehouse/shared';

export interface ManualClock extends Clock {
  /** Lets every timer fire that is due within `ms`, each at its own time. */
  advance(ms: number): void;
}

export function createManualClock(wallBaseMs = 1_700_000_000_000): ManualClock {
  let nowMs = 0;
  let order = 0;
  const timers: { dueMs: number; order: number; callback: () => void }[] = [];
  return {
    wallMs: () => wallBaseMs + nowMs,
    monoMs: () => nowMs,
    setTimer(delayMs, callback) {
      const timer = { dueMs: nowMs + Math.max(0, delayMs), order: order++, callback };
      timers.push(timer);
      return () => {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
      };
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        timers.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order);
        const first = timers[0];
        if (first === undefined || first.dueMs > untilMs) break;
        timers.shift();
        nowMs = Math.max(nowMs, first.dueMs);
        first.callback();
      }
      nowMs = untilMs;
    },
  };
}
