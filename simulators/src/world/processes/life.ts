/**
 * One life of a process, from its start to its end, and its clock. When it is over, its timers never fire, and what it called and
 * what calls it have no effect any more: a killed process does not hear of anything.
 */
import type { CancelTimer, Clock } from '@gatehouse/shared';
import type { Timeline } from '../timeline.js';

/** What a machine's clocks are like; it outlives the process. */
export interface MachineTime {
  /** Ms the wall clock is ahead of true time. Jumps. */
  wallOffsetMs: number;
  /** Ms of the machine's clocks in one true ms; a change takes effect with the next life. */
  rate: number;
}

export interface Life {
  readonly isOver: boolean;
  readonly clock: Clock;
  /** Called once when the life is over; at once if it is. */
  onEnd(callback: () => void): void;
  end(): void;
}

/** Wall clocks are right at this time of the run's start: 2026-03-02T08:00:00Z. */
export const startWallMs = 1_772_438_400_000;

export function createLife(timeline: Timeline, time: MachineTime): Life {
  const bornAtMs = timeline.nowMs;
  const { rate } = time;
  const endings: (() => void)[] = [];
  let isOver = false;
  /** A timer never fires before the clock shows what it waited for, whatever rounding says. */
  let reachedMs = 0;

  const monoMs = (): number => Math.max(reachedMs, (timeline.nowMs - bornAtMs) * rate);
  const setTimer = (delayMs: number, callback: () => void): CancelTimer => {
    if (isOver) return () => undefined;
    const waitMs = Math.max(0, delayMs);
    const dueMonoMs = monoMs() + waitMs;
    return timeline.after(waitMs / rate, () => {
      if (isOver) return;
      reachedMs = Math.max(reachedMs, dueMonoMs);
      callback();
    });
  };

  return {
    get isOver() {
      return isOver;
    },
    clock: {
      wallMs: () => Math.max(0, startWallMs + bornAtMs + monoMs() + time.wallOffsetMs),
      monoMs,
      setTimer,
    },
    onEnd(callback) {
      if (isOver) callback();
      else endings.push(callback);
    },
    end() {
      if (isOver) return;
      isOver = true;
      for (const callback of endings.splice(0)) callback();
    },
  };
}
