/** Figure 11: the memory of an aggregator that goes on and on. */
import { setTimeout as sleep } from 'node:timers/promises';
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
  full: { sites: 40, edgesPerSite: 5, messagesPerPortion: 250, portions: 25, warmUp: 5 },
  short: { sites: 8, edgesPerSite: 5, messagesPerPortion: 1_000, portions: 7, warmUp: 2 },
};
/** As many as an edge has gates, and one message at a time: an arrival is decided before its passage comes. */
const eventsPerMessage = 4;
const windowMessages = 1;
/** As `monitoring/prometheus/prometheus.yml` has it. */
const scrapeEveryMs = 15_000;
/** V8 tells on its standard output what each great collection left. */
const traceArguments = ['--trace-gc', '--trace-gc-ignore-scavenger'];
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
    '200 edges of 40 sites send vehicles in and out without a pause, four events a message and one message at a time, until five million events are stored; retention is as delivered, and `/metrics` is read every ' +
    '15 seconds. After each portion of 200,000 the resident memory is read, and the least heap that a great collection of V8 left in use during it (`--trace-gc`). A line through all ' +
    'portions after the first million, by least squares, gives the growth and its standard error: there is none where the growth is within two of them.',
  lines: [...linesFor('heap', 'heap in use'), ...linesFor('resident', 'resident memory')],
  rounds: { full: 1, short: 1 },
  prepare: (context) => prepareMemory(context, sizes[context.scale]),
};

export async function prepareMemory(context: LoadContext, size: MemorySize): Promise<PreparedFigure> {
  const loaded = await startLoadedSystem(context, size, windowMessages, traceArguments);
  return {
    measure: async (side) => (side === 'ours' ? measure(loaded, context, size) : {}),
    close: () => loaded.close(),
  };
}

interface Reading {
  /** Millions of events so far. */
  readonly events: number;
  /** null when there was no great collection. */
  readonly heapMb: number | null;
  readonly residentMb: number;
}

async function measure(loaded: LoadedSystem, context: LoadContext, size: MemorySize): Promise<Measured> {
  const { aggregator, url } = loaded.system;
  if (aggregator === null) throw new Error('there is no aggregator');
  const readings: Reading[] = [];
  const stopScraping = scrape(url);
  try {
    // Until there are vehicles inside, an arrival and its passage would come in one message.
    let events = (await loaded.send({ messagesPerEdge: 64, eventsPerMessage: 1 })).events;
    let collections = heapsAfterCollection(aggregator.output).length;
    for (let portion = 1; portion <= size.portions; portion += 1) {
      events += (await loaded.send({ messagesPerEdge: size.messagesPerPortion, eventsPerMessage })).events;
      const heapsMb = heapsAfterCollection(aggregator.output);
      const heapMb = heapsMb.length === collections ? null : Math.min(...heapsMb.slice(collections));
      collections = heapsMb.length;
      const residentMb = residentBytes(aggregator.pid) / million;
      readings.push({ events: events / million, heapMb, residentMb });
      context.say(
        `${String(events)} events, heap ${heapMb?.toFixed(0) ?? '–'} MB, resident ${residentMb.toFixed(0)} MB`,
      );
    }
  } finally {
    await stopScraping();
  }
  const counted = readings.slice(size.warmUp);
  return { ...growth('heap', counted, (one) => one.heapMb), ...growth('resident', counted, (one) => one.residentMb) };
}

function growth(key: string, readings: readonly Reading[], of: (reading: Reading) => number | null): Measured {
  const points = readings.flatMap((reading): [number, number][] => {
    const value = of(reading);
    return value === null ? [] : [[reading.events, value]];
  });
  const { slope, standardError } = slopeOf(points);
  return {
    [`${key}Least`]: slope - 2 * standardError,
    [`${key}Slope`]: slope,
    [`${key}Error`]: standardError,
    [`${key}End`]: points.at(-1)?.[1] ?? 0,
  };
}

/** What each great collection so far left in use, MB: from lines such as `Mark-Compact 101.2 (140.5) -> 55.0 (129.7) MB, …`. */
export function heapsAfterCollection(trace: string): number[] {
  return Array.from(
    trace.matchAll(/Mark-Compact[^\n]*? -> ([\d.]+) \([\d.]+\) MB/g),
    ([, heap]) => (Number(heap) * 2 ** 20) / million,
  );
}

/** As Prometheus would. Answers what ends it. */
function scrape(url: string): () => Promise<void> {
  const ended = new AbortController();
  const scraping = (async () => {
    while (!ended.signal.aborted) {
      await (await fetch(`${url}/metrics`)).arrayBuffer();
      await sleep(scrapeEveryMs, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
  return () => {
    ended.abort();
    return scraping;
  };
}
