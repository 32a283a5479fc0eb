/** Production agents that nobody drives through: what they take while nothing happens, and how soon one that starts lets somebody in. */
import { performance } from 'node:perf_hooks';
import { System, until } from '../../processes/index.js';
import type { Running, TidyUp } from '../../processes/index.js';
import { residentBytes } from '../process-reading.js';
import { costOf } from './process-cost.js';
import { drained } from './vehicles.js';

const siteId = 'site';
const slots = 50;
const pollMs = 5;
const openTimeoutMs = 30_000;

export interface IdleCost {
  /** Of one core. */
  readonly processorPercent: number;
  readonly residentBytes: number;
  readonly wakeUpsPerSecond: number;
}

export interface Agents {
  /** Connected, and enrolled by an earlier start, as agents are. */
  readonly idle: readonly Running[];
  /** Milliseconds from the start of an agent's process to its first open request, for a vehicle that is on the loop when it can see it. */
  timeToOpen(): Promise<number>;
  close(): Promise<void>;
}

/** As far as it is asked for here. */
interface LanesAnswer {
  readonly gates: readonly { readonly lane: { readonly vehicle: unknown; readonly arrival: unknown } }[];
}

/** @param count of idle ones */
export async function startAgents(count: number, tidyUp: TidyUp): Promise<Agents> {
  const system = new System().endWith(tidyUp);
  try {
    const names = Array.from({ length: count }, (_, index) => `idle-${String(index + 1)}`);
    const gates = [...names, 'starting'].map((edgeId) => {
      return { gateId: `${edgeId}-in`, edgeId, direction: 'entry' as const };
    });
    await system.startAggregator();
    await system.createSite(siteId, slots, gates);
    for (const { edgeId } of gates) {
      await system.prepareEdge(siteId, edgeId, gates);
      system.startEdge(edgeId);
      await system.edgeOnline(edgeId);
      await system.edges.get(edgeId)?.kill('SIGTERM');
    }
    // Nothing is read at this gate, so that no read is waited for, and its loops report at once.
    system.reconfigureEdge('starting', ({ gates: [gate] }) => ({
      gates: [{ ...gate, hasReader: false, barrier: { driver: 'simulated', settings: { detectorResponseMs: 0 } } }],
    }));
    const idle = names.map((edgeId) => system.startEdge(edgeId));
    for (const edgeId of names) await system.edgeOnline(edgeId);
    return { idle, timeToOpen: () => timeToOpen(system), close: () => system.stop() };
  } catch (error) {
    await system.stop();
    throw error;
  }
}

async function timeToOpen(system: System): Promise<number> {
  const opened = (): number[] =>
    system.happenings('starting').flatMap(({ type, step, atMs }) => {
      return type === 'arm' && step === 'opening' ? [Number(atMs)] : [];
    });
  const setLoop = (active: boolean) =>
    system.control('starting', 'POST', '/gates/starting-in/faults', { fault: 'arming-stuck', active });
  const before = opened().length;
  const startedAtMs = Date.now();
  const running = system.startEdge('starting');
  await soon('a vehicle can be put on the loop', async () => {
    await setLoop(true);
    return true;
  });
  const openAtMs = await soon('the barrier is asked to open', () => Promise.resolve(opened()[before]));
  // It backs out again: the next start finds nobody.
  await setLoop(false);
  const page = await system.edgePage('starting');
  await until('the vehicle has gone', async () => {
    const { gates } = (await (await fetch(`${page}/lanes`)).json()) as LanesAnswer;
    return gates.every(({ lane }) => lane.vehicle === null && lane.arrival === null);
  });
  await drained(page);
  await running.kill('SIGTERM');
  return openAtMs - startedAtMs;
}

/** Looks more often than other waits, since the time is what is measured. */
async function soon<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const endAtMs = performance.now() + openTimeoutMs;
  let last: unknown;
  while (performance.now() < endAtMs) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`${what}: not within ${String(openTimeoutMs)} ms`, { cause: last });
}

/** Of each process, over the same time. */
export async function costOfIdling(pids: readonly number[], seconds: number): Promise<IdleCost[]> {
  const look = () => pids.map((pid) => ({ ...costOf(pid), atMs: performance.now() }));
  const before = look();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  return look().map((after, index) => {
    const first = before[index];
    if (first === undefined) throw new RangeError('a process has no beginning');
    const passedS = (after.atMs - first.atMs) / 1_000;
    return {
      processorPercent: (after.processorNs - first.processorNs) / 1e7 / passedS,
      residentBytes: residentBytes(pids[index] ?? -1),
      wakeUpsPerSecond: (after.wakeUps - first.wakeUps) / passedS,
    };
  });
}
