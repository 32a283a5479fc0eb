/** Inputs through the character device. A gap in the numbers of edges shows that the kernel had to drop some; levels are then read back. */
import type { GpioEdgeListener, GpioInputOptions, GpioInputs } from '../access.js';
import type { GpioError } from '../gpio-error.js';
import { lineProblem } from '../gpio-error.js';
import { decodeEvents, decodeValues, encodeValues, eventBytes, requests } from './layout.js';
import type { LineEvent } from './layout.js';
import type { GpioSystem } from './system.js';

/** Edges taken in one turn; more come in the next. */
const maxEventsAtOnce = 64;
/** An edge is not taken for older than this: its time would be of another clock, or of no use. */
export const maxEdgeAgeMs = 60_000;

/** Lines that were asked for in one request, and the file it gave. */
export interface InputGroup {
  readonly file: number;
  readonly lines: readonly GpioInputOptions[];
}

export function createDeviceInputs(system: GpioSystem, groups: readonly InputGroup[]): GpioInputs {
  const unwatch: (() => void)[] = [];
  let isClosed = false;
  return {
    read(bcm) {
      const group = groups.find(({ lines }) => lines.some((line) => line.bcm === bcm));
      const active = group === undefined ? undefined : levelsOf(system, group).get(bcm);
      if (active === undefined) throw new RangeError(`line ${String(bcm)} was not asked for`);
      return active;
    },
    watch(listener) {
      for (const group of groups) unwatch.push(watchGroup(system, group, listener));
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      for (const end of unwatch) end();
      for (const { file } of groups) system.close(file);
    },
  };
}

function watchGroup(system: GpioSystem, group: InputGroup, listener: GpioEdgeListener): () => void {
  const bcms = group.lines.map(({ bcm }) => bcm);
  const buffer = new Uint8Array(maxEventsAtOnce * eventBytes);
  let seq = 0;

  const take = ({ seq: next, offset: bcm, rising: active, timestampNs }: LineEvent): number => {
    const missed = (next - seq - 1) >>> 0;
    seq = next;
    listener.onEdge({ bcm, active, ageMs: ageMs(system.nowNs() - timestampNs) });
    return missed;
  };
  const readAll = (): void => {
    const events = decodeEvents(buffer.subarray(0, system.read(group.file, buffer)));
    const missed = events.reduce((count, event) => count + take(event), 0);
    if (missed === 0) return;
    listener.onMissed(missed);
    for (const [bcm, active] of levelsOf(system, group)) listener.onEdge({ bcm, active, ageMs: 0 });
  };

  let end: () => void = () => undefined;
  end = system.watch(group.file, (error) => {
    try {
      if (error !== null) throw error;
      readAll();
    } catch (problem) {
      // A file that cannot be read would call again at once, for ever.
      end();
      listener.onProblem(problemOf(problem, group), bcms);
    }
  });
  return () => {
    end();
  };
}

function levelsOf(system: GpioSystem, group: InputGroup): Map<number, boolean> {
  const values = encodeValues(0n, (1n << BigInt(group.lines.length)) - 1n);
  try {
    system.control(group.file, requests.getValues, values);
  } catch (error) {
    throw problemOf(error, group);
  }
  const bits = decodeValues(values);
  return new Map(group.lines.map(({ bcm }, place) => [bcm, ((bits >> BigInt(place)) & 1n) === 1n]));
}

function problemOf(error: unknown, { lines }: InputGroup): GpioError {
  return lineProblem(error, { what: lines.map(({ what }) => what).join(', '), bcm: lines.map(({ bcm }) => bcm) });
}

function ageMs(ns: bigint): number {
  return Math.min(Math.max(0, Number(ns) / 1e6), maxEdgeAgeMs);
}
