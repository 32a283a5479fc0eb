/** What one vehicle costs the storage of an edge: a production agent and aggregator, and a lane that is faster than steel. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot, System, until } from '../../processes/index.js';
import type { Running, SiteGate, TidyUp } from '../../processes/index.js';
import { costOf } from './process-cost.js';
import { callsOn, straceArguments } from './system-calls.js';

export const edgeProgram = path.join(projectRoot, 'edge-agent/dist/main.js');

const siteId = 'site';
const gates: readonly SiteGate[] = [{ gateId: 'in', edgeId: 'edge', direction: 'entry' }];
/** Simulated milliseconds of the lane in a real one. The protocol and the outbox stay on the real clock. */
const factor = 40;

/** Of one vehicle on average. */
export interface VehicleCost {
  readonly events: number;
  readonly commits: number;
  readonly syncs: number;
  /** Handed to the files of the data directory. */
  readonly writtenBytes: number;
  /** Whole pages that storage has to take, as the kernel counts them. */
  readonly storageBytes: number;
  /** Canonical bytes of its events, which the outbox keeps. */
  readonly keptBytes: number;
}

export async function costOfVehicles(vehicles: number, tidyUp: TidyUp): Promise<VehicleCost> {
  const system = new System(factor).endWith(tidyUp);
  // What strace runs goes on when strace is killed.
  let agentPid: number | null = null;
  const killAgent = (): void => {
    if (agentPid !== null) process.kill(agentPid, 'SIGKILL');
  };
  const takeBack = tidyUp.later(killAgent);
  try {
    await system.startAggregator();
    await system.createSite(siteId, vehicles + 10, gates);
    await system.prepareEdge(siteId, 'edge', gates);
    const trace = path.join(system.directory, 'strace.txt');
    const command = [process.execPath, edgeProgram, '--config', system.edgeFile('edge', 'config.json'), '--json'];
    const running = system.spawn({ command: 'strace' }, [...straceArguments(trace), ...command]);
    system.edges.set('edge', running);
    await system.edgeOnline('edge');
    const { pid, httpUrl } = await until('the edge says what runs', () => startedLine(running));
    agentPid = pid;
    // The first one brings what a new outbox writes once.
    await driveThrough(system, 'FIRST');
    await drained(httpUrl);
    const before = { ...(await pageOf(httpUrl)), ...costOf(pid), atMs: Date.now() };
    for (let index = 1; index <= vehicles; index += 1) await driveThrough(system, `V${String(index)}`);
    await drained(httpUrl);
    const after = { ...(await pageOf(httpUrl)), ...costOf(pid), atMs: Date.now() };
    process.kill(pid, 'SIGTERM');
    await running.exited;
    agentPid = null;
    const calls = callsOn(readFileSync(trace, 'utf8'), system.edgeFile('edge', 'data'), before.atMs, after.atMs);
    return {
      events: (after.events - before.events) / vehicles,
      commits: (after.commits - before.commits) / vehicles,
      syncs: calls.syncs / vehicles,
      writtenBytes: calls.writtenBytes / vehicles,
      storageBytes: (after.storageBytes - before.storageBytes) / vehicles,
      keptBytes: (after.outboxBytes - before.outboxBytes) / vehicles,
    };
  } finally {
    killAgent();
    takeBack();
    await system.stop();
  }
}

async function driveThrough(system: System, plate: string): Promise<void> {
  const vehicleId = await system.sendVehicle('edge', 'in', { plate });
  await until(`${plate} is through`, async () => {
    const { report } = await system.control('edge', 'GET', `/vehicles/${vehicleId}`);
    return report !== undefined && report !== null;
  });
}

function startedLine({ output }: Running): { readonly pid: number; readonly httpUrl: string } | undefined {
  const line = output.split('\n').find((text) => text.startsWith('{"event":"started"'));
  return line === undefined ? undefined : (JSON.parse(line) as { pid: number; httpUrl: string });
}

/** Waits until nothing is left to send. @param url of the edge's page */
export async function drained(url: string): Promise<void> {
  await until('everything is acknowledged', async () => (await pageOf(url)).unacknowledged === 0);
}

interface Page {
  readonly commits: number;
  readonly events: number;
  readonly unacknowledged: number;
  readonly outboxBytes: number;
}

async function pageOf(url: string): Promise<Page> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const valueOf = (name: string): number => {
    const found = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1];
    if (found === undefined) throw new Error(`the edge does not tell ${name}`);
    return Number(found);
  };
  return {
    commits: valueOf('gatehouse_agent_commit_duration_seconds_count'),
    events: valueOf('gatehouse_agent_events_committed_total'),
    unacknowledged: valueOf('gatehouse_agent_outbox_unacknowledged_events'),
    outboxBytes: valueOf('gatehouse_agent_outbox_bytes'),
  };
}
