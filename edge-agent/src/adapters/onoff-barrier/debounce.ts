/** Makes clean edges of a bouncing contact. */
import type { Clock } from '@gatehouse/shared';

export interface Debouncer {
  /** The level as the line has it now. */
  raw(active: boolean): void;
  cancel(): void;
}

export interface DebounceOptions {
  readonly clock: Clock;
  readonly debounceMs: number;
  /** For safety inputs: becoming active is reported at the first edge. */
  readonly activeAtOnce: boolean;
  readonly initial: boolean;
  /** Reads the line again, to confirm what lasted. */
  readonly read: () => boolean;
  readonly onEdge: (active: boolean) => void;
}

export function createDebouncer(options: DebounceOptions): Debouncer {
  const { clock, debounceMs, activeAtOnce } = options;
  let reported = options.initial;
  let cancelTimer: (() => void) | undefined;

  const cancel = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
  };
  const report = (active: boolean): void => {
    cancel();
    if (active === reported) return;
    reported = active;
    options.onEdge(active);
  };

  return {
    raw(active) {
      if (debounceMs === 0 || (active && activeAtOnce)) {
        report(active);
      } else if (active === reported) {
        cancel();
      } else {
        cancel();
        cancelTimer = clock.setTimer(debounceMs, () => {
          cancelTimer = undefined;
          report(options.read());
        });
      }
    },
    cancel,
  };
}
