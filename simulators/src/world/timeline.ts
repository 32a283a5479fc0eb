/**
 * True time: one heap of timers for everything that happens in a world, fired in the order they are due, those due together in
 * the order they were set. Between two of them all asynchronous work that can go on does go on.
 */
import type { CancelTimer, Clock } from '@gatehouse/shared';
import { createTimerQueue } from '../clock/timer-queue.js';

export interface Timeline {
  /** Ms since the start of the run. */
  readonly nowMs: number;
  /** A time that is past means now. */
  at(dueMs: number, callback: () => void): CancelTimer;
  after(delayMs: number, callback: () => void): CancelTimer;
  /** Goes on until `untilMs`, or until `isOver` says so between two timers. Rejects with what a timer throws. */
  run(untilMs: number, isOver?: () => boolean): Promise<void>;
  /** Timers fired so far. */
  readonly fired: number;
}

/** Immediates asked for at a time: each ends with all microtasks done, and far cheaper than a round of the event loop. */
const immediatesAtATime = 64;

export function createTimeline(): Timeline {
  const timers = createTimerQueue();
  let nowMs = 0;
  let fired = 0;

  const fireNext = (untilMs: number): boolean => {
    const next = timers.peek();
    if (next === undefined || next.dueMs > untilMs) return false;
    timers.take();
    nowMs = next.dueMs;
    fired += 1;
    next.callback();
    return true;
  };
  const at = (dueMs: number, callback: () => void): CancelTimer => {
    const timer = timers.add(Math.max(nowMs, dueMs), callback);
    return () => {
      timer.cancelled = true;
    };
  };

  return {
    get nowMs() {
      return nowMs;
    },
    at,
    after: (delayMs, callback) => at(nowMs + delayMs, callback),
    run: (untilMs, isOver = () => false) =>
      new Promise((resolve, reject) => {
        let ended = false;
        const step = (): void => {
          if (ended) return;
          try {
            if (!isOver()) {
              if (fireNext(untilMs)) return;
              nowMs = Math.max(nowMs, untilMs);
            }
            ended = true;
            resolve();
          } catch (error) {
            ended = true;
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
        const steps = (): void => {
          if (ended) return;
          for (let count = 0; count < immediatesAtATime; count += 1) setImmediate(step);
          setImmediate(steps);
        };
        steps();
      }),
    get fired() {
      return fired;
    },
  };
}

/** True time as a clock; its wall clock is right. */
export function trueClock(timeline: Timeline, startWallMs: number): Clock {
  return {
    wallMs: () => startWallMs + timeline.nowMs,
    monoMs: () => timeline.nowMs,
    setTimer: (delayMs, callback) => timeline.after(Math.max(0, delayMs), callback),
  };
}
