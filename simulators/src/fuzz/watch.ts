/** Looks at the aggregator once in a while, as an operator's monitoring does: does it answer, how fast, how large is it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { TestedAggregator } from './aggregator.js';
import { sumOfSamples } from './exposition.js';

export interface Look {
  readonly atMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly descriptors: number;
  /** How long the answer took. */
  readonly answerMs: number;
}

export interface Watch {
  readonly looks: readonly Look[];
  /** Looks that were not answered. */
  readonly failures: readonly string[];
  /** From now on. */
  start(): void;
  stop(): Promise<void>;
  look(): Promise<Look>;
}

const everyMs = 500;

export function createWatch(aggregator: TestedAggregator): Watch {
  const looks: Look[] = [];
  const failures: string[] = [];
  let isWatching = false;
  let watching: Promise<void> = Promise.resolve();

  const look = async (): Promise<Look> => {
    const startedMs = performance.now();
    const metrics = await aggregator.metrics();
    const found = {
      atMs: startedMs,
      rssBytes: sumOfSamples(metrics, 'process_resident_memory_bytes'),
      heapBytes: sumOfSamples(metrics, 'nodejs_heap_size_used_bytes'),
      descriptors: sumOfSamples(metrics, 'process_open_fds'),
      answerMs: performance.now() - startedMs,
    };
    looks.push(found);
    return found;
  };

  return {
    looks,
    failures,
    look,
    start() {
      isWatching = true;
      watching = (async () => {
        while (isWatching) {
          await look().catch((error: unknown) => failures.push(`monitoring was not answered: ${String(error)}`));
          await delay(everyMs);
        }
      })();
    },
    async stop() {
      isWatching = false;
      await watching;
    },
  };
}

export interface MemoryTrend {
  readonly firstMiB: number;
  readonly peakMiB: number;
  readonly lastMiB: number;
  /** Least-squares slope over the second half of the looks, MiB a minute. */
  readonly slopeMiBPerMinute: number;
  /** Mean of the last quarter less mean of the second, MiB. */
  readonly growthMiB: number;
}

const mib = 1024 * 1024;

export function memoryTrend(looks: readonly Look[]): MemoryTrend {
  const quarter = (index: number): readonly Look[] =>
    looks.slice(Math.floor((looks.length * index) / 4), Math.ceil((looks.length * (index + 1)) / 4));
  const half = looks.slice(Math.floor(looks.length / 2));
  const meanAt = mean(half.map(({ atMs }) => atMs));
  const meanRss = mean(half.map(({ rssBytes }) => rssBytes));
  const covariance = mean(half.map((one) => (one.atMs - meanAt) * (one.rssBytes - meanRss)));
  const variance = mean(half.map((one) => (one.atMs - meanAt) ** 2));
  return {
    firstMiB: (looks[0]?.rssBytes ?? 0) / mib,
    peakMiB: Math.max(0, ...looks.map(({ rssBytes }) => rssBytes)) / mib,
    lastMiB: (looks.at(-1)?.rssBytes ?? 0) / mib,
    slopeMiBPerMinute: variance === 0 ? 0 : (covariance / variance / mib) * 60_000,
    growthMiB:
      (mean(quarter(3).map(({ rssBytes }) => rssBytes)) - mean(quarter(1).map(({ rssBytes }) => rssBytes))) / mib,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
