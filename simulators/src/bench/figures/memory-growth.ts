/** Figure 11: the memory of an aggregator that goes on and on. */
import { startLoadedSystem } from '../edge-load/loaded-system.js';
import type { LoadContext, LoadedSystem } from '../edge-load/loaded-system.js';
import type { LoadSize } from '../edge-load/load-sites.js';
import { told } from '../figure.js';
import type { Figure, Line, Measured, PreparedFigure, Scale } from '../figure.js';
import { residentBytes } from '../process-reading.js';
import { slopeOf } from '../statistics.js';

export interface MemorySize extends LoadSize {
  readonly messagesPerPortion: number;
  readonly portions: number;
  /** Portions that count as warming up. */
  readonly warmUp: number;
}

const sizes: Readonly<Record<Scale, MemorySize>> = {
  full: { sites: 40, edgesPerSite: 5, messagesPerPortion: 100, portions: 63, warmUp: 13 },
  short: { sites: 8, edgesPerSite: 5, messagesPerPortion: 100, portions: 12, warmUp: 4 },
};
/** As many as an edge has gates, and one message at a time: an arrival is decided before its passage comes. */
const eventsPerMessage = 4;
const windowMessages = 1;
const readEveryMs = 100;
const million = 1_000_000;

function linesFor(key: string, what: string): Line[] {
  const line = { unit: 'MB', floor: null, ...told } as const;
  return [
    {
      ...line,
      key: `${key}Least`,
      what: `${what}: growth less twice its standard error`,
      must: { of: 'value', value: 0 },
    },
    { ...line, key: `${key}Slope`, what: `${what}: growth a million events` },
    { ...line, key: `${key}Error`, what: `${what}: its standard error` },
    { ...line, key: `${key}End`, what: `${what} at the end` },
  ];
}

export const memoryGrowth: Figure = {
  number: 11,
  title: 'memory over 5,000,000 events',
  how:
    '200 edges of 40 sites send vehicles in and out without a pause, four events a message and one message at a time, until five million events are stored; retention is as delivered. After each ' +
    'portion of 80,000 the resident memory is read, and the lowest heap in use that `/metrics` showed during it, which is nearest to one just collected. A line through all ' +
    'portions after the first million, by least squares, gives the growth and its standard error: there is none where the growth is within two of them.',
  lines: [...linesFor('heap', 'heap in use'), ...linesFor('resident', 'resident memory')],
  rounds: { full: 1, short: 1 },
  prepare: (context) => prepareMemory(context, sizes[context.scale]),
};

export async function prepareMemory(context: LoadContext, size: MemorySize): Promise<PreparedFigure> {
  const loaded = await startLoadedSystem(context, size, windowMessages);
  return {
    measure: async (side) => (side === 'ours' ? measure(loaded, context, size) : {}),
    close: () => loaded.close(),
  };
}

interface Reading {
  /** Millions of events so far. */
  readonly events: number;
  readonly heapMb: number;
  readonly residentMb: number;
}

async function measure(loaded: LoadedSystem, context: LoadContext, size: MemorySize): Promise<Measured> {
  const { system } = loaded;
  const pid = system.aggregator?.pid ?? -1;
  const readings: Reading[] = [];
  // Until there are vehicles inside, an arrival and its passage would come in one message.
  let events = (await loaded.send({ messagesPerEdge: 64, eventsPerMessage: 1 })).events;
  for (let portion = 1; portion <= size.portions; portion += 1) {
    const stopWatching = watchHeap(system.url);
    events += (await loaded.send({ messagesPerEdge: size.messagesPerPortion, eventsPerMessage })).events;
    const heapMb = (await stopWatching()) / million;
    readings.push({ events: events / million, heapMb, residentMb: residentBytes(pid) / million });
    const { residentMb } = readings.at(-1) ?? { residentMb: 0 };
    context.say(`${String(events)} events, heap ${heapMb.toFixed(0)} MB, resident ${residentMb.toFixed(0)} MB`);
  }
  const counted = readings.slice(size.warmUp);
  return { ...growth('heap', counted, (one) => one.heapMb), ...growth('resident', counted, (one) => one.residentMb) };
}

function growth(key: string, readings: readonly Reading[], of: (reading: Reading) => number): Measured {
  const { slope, standardError } = slopeOf(readings.map((reading) => [reading.events, of(reading)]));
  const last = readings.at(-1);
  return {
    [`${key}Least`]: slope - 2 * standardError,
    [`${key}Slope`]: slope,
    [`${key}Error`]: standardError,
    [`${key}End`]: last === undefined ? 0 : of(last),
  };
}

/** Answers what ends the watch, with the least that was seen, bytes. */
function watchHeap(url: string): () => Promise<number> {
  let least = Infinity;
  let isOver = false;
  const read = async (): Promise<void> => {
    do {
      const text = await (await fetch(`${url}/metrics`)).text();
      least = Math.min(least, Number(/^nodejs_heap_size_used_bytes(?:\{[^}]*\})? (\S+)$/m.exec(text)?.[1]));
      await new Promise((resolve) => setTimeout(resolve, readEveryMs));
    } while (!isOver);
  };
  const reading = read();
  return async () => {
    isOver = true;
    await reading;
    return least;
  };
}
