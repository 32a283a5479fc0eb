/**
 * A clock that stands still until it is told to go on: for tests and for simulations that run as fast as the machine allows.
 * Timers fire in the order they are due (those due together in the order they were set), with `monoMs` exactly at their due time.
 */
import type { Clock } from './ports.js';

export interface VirtualClock extends Clock {
  /** Goes on by `durationMs`, firing what falls due on the way, timers set meanwhile included. */
  advance(durationMs: number): void;
  /**
   * Like `advance`, but awaits `settle` before the first and after every timer, so that asynchronous work gets done at the
   * moment it belongs to.
   */
  advanceSettled(durationMs: number, settle: () => Promise<void>): Promise<void>;
  /** Moves the wall clock alone, as a time server or a person would. */
  jumpWall(byMs: number): void;
  /** When the next timer is due, on `monoMs`; undefined if none is set. */
  readonly nextDueMonoMs: number | undefined;
  /** How many timers are set. */
  readonly pendingTimers: number;
}

interface PendingTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export function createVirtualClock(start: { readonly wallMs: number; readonly monoMs?: number }): VirtualClock {
  let monoMs = start.monoMs ?? 0;
  let wallOffsetMs = start.wallMs - monoMs;
  let nextOrder = 0;
  const pending: PendingTimer[] = [];

  const indexFor = (timer: PendingTimer): number => {
    let low = 0;
    let high = pending.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = pending[middle];
      if (other !== undefined && isBefore(other, timer)) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  /** Fires the first timer due by `untilMs`; false if there is none. */
  const fireNext = (untilMs: number): boolean => {
    const timer = pending[0];
    if (timer === undefined || timer.dueMs > untilMs) return false;
    pending.shift();
    monoMs = Math.max(monoMs, timer.dueMs);
    timer.callback();
    return true;
  };

  return {
    wallMs: () => monoMs + wallOffsetMs,
    monoMs: () => monoMs,
    setTimer(delayMs, callback) {
      const timer: PendingTimer = { dueMs: monoMs + Math.max(0, delayMs), order: nextOrder++, callback };
      pending.splice(indexFor(timer), 0, timer);
      return () => {
        const index = indexFor(timer);
        if (pending[index] === timer) pending.splice(index, 1);
      };
    },
    advance(durationMs) {
      const untilMs = monoMs + durationMs;
      while (fireNext(untilMs));
      monoMs = untilMs;
    },
    async advanceSettled(durationMs, settle) {
      const untilMs = monoMs + durationMs;
      await settle();
      while (fireNext(untilMs)) await settle();
      monoMs = untilMs;
      await settle();
    },
    jumpWall(byMs) {
      wallOffsetMs += byMs;
    },
    get nextDueMonoMs() {
      return pending[0]?.dueMs;
    },
    get pendingTimers() {
      return pending.length;
    },
  };
}

function isBefore(a: PendingTimer, b: PendingTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
