/** Figure 5: very many edges, first idle and then all back at once. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot, System } from '../../processes/index.js';
import { startChild } from '../child.js';
import type { Child } from '../child.js';
import type { CrowdAccount } from '../crowd/crowd-edge.js';
import { createCrowdSites, crowdSettings } from '../crowd/crowd-sites.js';
import type { CrowdSize } from '../crowd/crowd-sites.js';
import { atMostTimes, told } from '../figure.js';
import type { BenchContext, Figure, Measured, PreparedFigure, Scale, Side } from '../figure.js';
import { createProcesses } from '../figure-processes.js';
import { residentBytes } from '../process-reading.js';
import type { CrowdLoadOptions, Served } from '../programs/crowd-load.js';

export interface CrowdFigureSize extends CrowdSize {
  readonly idleMs: number;
  readonly stateEveryMs: number;
  /** From the collection until the pages that it freed are given back. */
  readonly givenBackMs: number;
}

const sizes: Readonly<Record<Scale, CrowdFigureSize>> = {
  full: { sites: 100, edgesPerSite: 100, idleMs: 25_000, stateEveryMs: 10_000, givenBackMs: 3_000 },
  short: { sites: 10, edgesPerSite: 100, idleMs: 5_000, stateEveryMs: 10_000, givenBackMs: 2_000 },
};

/** Preloaded by both servers. */
const collector = pathToFileURL(path.join(projectRoot, 'simulators/dist/bench/collect.js')).href;
const floor = '10,000 connections to a bare Aedes';

export const crowd: Figure = {
  number: 5,
  title: '10,000 edges connected, idle, then back at once',
  how: 'Ten thousand edges of a hundred car parks, each registered and enrolled with a credential of its own, each with one lane (every other an entry), its last will, its five subscriptions and a state every 10 s; they connect from loopback addresses of 250 each. The aggregator has been started anew on their data. Resident memory is read at idle, once the garbage has been collected in the same way in both servers; as it is before is told too. Then every connection is cut and opened again in the same moment; an edge is served when its state was answered by an `acks` of the aggregator; one that is refused tries again as the agent does. The floor is a process with nothing but Aedes: the same clients, subscriptions, wills and states; only its memory is measured, since it takes minutes to be subscribed to again while ten thousand states are retained. Raised: requests a key and enrolments an address may make in a minute, for registering.',
  lines: [
    { key: 'residentMb', what: 'memory at idle, garbage collected', unit: 'MB', floor, ...atMostTimes(1.5, 1.2) },
    { key: 'uncollectedMb', what: 'the same with the garbage that waits to be collected', unit: 'MB', floor, ...told },
    { key: 'perConnectionKb', what: 'of it, grown with the connections, each', unit: 'kB', floor, ...told },
    {
      key: 'servedS',
      what: 'all reconnecting at once, until every one is served',
      unit: 's',
      floor: null,
      ...told,
      must: { of: 'value', value: 30 },
    },
  ],
  rounds: { full: 2, short: 1 },
  prepare: (context) => prepareCrowd(context, sizes[context.scale]),
};

/** An aggregator whose garbage can be collected from outside. */
class CollectedSystem extends System {
  override aggregatorEnvironment(): Record<string, string> {
    return { ...super.aggregatorEnvironment(), NODE_OPTIONS: `--import=${collector}` };
  }
}

export async function prepareCrowd(
  context: Pick<BenchContext, 'say' | 'tidyUp'>,
  size: CrowdFigureSize,
): Promise<PreparedFigure> {
  const processes = createProcesses(context.tidyUp, new CollectedSystem(1, crowdSettings));
  const { system } = processes;
  const startLoad = (accounts: readonly CrowdAccount[], answeredBy: 'acks' | 'pubacks'): Promise<Child> => {
    const { stateEveryMs } = size;
    return processes.start('crowd-load', { accounts, answeredBy, stateEveryMs } satisfies CrowdLoadOptions);
  };
  try {
    await system.startAggregator();
    context.say(`registers and enrols ${String(size.sites * size.edgesPerSite)} edges`);
    const accounts = await createCrowdSites(system, size);
    await system.aggregator?.kill('SIGTERM');
    const crowds: Record<Side, Child> = {
      ours: await startLoad(accounts, 'acks'),
      floor: await startLoad(accounts, 'pubacks'),
    };
    return {
      measure: async (side) => {
        const server = side === 'ours' ? await startOurs(system) : await startFloor();
        try {
          return await measureCrowd(context, size, side, crowds[side], server);
        } finally {
          await crowds[side].ask('cut');
          await server.stop();
        }
      },
      close: () => processes.close(),
    };
  } catch (error) {
    await processes.close();
    throw error;
  }
}

interface Server {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<unknown>;
}

async function startOurs(system: System): Promise<Server> {
  await system.startAggregator();
  const { aggregator } = system;
  if (aggregator === null) throw new Error('the aggregator is not started');
  return { pid: aggregator.pid, port: system.mqttPort, stop: () => aggregator.kill('SIGTERM') };
}

async function startFloor(): Promise<Server> {
  const broker = await startChild('bare-aedes', {}, ['--import', collector]);
  return { pid: broker.pid, port: await broker.ask<number>('port'), stop: () => broker.stop() };
}

async function measureCrowd(
  context: Pick<BenchContext, 'say'>,
  size: CrowdFigureSize,
  side: Side,
  edges: Child,
  { pid, port }: Server,
): Promise<Measured> {
  const emptyBytes = await collectedBytes(pid, size);
  const connected = await edges.ask<Served>('connect', { port });
  await wait(size.idleMs);
  const uncollectedBytes = residentBytes(pid);
  const idleBytes = await collectedBytes(pid, size);
  context.say(
    `connected in ${connected.seconds.toFixed(1)} s; ${inMegabytes(uncollectedBytes).toFixed(0)} MB at idle, ${inMegabytes(idleBytes).toFixed(0)} MB collected, ${inMegabytes(emptyBytes).toFixed(0)} MB before`,
  );
  const memory = {
    residentMb: inMegabytes(idleBytes),
    uncollectedMb: inMegabytes(uncollectedBytes),
    perConnectionKb: (idleBytes - emptyBytes) / 1_000 / (size.sites * size.edgesPerSite),
  };
  if (side === 'floor') return memory;
  const { seconds, retries } = await edges.ask<Served>('reconnect', { port });
  context.say(`all served ${seconds.toFixed(1)} s after they were cut off, ${String(retries)} tried again`);
  return { ...memory, servedS: seconds };
}

async function collectedBytes(pid: number, { givenBackMs }: CrowdFigureSize): Promise<number> {
  process.kill(pid, 'SIGUSR2');
  await wait(givenBackMs);
  return residentBytes(pid);
}

function inMegabytes(bytes: number): number {
  return bytes / 1_000_000;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
