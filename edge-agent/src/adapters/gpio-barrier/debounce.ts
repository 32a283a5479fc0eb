/** Makes clean edges of a bouncing contact. */
import type { Clock } from '@gatehouse/shared/edge';

export interface Debouncer {
  /** The level as the line has it since `atMs` of the clock. */
  raw(active: boolean, atMs: number): void;
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
  /** `atMs`: when it is certain; of what is reported at the first edge, when that was. */
  readonly onEdge: (active: boolean, atMs: number) => void;
}

export function createDebouncer(options: DebounceOptions): Debouncer {
  const { clock, debounceMs, activeAtOnce } = options;
  let reported = options.initial;
  let cancelTimer: (() => void) | undefined;

  const cancel = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
  };
  const report = (active: boolean, atMs: number): void => {
    cancel();
    if (active === reported) return;
    reported = active;
    options.onEdge(active, atMs);
  };

  return {
    raw(active, atMs) {
      if (debounceMs === 0 || (active && activeAtOnce)) {
        report(active, atMs);
      } else if (active === reported) {
        cancel();
      } else {
        cancel();
        cancelTimer = clock.setTimer(atMs + debounceMs - clock.monoMs(), () => {
          cancelTimer = undefined;
          report(options.read(), clock.monoMs());
        });
      }
    },
    cancel,
  };
}
