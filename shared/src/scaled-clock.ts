/**
 * A clock that runs `factor` times as fast as another one, for simulations. Processes that are given the same base and factor
 * agree on the time; the factor may change while it runs, and time never goes back when it does.
 */
import type { CancelTimer, Clock } from './ports.js';

export interface ScaledTime {
  /** Simulated wall-clock time at the moment `realBaseMs`, ms since the Unix epoch. */
  readonly simulatedBaseMs: number;
  /** Real wall-clock time at which simulated time was `simulatedBaseMs`, ms since the Unix epoch. */
  readonly realBaseMs: number;
  /** Simulated milliseconds in one real millisecond; above 0. */
  readonly factor: number;
}

export interface ScaledClock extends Clock {
  /** From now on run at another speed, going on from the time it is. */
  setFactor(factor: number): void;
  readonly factor: number;
}

interface PendingTimer {
  readonly dueMonoMs: number;
  readonly callback: () => void;
  cancel: CancelTimer;
}

export function createScaledClock(base: Clock, time: ScaledTime): ScaledClock {
  let factor = positive(time.factor);
  let wallAtBase = time.simulatedBaseMs + (base.wallMs() - time.realBaseMs) * factor;
  let monoAtBase = 0;
  let baseMono = base.monoMs();
  const pending = new Set<PendingTimer>();

  const elapsed = (): number => (base.monoMs() - baseMono) * factor;
  const monoMs = (): number => monoAtBase + elapsed();

  const arm = (timer: PendingTimer): void => {
    timer.cancel = base.setTimer((timer.dueMonoMs - monoMs()) / factor, () => {
      pending.delete(timer);
      timer.callback();
    });
  };

  return {
    wallMs: () => wallAtBase + elapsed(),
    monoMs,
    get factor() {
      return factor;
    },
    setTimer(delayMs, callback) {
      const timer: PendingTimer = { dueMonoMs: monoMs() + delayMs, callback, cancel: () => undefined };
      pending.add(timer);
      arm(timer);
      return () => {
        pending.delete(timer);
        timer.cancel();
      };
    },
    setFactor(next) {
      wallAtBase += elapsed();
      monoAtBase += elapsed();
      baseMono = base.monoMs();
      factor = positive(next);
      for (const timer of pending) {
        timer.cancel();
        arm(timer);
      }
    },
  };
}

function positive(factor: number): number {
  if (!(factor > 0) || !Number.isFinite(factor)) throw new RangeError(`factor must be above 0, not ${String(factor)}`);
  return factor;
}
