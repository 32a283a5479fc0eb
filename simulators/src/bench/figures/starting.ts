/** Figure 9: how long a start takes until the first vehicle is decided about. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectBareEdge } from '../history/bare-edge.js';
import type { BareEdge } from '../history/bare-edge.js';
import { edgesOf, prepareAggregator } from '../history/prepared-aggregator.js';
import type { PlannedSite, PreparedAggregator } from '../history/prepared-aggregator.js';
import { atMostTimes, told } from '../figure.js';
import type { BenchContext, Figure, Measured, PreparedFigure, Scale } from '../figure.js';

export interface StartSize {
  readonly sessions: number;
  readonly inside: number;
  readonly vehicles: number;
  /** Of the site, on both sides. */
  readonly slots: number;
}

const sizes: Readonly<Record<Scale, StartSize>> = {
  full: { sessions: 1_000_000, inside: 20_000, vehicles: 1_000, slots: 25_000 },
  short: { sessions: 20_000, inside: 1_000, vehicles: 100, slots: 1_250 },
};

/** Of an aggregator that has hardly anything to remember. */
const fewSlots = 100;
const retryEveryMs = 5;
const startTimeoutMs = 120_000;

export const starting: Figure = {
  number: 9,
  title: 'start to the first decision with 1,000,000 stored sessions and 20,000 open',
  how: 'The aggregator is started as in production over a prepared directory; an edge tries to connect every five milliseconds and presents a vehicle as soon as it may. From the spawn of the process to the decision. The store was made by the program and filled by SQL with one site of 25,000 slots, the stays of two years as the default retention leaves them, 20,000 open sessions and 1,000 registered vehicles. The floor has the same layout and has never seen a vehicle: what is compared is what is remembered, not the size of the car park. What an empty store with 100 slots takes is told beside it. The files are in the cache of the operating system on both sides.',
  lines: [
    {
      key: 'startMs',
      what: 'spawn to the first decision',
      unit: 'ms',
      floor: 'the same with an empty store',
      ...atMostTimes(2, 1.2),
    },
    { key: 'smallMs', what: 'the same with an empty store and 100 slots', unit: 'ms', floor: null, ...told },
  ],
  rounds: { full: 7, short: 2 },
  prepare: (context) => prepareStarts(context, sizes[context.scale]),
};

export async function prepareStarts(
  context: Pick<BenchContext, 'say' | 'tidyUp'>,
  size: StartSize,
): Promise<PreparedFigure> {
  const { sessions, inside, vehicles, slots } = size;
  const prepare = async (site: PlannedSite, history: { sessions: number; vehicles: number }): Promise<Starter> =>
    createStarter(await prepareAggregator({ sites: [site], history }, context.tidyUp, context.say));
  const nothing = { sessions: 0, vehicles: 0 };
  const starters = {
    floor: await prepare({ slots, inside: 0 }, nothing),
    ours: await prepare({ slots, inside }, { sessions, vehicles }),
    small: await prepare({ slots: fewSlots, inside: 0 }, nothing),
  };
  const all = Object.values(starters);
  const close = async (): Promise<void> => {
    for (const starter of all) await starter.prepared.system.stop();
  };
  context.say('warming up');
  try {
    for (const starter of all) await starter.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async measure(side): Promise<Measured> {
      const startMs = await starters[side].start();
      return side === 'floor' ? { startMs } : { startMs, smallMs: await starters.small.start() };
    },
    close,
  };
}

interface Starter {
  readonly prepared: PreparedAggregator;
  /** Starts it, and stops it again; milliseconds from the spawn to the decision. */
  start(): Promise<number>;
}

function createStarter(prepared: PreparedAggregator): Starter {
  const { system, sites } = prepared;
  const [site] = sites;
  if (site === undefined) throw new RangeError('there is no site');
  const { entry } = edgesOf(prepared, site);
  let vehicle = 0;
  return {
    prepared,
    async start() {
      vehicle += 1;
      const startedMs = performance.now();
      const running = await system.launchAggregator();
      const edge = await connectedBefore(startedMs + startTimeoutMs, () => {
        if (running.exitCode !== null) throw new Error(`the aggregator ended:\n${running.output}`);
        return connectBareEdge({ ...entry.options, port: system.mqttPort }, entry.outbox);
      });
      const answered = await edge.arrive(site.entryGateIds[0], `FIRST${String(vehicle)}`);
      const tookMs = performance.now() - startedMs;
      if (answered.decision.outcome !== 'admit') throw new Error(`it was not admitted: ${answered.decision.outcome}`);
      await edge.pass(site.entryGateIds[0], answered);
      edge.end();
      await running.kill('SIGTERM');
      return tookMs;
    },
  };
}

/** @throws Error of the last try */
async function connectedBefore(endMs: number, connect: () => Promise<BareEdge>): Promise<BareEdge> {
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      const isNotThereYet = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
      if (!isNotThereYet || performance.now() > endMs) throw error;
      await sleep(retryEveryMs);
    }
  }
}
