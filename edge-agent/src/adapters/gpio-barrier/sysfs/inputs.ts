/** Inputs through sysfs. Its notifications may be lost, so that levels are read back from time to time. */
import type { Clock } from '@gatehouse/shared/edge';
import type { GpioEdgeListener, GpioInputOptions, GpioInputs } from '../access.js';
import { lineProblem } from '../gpio-error.js';
import type { OnoffLine } from './onoff.js';

/** An edge that was missed is found after at most this and `readBackConfirmMs`. */
export const readBackIntervalMs = 1_000;
/** What is read differs from what was told for so long before it counts as missed: the notification may be on its way. */
export const readBackConfirmMs = 100;

/** @param readAside whether a line is active, without taking back the notice of an edge that is on its way */
export function createSysfsInputs(
  lines: ReadonlyMap<GpioInputOptions, OnoffLine>,
  clock: Clock,
  readAside: (bcm: number) => boolean,
): GpioInputs {
  /** By BCM number: what was read or told last. */
  const told = new Map<number, boolean>();
  /** Those that could not be read the last time. */
  const failing = new Set<number>();
  let cancelTimer: () => void = () => undefined;
  let isClosed = false;

  const levelOf = (options: GpioInputOptions, line: OnoffLine): boolean => {
    try {
      return line.readSync() === 1;
    } catch (error) {
      throw lineProblem(error, options);
    }
  };

  /** @param found what was different the time before */
  const readBack = (listener: GpioEdgeListener, found: ReadonlySet<number>): void => {
    const differing = new Set<number>();
    for (const options of lines.keys()) {
      const { bcm } = options;
      try {
        const active = readAside(bcm);
        // That it can be read again is told by what is known of it.
        if (failing.delete(bcm)) listener.onEdge({ bcm, active: told.get(bcm) ?? active, ageMs: 0 });
        if (active === told.get(bcm)) continue;
        if (!found.has(bcm)) {
          differing.add(bcm);
          continue;
        }
        told.set(bcm, active);
        listener.onMissed(1);
        listener.onEdge({ bcm, active, ageMs: 0 });
      } catch (error) {
        if (!failing.has(bcm)) listener.onProblem(lineProblem(error, options), [bcm]);
        failing.add(bcm);
      }
    }
    if (isClosed) return;
    cancelTimer = clock.setTimer(differing.size > 0 ? readBackConfirmMs : readBackIntervalMs, () => {
      readBack(listener, differing);
    });
  };

  return {
    read(bcm) {
      for (const [options, line] of lines) {
        if (options.bcm !== bcm) continue;
        const active = levelOf(options, line);
        told.set(bcm, active);
        return active;
      }
      throw new RangeError(`line ${String(bcm)} was not asked for`);
    },
    watch(listener) {
      for (const [options, line] of lines) {
        const { bcm } = options;
        // A level that was read already is not read again: reading takes back the notice of an edge that came since.
        if (!told.has(bcm)) told.set(bcm, levelOf(options, line));
        line.watch((error, level) => {
          if (error !== null && error !== undefined) {
            listener.onProblem(lineProblem(error, options), [bcm]);
            return;
          }
          told.set(bcm, level === 1);
          listener.onEdge({ bcm, active: level === 1, ageMs: 0 });
        });
      }
      cancelTimer = clock.setTimer(readBackIntervalMs, () => {
        readBack(listener, new Set());
      });
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      cancelTimer();
      for (const line of lines.values()) {
        line.unwatchAll();
        line.unexport();
      }
    },
  };
}
