/** Runs a real aggregator and a real edge agent, lets vehicles through or nobody, and reads what that cost the edge's machine. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { redeemCode, writeCredential } from '../../../edge-agent/dist/index.js';
import { System, until } from '../../../simulators/dist/index.js';
import { root } from '../project.mjs';
import { costOf } from './process-cost.mjs';
import { callsOn, straceArguments } from './system-calls.mjs';

const siteId = 'site';
/** @type {import('../../../simulators/dist/index.js').SiteGate[]} */
const gates = [{ gateId: 'in', edgeId: 'edge', direction: 'entry' }];
/** From the start until nothing of it is left to be done. */
const settleMs = 60_000;
const edgeProgram = join(root, 'edge-agent/dist/main.js');

/**
 * @typedef {object} VehicleCost of one vehicle on average
 * @property {number} events
 * @property {number} commits
 * @property {number} syncs
 * @property {number} writes
 * @property {number} writtenBytes handed to the files of the data directory
 * @property {number} dirtyBytes whole pages that storage has to take, as the kernel counts them
 * @property {number} keptBytes canonical bytes of its events, which the outbox keeps
 */

/** One repetition with traffic, on a clock that makes lanes faster and nothing else.
 * @param {number} vehicles
 * @param {number} factor
 * @returns {Promise<VehicleCost>}
 */
export async function costOfVehicles(vehicles, factor) {
  const system = new System(factor);
  try {
    await prepare(system, vehicles + 10);
    const trace = join(system.directory, 'strace.txt');
    const command = [process.execPath, edgeProgram, '--config', system.edgeFile('edge', 'config.json'), '--json'];
    const running = system.spawn({ command: 'strace' }, [...straceArguments(trace), ...command]);
    system.edges.set('edge', running);
    await system.edgeOnline('edge');
    const { pid, httpUrl } = await until('the edge says what runs', () => startedLine(running.output));
    await driveThrough(system, 'FIRST');
    await drained(httpUrl);
    const before = { ...(await pageOf(httpUrl)), ...costOf(pid), atMs: Date.now() };
    for (let index = 1; index <= vehicles; index += 1) await driveThrough(system, `V${String(index)}`);
    await drained(httpUrl);
    const after = { ...(await pageOf(httpUrl)), ...costOf(pid), atMs: Date.now() };
    process.kill(pid, 'SIGTERM');
    await running.exited;
    const calls = callsOn(readFileSync(trace, 'utf8'), system.edgeFile('edge', 'data'), before.atMs, after.atMs);
    /** @param {number} whole */
    const each = (whole) => whole / vehicles;
    return {
      events: each(after.events - before.events),
      commits: each(after.commits - before.commits),
      syncs: each(calls.syncs),
      writes: each(calls.writes),
      writtenBytes: each(calls.writtenBytes),
      dirtyBytes: each(after.writeBytes - before.writeBytes),
      keptBytes: each(after.outboxBytes - before.outboxBytes),
    };
  } finally {
    await system.stop();
  }
}

/**
 * @typedef {object} IdleCost
 * @property {number} cpuPercent of one core
 * @property {number} residentBytes
 * @property {number} wakeUpsPerSecond
 * @property {number} dirtyBytesPerHour
 */

/** One repetition without traffic: an agent with one gate, and beside it the bare floor.
 * @param {number} idleSeconds
 * @returns {Promise<{ agent: IdleCost, bare: IdleCost }>}
 */
export async function costOfIdling(idleSeconds) {
  const system = new System(1);
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let bare;
  try {
    await prepare(system, 10);
    const agent = system.startEdge('edge');
    await system.edgeOnline('edge');
    bare = await startBare(system);
    // What the start left is collected some time after it.
    await sleep(settleMs);
    const pids = { agent: agent.pid, bare: bare.pid ?? 0 };
    const before = { agent: costOf(pids.agent), bare: costOf(pids.bare), atMs: performance.now() };
    await sleep(idleSeconds * 1_000);
    const after = { agent: costOf(pids.agent), bare: costOf(pids.bare), atMs: performance.now() };
    const seconds = (after.atMs - before.atMs) / 1_000;
    /** @param {'agent' | 'bare'} which @returns {IdleCost} */
    const idle = (which) => ({
      cpuPercent: (after[which].cpuNs - before[which].cpuNs) / 1e7 / seconds,
      residentBytes: after[which].residentBytes,
      wakeUpsPerSecond: (after[which].wakeUps - before[which].wakeUps) / seconds,
      dirtyBytesPerHour: ((after[which].writeBytes - before[which].writeBytes) / seconds) * 3_600,
    });
    return { agent: idle('agent'), bare: idle('bare') };
  } finally {
    bare?.kill('SIGKILL');
    await system.stop();
  }
}

/** @param {System} system @param {number} slots */
async function prepare(system, slots) {
  await system.startAggregator();
  await system.createSite(siteId, slots, gates);
  await system.prepareEdge(siteId, 'edge', gates);
}

/** @param {System} system @param {string} plate */
async function driveThrough(system, plate) {
  const vehicleId = await system.sendVehicle('edge', 'in', { plate });
  await until(`${plate} is through`, async () => {
    const { report } = await system.control('edge', 'GET', `/vehicles/${vehicleId}`);
    return report !== undefined && report !== null;
  });
}

/** @param {string} output @returns {{ pid: number, httpUrl: string } | undefined} */
function startedLine(output) {
  const line = output.split('\n').find((text) => text.startsWith('{"event":"started"'));
  return line === undefined ? undefined : JSON.parse(line);
}

/** Waits until nothing is left to send.
 * @param {string} url
 */
async function drained(url) {
  await until('everything is acknowledged', async () => (await pageOf(url)).unacknowledged === 0);
}

/** @param {string} url */
async function pageOf(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  /** @param {string} name */
  const valueOf = (name) => {
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

/** @param {System} system */
async function startBare(system) {
  const code = await system.registerEdge(siteId, 'bare');
  const directory = join(system.directory, 'bare');
  await writeCredential(directory, await redeemCode(system.url, code, false));
  const bare = spawn(process.execPath, [join(root, 'scripts/edge-cost/bare.mjs'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  bare.stdout.on('data', (/** @type {Buffer} */ part) => {
    said += part.toString();
  });
  await until('the bare process is connected', () => said.includes('ready'));
  return bare;
}
