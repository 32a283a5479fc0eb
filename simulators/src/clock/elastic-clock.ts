/**
 * A clock that hurries through the hours when nothing happens and takes its time when something does: simulated time runs
 * `speed` times as fast as real time, and slower while somebody asks for it (`slowTo`), so that a round trip of a few real
 * milliseconds does not cost simulated minutes.
 *
 * Timers fire strictly in the order they fall due, one a turn of the event loop, and while one fires both clocks stand exactly at
 * the moment it was due. Physics and lane timers therefore keep their order and distance whatever the speed. Time never passes a
 * timer that has not fired; a busy event loop makes the clock late, never wrong.
 */
import type { CancelTimer, Clock } from '@gatehouse/shared';
import { createTimerQueue } from './timer-queue.js';
import type { QueuedTimer } from './timer-queue.js';

export interface ElasticClockOptions {
  /** Real time. */
  readonly base: Clock;
  /** Simulated wall-clock time at the start, ms since the Unix epoch. */
  readonly startWallMs: number;
  /** Simulated ms in one real ms while nothing asks for less; `Infinity`: go from timer to timer. */
  readonly speed: number;
  /** Runs a callback in the next turn of the event loop; by default the base clock's timer of 0 ms. */
  readonly nextTurn?: (callback: () => void) => void;
  /** Real lateness that is made up for; what is beyond it is given up and counted. */
  readonly maxLatenessMs?: number;
}

export interface ElasticClock extends Clock {
  /** Until released, simulated time runs at most `pace` times as fast as real time. Release more than once does nothing. */
  slowTo(pace: number): () => void;
  /** Forgets every timer. */
  stop(): void;
  /** Real milliseconds that were given up because timers came faster than they could be run, and those spent slowed. */
  stats(): { readonly givenUpMs: number; readonly slowedMs: number };
}

/** A timer of the base clock may come this much early, in simulated ms, by rounding. */
const earlyMs = 1e-6;

export function createElasticClock(options: ElasticClockOptions): ElasticClock {
  const { base, startWallMs } = options;
  const speed = above0(options.speed);
  const maxLatenessMs = options.maxLatenessMs ?? 250;
  const nextTurn = options.nextTurn ?? ((callback: () => void) => void base.setTimer(0, callback));
  const timers = createTimerQueue();
  const paces = new Set<{ readonly pace: number }>();
  let factor = speed;
  /** Simulated time as last settled, and the real time it was so. */
  let settledMs = 0;
  let settledAtMs = base.monoMs();
  let firing = false;
  let wake: CancelTimer | undefined;
  let wakeDueMs = Infinity;
  let stopped = false;
  let givenUpMs = 0;
  let slowedMs = 0;

  /** Where the time would be if no timer stood in the way. At infinite speed only timers move it. */
  const unboundedMs = (): number =>
    factor === Infinity ? settledMs : settledMs + (base.monoMs() - settledAtMs) * factor;
  const isDue = (dueMs: number): boolean => factor === Infinity || dueMs <= unboundedMs() + earlyMs;
  const monoMs = (): number => {
    if (firing) return settledMs;
    return Math.max(settledMs, Math.min(unboundedMs(), timers.peek()?.dueMs ?? Infinity));
  };

  const settle = (): void => {
    const realMs = base.monoMs();
    const nowMs = monoMs();
    if (factor < speed) slowedMs += realMs - settledAtMs;
    settledMs = nowMs;
    settledAtMs = realMs;
  };

  /** Moves to the moment a timer is due, keeping the real time that is left over for the timers behind it. */
  const settleAt = (dueMs: number): void => {
    const realMs = base.monoMs();
    const usedMs = factor === Infinity ? realMs - settledAtMs : (dueMs - settledMs) / factor;
    const reachedAtMs = Math.max(settledAtMs + usedMs, realMs - maxLatenessMs);
    givenUpMs += reachedAtMs - (settledAtMs + usedMs);
    if (factor < speed) slowedMs += usedMs;
    settledMs = dueMs;
    settledAtMs = Math.min(reachedAtMs, realMs);
  };

  const arm = (): void => {
    const next = timers.peek();
    if (firing || stopped || next === undefined) return;
    if (wake !== undefined && wakeDueMs <= next.dueMs) return;
    wake?.();
    wakeDueMs = next.dueMs;
    if (!isDue(next.dueMs)) {
      wake = base.setTimer((next.dueMs - unboundedMs()) / factor, onWake);
      return;
    }
    let cancelled = false;
    nextTurn(() => {
      if (!cancelled) onWake();
    });
    wake = () => {
      cancelled = true;
    };
  };
  const rearm = (): void => {
    wake?.();
    wake = undefined;
    arm();
  };

  function onWake(): void {
    wake = undefined;
    const next = timers.peek();
    if (stopped || next === undefined) return;
    try {
      if (isDue(next.dueMs)) fire(next);
    } finally {
      arm();
    }
  }

  function fire(timer: QueuedTimer): void {
    timers.take();
    settleAt(timer.dueMs);
    firing = true;
    try {
      timer.callback();
    } finally {
      firing = false;
    }
  }

  const repace = (): void => {
    let slowest = speed;
    for (const { pace } of paces) slowest = Math.min(slowest, pace);
    if (slowest === factor) return;
    settle();
    factor = slowest;
    if (!firing) rearm();
  };

  return {
    wallMs: () => startWallMs + monoMs(),
    monoMs,
    setTimer(delayMs, callback) {
      const timer = timers.add(monoMs() + Math.max(0, delayMs), callback);
      arm();
      return () => {
        timer.cancelled = true;
      };
    },
    slowTo(pace) {
      const entry = { pace: above0(pace) };
      paces.add(entry);
      repace();
      return () => {
        if (paces.delete(entry)) repace();
      };
    },
    stop() {
      stopped = true;
      wake?.();
      timers.clear();
    },
    stats: () => ({ givenUpMs, slowedMs }),
  };
}

function above0(pace: number): number {
  if (!(pace > 0)) throw new RangeError(`a pace must be above 0, not ${String(pace)}`);
  return pace;
}
