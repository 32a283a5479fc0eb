/** Figure 10: what an edge agent takes of its machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import path from 'node:path';
import { costOfIdling, startAgents } from '../edge-cost/agents.js';
import type { Agents, IdleCost } from '../edge-cost/agents.js';
import { createBareFloor } from '../edge-cost/bare-floor.js';
import type { BareFloor } from '../edge-cost/bare-floor.js';
import { needStrace } from '../edge-cost/system-calls.js';
import { costOfVehicles } from '../edge-cost/vehicles.js';
import { atMostTimes, told } from '../figure.js';
import type { BenchContext, Figure, Measured, PreparedFigure, Scale } from '../figure.js';
import type { TidyUp } from '../../processes/index.js';
import { median } from '../statistics.js';

export interface EdgeCostSizes {
  /** Idle agents, and bare processes of each kind; each is one round's. */
  readonly idle: number;
  /** From a start until nothing of it is left to be done. */
  readonly settleSeconds: number;
  readonly idleSeconds: number;
  readonly vehicles: number;
  readonly starts: number;
}

const sizes: Readonly<Record<Scale, EdgeCostSizes>> = {
  full: { idle: 3, settleSeconds: 60, idleSeconds: 60, vehicles: 100, starts: 5 },
  short: { idle: 1, settleSeconds: 15, idleSeconds: 15, vehicles: 20, starts: 3 },
};

const bare = 'Node.js with mqtt and sqlite3';
/** A vehicle is three commits that have to be one after the other, of two events. */
const floorCommits = 3;
const floorRowBytes = 155;

export const edgeCost: Figure = {
  number: 10,
  title: 'what an edge agent takes of its machine',
  how: 'The production program of the agent as it is started everywhere, enrolled by an earlier start, one simulated gate. The floor is a process of Node.js with the same mqtt and sqlite3, an open database and a connection, both as they are by default; and once more with the one option by which the agent saves most (writeCache off); its garbage has been collected. Idle: a minute after the start, over the next minute, several of each side by side, collection of garbage included. Start: from the start of the process to the open request for a vehicle that is on the loop as soon as the agent can see it, decided by the aggregator; the floor connects, commits one row, and has the first reply of an Aedes that has committed one, too. Vehicles: one after the other through an entry, lanes 40 times as fast as real ones; bytes and flushes by strace on the files of the outbox, commits and events by the agent’s own metrics, whole pages by the kernel. The floor commits rows of as many bytes one by one.',
  lines: [
    {
      key: 'memory',
      what: 'idle: resident memory',
      unit: 'MB',
      floor: bare,
      ...atMostTimes(1.5, 1.2),
    },
    { key: 'memoryLean', what: 'the same, beside a floor with writeCache off', unit: 'MB', floor: bare, ...told },
    {
      key: 'processor',
      what: 'idle: share of one core',
      unit: '%',
      floor: bare,
      ...told,
      must: { of: 'value', value: 1 },
    },
    { key: 'wakeUps', what: 'idle: times that it wakes up', unit: '1/s', floor: bare, ...told },
    { key: 'start', what: 'start to the first open request', unit: 'ms', floor: 'start to the first reply', ...told },
    { key: 'commits', what: 'a vehicle: commits', unit: 'count', floor: null, ...told },
    { key: 'syncs', what: 'a vehicle: flushes', unit: 'count', floor: 'commits of one row', ...told },
    { key: 'written', what: 'a vehicle: bytes written', unit: 'kB', floor: 'commits of one row', ...told },
    { key: 'storage', what: 'a vehicle: bytes that storage takes, in whole pages', unit: 'kB', floor: null, ...told },
    { key: 'events', what: 'a vehicle: events', unit: 'count', floor: null, ...told },
    { key: 'kept', what: 'a vehicle: bytes of events that the outbox keeps', unit: 'kB', floor: null, ...told },
  ],
  rounds: { full: 3, short: 1 },
  prepare: (context) => prepareEdgeCost(context, sizes[context.scale]),
};

/** @throws Error where there is no strace */
export async function prepareEdgeCost(
  context: Pick<BenchContext, 'directory' | 'say' | 'tidyUp'>,
  { idle, settleSeconds, idleSeconds, vehicles, starts }: EdgeCostSizes,
): Promise<PreparedFigure> {
  needStrace();
  const floor = await createBareFloor(path.join(context.directory, 'floor'), context.tidyUp);
  let agents: Agents;
  const pids: number[] = [];
  try {
    for (const kind of ['bare', 'lean'] as const) {
      for (let index = 1; index <= idle; index += 1) {
        pids.push((await floor.start(`${kind}-${String(index)}`, kind === 'bare')).pid);
      }
    }
    agents = await startAgents(idle, context.tidyUp);
  } catch (error) {
    await floor.close();
    throw error;
  }
  pids.push(...agents.idle.map(({ pid }) => pid));
  const settled = sleep(settleSeconds * 1_000);
  let idled: Promise<IdleCost[]> | undefined;
  const idleOf = async (kind: 'bare' | 'lean' | 'agent', round: number): Promise<IdleCost> => {
    idled ??= settled.then(() => {
      context.say(`nobody comes for ${String(idleSeconds)} s`);
      return costOfIdling(pids, idleSeconds);
    });
    const found = (await idled)[['bare', 'lean', 'agent'].indexOf(kind) * idle + ((round - 1) % idle)];
    if (found === undefined) throw new RangeError(`nothing was measured of ${kind}`);
    return found;
  };
  const idleLines = async (kind: 'bare' | 'agent', round: number): Promise<Measured> => {
    const { residentBytes, processorPercent, wakeUpsPerSecond } = await idleOf(kind, round);
    const lean = kind === 'bare' ? await idleOf('lean', round) : { residentBytes };
    return {
      memory: residentBytes / 1e6,
      memoryLean: lean.residentBytes / 1e6,
      processor: processorPercent,
      wakeUps: wakeUpsPerSecond,
    };
  };
  return {
    async measure(side, round) {
      // What makes the processor busy comes first: the idle ones settle meanwhile.
      const busy =
        side === 'ours'
          ? await measureAgent(agents, context.tidyUp, vehicles, starts)
          : await measureFloor(floor, round, vehicles, starts);
      return { ...busy, ...(await idleLines(side === 'ours' ? 'agent' : 'bare', round)) };
    },
    async close() {
      await Promise.all([agents.close(), floor.close()]);
    },
  };
}

async function measureAgent(agents: Agents, tidyUp: TidyUp, vehicles: number, starts: number): Promise<Measured> {
  const tookMs: number[] = [];
  for (let start = 0; start < starts; start += 1) tookMs.push(await agents.timeToOpen());
  const { events, commits, syncs, writtenBytes, storageBytes, keptBytes } = await costOfVehicles(vehicles, tidyUp);
  return {
    ...{ start: median(tookMs), events, commits, syncs },
    ...{ written: writtenBytes / 1e3, storage: storageBytes / 1e3, kept: keptBytes / 1e3 },
  };
}

async function measureFloor(floor: BareFloor, round: number, vehicles: number, starts: number): Promise<Measured> {
  const tookMs: number[] = [];
  for (let start = 0; start < starts; start += 1) tookMs.push(await floor.timeToReply('starting'));
  const name = `commits-${String(round)}`;
  const { syncs, writtenBytes } = await floor.commit(name, vehicles * floorCommits, floorRowBytes);
  return { start: median(tookMs), syncs: syncs / vehicles, written: writtenBytes / vehicles / 1e3 };
}
