/** A GPIO chip in memory: its lines are moved and looked at by hand. */
import { requireLine } from './access.js';
import type { GpioAccess, GpioEdgeListener, GpioInputOptions, GpioLineOptions } from './access.js';
import { GpioError, lineProblem } from './gpio-error.js';

export interface MemoryChip {
  /** May be opened several times, as by several gates. */
  open(): GpioAccess;
  /** The world outside moves a line. */
  drive(bcm: number, high: boolean): void;
  /** As `drive`, but the edge is told nobody until `findMissed`. */
  driveUnseen(bcm: number, high: boolean): void;
  findMissed(): void;
  isHigh(bcm: number): boolean;
  /** Gives the line to something else. */
  occupy(bcm: number, consumer: string): void;
  /** From now on calls for this line fail with this code; undefined: no more. */
  fail(bcm: number, code: string | undefined): void;
}

interface Watched {
  readonly options: GpioInputOptions;
  listener: GpioEdgeListener | undefined;
}

export function createMemoryChip(label = 'pinctrl-bcm2711', lines = 58): MemoryChip {
  const high = new Map<number, boolean>();
  const consumers = new Map<number, string>();
  const failures = new Map<number, string>();
  const watched = new Map<number, Watched>();
  const unseen = new Set<number>();

  const isHigh = (bcm: number): boolean => high.get(bcm) ?? false;
  const isActive = ({ bcm, activeLow }: GpioLineOptions): boolean => isHigh(bcm) !== activeLow;
  const attempt = (wanted: GpioLineOptions): void => {
    const code = failures.get(wanted.bcm);
    if (code === undefined) return;
    throw lineProblem(Object.assign(new Error(`${code}: not so`), { code }), wanted);
  };
  const take = (wanted: GpioLineOptions): void => {
    requireLine(wanted, { label, lines });
    const user = consumers.get(wanted.bcm);
    if (user !== undefined) {
      throw new GpioError(
        `${wanted.what} (BCM ${String(wanted.bcm)}): the line is in use by “${user}”; free it or use another`,
      );
    }
    attempt(wanted);
    consumers.set(wanted.bcm, 'gatehouse');
  };
  const tell = (bcm: number, missed: number): void => {
    const { options, listener } = watched.get(bcm) ?? {};
    if (options === undefined || listener === undefined) return;
    if (missed > 0) listener.onMissed(missed);
    listener.onEdge({ bcm, active: isActive(options), ageMs: 0 });
  };

  const openAccess = (): GpioAccess => {
    const mine = new Set<number>();
    const release = (bcms: Iterable<number>): void => {
      for (const bcm of bcms) {
        consumers.delete(bcm);
        watched.delete(bcm);
        mine.delete(bcm);
      }
    };
    const takeAll = (wanted: readonly GpioLineOptions[]): void => {
      const taken: number[] = [];
      try {
        for (const one of wanted) {
          take(one);
          taken.push(one.bcm);
          mine.add(one.bcm);
        }
      } catch (error) {
        release(taken);
        throw error;
      }
    };
    return {
      interface: 'character-device',
      chip: { label, lines, path: 'memory' },
      debounces: false,
      inputs(wanted) {
        takeAll(wanted);
        for (const options of wanted) watched.set(options.bcm, { options, listener: undefined });
        return {
          read(bcm) {
            const options = wanted.find((one) => one.bcm === bcm);
            if (options === undefined) throw new RangeError(`line ${String(bcm)} was not asked for`);
            attempt(options);
            return isActive(options);
          },
          watch(listener) {
            for (const { bcm } of wanted) {
              const line = watched.get(bcm);
              if (line !== undefined) line.listener = listener;
            }
          },
          close() {
            release(wanted.map(({ bcm }) => bcm).filter((bcm) => mine.has(bcm)));
          },
        };
      },
      output(wanted) {
        takeAll([wanted]);
        high.set(wanted.bcm, wanted.initial !== wanted.activeLow);
        return {
          write(active) {
            attempt(wanted);
            high.set(wanted.bcm, active !== wanted.activeLow);
          },
          read() {
            attempt(wanted);
            return isActive(wanted);
          },
        };
      },
      close() {
        release([...mine]);
      },
    };
  };

  return {
    open: openAccess,
    drive(bcm, level) {
      if (isHigh(bcm) === level) return;
      high.set(bcm, level);
      tell(bcm, 0);
    },
    driveUnseen(bcm, level) {
      high.set(bcm, level);
      unseen.add(bcm);
    },
    findMissed() {
      for (const bcm of unseen) tell(bcm, 1);
      unseen.clear();
    },
    isHigh,
    occupy(bcm, consumer) {
      consumers.set(bcm, consumer);
    },
    fail(bcm, code) {
      if (code === undefined) failures.delete(bcm);
      else failures.set(bcm, code);
    },
  };
}
