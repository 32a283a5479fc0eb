/** A recording from the file to the reconciliation: how big a site, how many lanes, then the run in a system of its own. */
import type { Clock, Random, SlotClass } from '@gatehouse/shared';
import { planReplay } from './itinerary.js';
import type { Itinerary } from './itinerary.js';
import { lanesNeeded } from './lanes.js';
import { createLocalSystem } from './local-system.js';
import { reconcile } from './reconcile.js';
import type { Recording } from './recording.js';
import type { ReplayReport } from './report.js';
import { runReplay } from './run-replay.js';
import type { ReplayProgress } from './run-replay.js';

export interface ReplayOptions {
  /** Simulated ms in one real ms; `Infinity`: as fast as the vehicles can be handled. */
  readonly speed: number;
  /** undefined: as many as the recording needs. */
  readonly slots: number | undefined;
  readonly entryLanes: number | undefined;
  readonly exitLanes: number | undefined;
  readonly antiPassback: 'off' | 'soft' | 'hard';
  readonly seed: string;
  /** undefined: a temporary one, deleted afterwards. */
  readonly dataDirectory: string | undefined;
  /** Real time. */
  readonly clock: Clock;
  readonly random: Random;
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** Ends the replay before its end; the promise rejects with the signal's reason then. */
  readonly signal?: AbortSignal;
}

/** What one vehicle takes of a lane: driving up, arm up, through, arm down. */
const laneServiceMs = 14_000;
const acceptableWaitMs = 60_000;
const maxLanes = 8;
/** Simulated time before the first vehicle, for the edges to connect. */
const leadMs = 60_000;

export async function replayRecording(
  file: string,
  recording: Recording,
  options: ReplayOptions,
): Promise<ReplayReport> {
  const itinerary = planReplay(recording);
  const lanes = {
    entry: options.entryLanes ?? lanesFor(itinerary, 'entry'),
    exit: options.exitLanes ?? lanesFor(itinerary, 'exit'),
  };
  const slots = options.slots ?? defaultSlots(itinerary, lanes.entry + lanes.exit);
  const firstMs = itinerary.steps[0]?.atMs ?? 0;
  const system = createLocalSystem({
    realClock: options.clock,
    random: options.random,
    seed: options.seed,
    speed: options.speed,
    startWallMs: Math.max(0, firstMs - leadMs),
    slots: slotsByClass(itinerary, slots),
    lanes,
    hasReaders: itinerary.withPlates,
    antiPassback: options.antiPassback,
    dataDirectory: options.dataDirectory,
  });
  try {
    await system.start();
    const startedAtMs = options.clock.monoMs();
    const simulatedFromMs = system.clock.wallMs();
    const { onProgress } = options;
    const tally = await unlessAborted(
      runReplay(itinerary, { ...system, ...(onProgress === undefined ? {} : { onProgress }) }),
      options.signal,
    );
    const speed = {
      asked: options.speed,
      simulatedMs: system.clock.wallMs() - simulatedFromMs,
      realMs: options.clock.monoMs() - startedAtMs,
    };
    const books = await system.books();
    return { file, lanes, slots, speed, reconciliation: reconcile(recording, itinerary, tally, books) };
  } finally {
    await system.stop();
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('the replay was stopped'));
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject);
  });
}

function lanesFor(itinerary: Itinerary, act: 'entry' | 'exit'): number {
  const arrivalsMs = itinerary.steps.filter((step) => step.act === act).map(({ atMs }) => atMs);
  return lanesNeeded(arrivalsMs, { serviceMs: laneServiceMs, maxWaitMs: acceptableWaitMs, maxLanes });
}

/** A vehicle that leaves and one that comes at the same minute need a slot each for a moment. */
function defaultSlots({ mostInsideByClass }: Itinerary, spare: number): number {
  return [...mostInsideByClass.values()].reduce((sum, most) => sum + most + spare, 0);
}

/** So many slots in all, shared among the classes as the recording needs them, at least one for each. */
export function slotsByClass({ mostInsideByClass }: Itinerary, total: number): Map<SlotClass, number> {
  const needed = [...mostInsideByClass].sort(([, a], [, b]) => b - a);
  const sum = needed.reduce((all, [, count]) => all + Math.max(1, count), 0);
  const shares = new Map(
    needed.map(([slotClass, count]) => [slotClass, Math.max(1, Math.floor((Math.max(1, count) * total) / sum))]),
  );
  const given = [...shares.values()].reduce((all, count) => all + count, 0);
  const [largest] = needed;
  if (largest !== undefined) shares.set(largest[0], Math.max(1, (shares.get(largest[0]) ?? 0) + total - given));
  return shares;
}
