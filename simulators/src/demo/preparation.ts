/** What has to be in order before the demonstration starts anything. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '@gatehouse/shared';
import type { ApiClient } from '../api-client.js';
import { edgeDirectory } from './children.js';
import type { Places } from './children.js';
import type { LiveLine } from './live-line.js';
import type { DemoOptions } from './options.js';
import { tryPort } from './ports.js';
import { isAlive, runningPath, runningSchema } from './running.js';
import type { Running } from './running.js';
import type { DemoEdge, DemoSite } from './sites.js';
import { readState } from './state-file.js';

/** Something a person can mend. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

export interface Ports {
  readonly http: number;
  readonly mqtt: number;
}

/** @throws DemoError naming the key to change when a port cannot be had. */
export async function choosePorts(options: DemoOptions): Promise<Ports> {
  const choose = async (port: number, option: string, variable: string): Promise<number> => {
    const result = await tryPort(port);
    if ('port' in result) return result.port;
    throw new DemoError(`port ${String(port)} ${result.problem}: choose another one with ${option} N or ${variable}=N`);
  };
  return {
    http: await choose(options.httpPort, '--http-port', 'GATEHOUSE_HTTP_PORT'),
    mqtt: await choose(options.mqttPort, '--mqtt-port', 'GATEHOUSE_MQTT_PORT'),
  };
}

/** @throws DemoError when it cannot be written, or when a demonstration runs out of it. */
export async function prepareDirectory({ dataDirectory, projectRoot }: Places, line: LiveLine): Promise<void> {
  try {
    mkdirSync(join(dataDirectory, 'demo'), { recursive: true });
    writeFileSync(join(dataDirectory, 'demo', '.writable'), '');
  } catch (error) {
    const reason = messageOf(error);
    throw new DemoError(`the data directory cannot be written (${reason}): choose another one with --data DIRECTORY`);
  }
  const before = readState(runningPath(dataDirectory), runningSchema);
  if (before === undefined) return;
  if (before.supervisorPid !== process.pid && isProgram(before.supervisorPid, projectRoot)) {
    throw new DemoError(
      `a demonstration runs out of ${dataDirectory} already (process ${String(before.supervisorPid)}): stop it, or choose another --data DIRECTORY and other ports`,
    );
  }
  await stopLeftovers(before, projectRoot, line);
}

const leftoverTimeoutMs = 6_000;

/** A supervisor that was killed leaves its programs behind; they hold the ports and the databases. */
async function stopLeftovers({ pids }: Running, projectRoot: string, line: LiveLine): Promise<void> {
  const left = Object.entries(pids).filter(([, pid]) => isProgram(pid, projectRoot));
  if (left.length === 0) return;
  line.say(`stopping what an earlier start left running: ${left.map(([name]) => name).join(', ')}`);
  for (const [, pid] of left) process.kill(pid, 'SIGTERM');
  const deadlineMs = Date.now() + leftoverTimeoutMs;
  while (left.some(([, pid]) => isProgram(pid, projectRoot))) {
    if (Date.now() > deadlineMs)
      throw new DemoError(`processes ${left.map(([, pid]) => String(pid)).join(', ')} do not stop`);
    await delay(50);
  }
}

/** Whether the process is one of this project: its id may have gone to another since. */
function isProgram(pid: number, projectRoot: string): boolean {
  if (!isAlive(pid)) return false;
  const path = `/proc/${String(pid)}/cmdline`;
  if (!existsSync('/proc/self/cmdline')) return true;
  try {
    return readFileSync(path, 'utf8').includes(projectRoot);
  } catch {
    // It has ended in the meantime.
    return false;
  }
}

export function apiUrl({ http }: Ports): string {
  return `http://127.0.0.1:${String(http)}`;
}

export function adminKeyPath({ dataDirectory }: Places): string {
  return join(dataDirectory, 'admin-key');
}

/** undefined while the aggregator has not written it. */
export function readAdminKey(places: Places, environment: NodeJS.ProcessEnv): string | undefined {
  if (environment.GATEHOUSE_ADMIN_KEY !== undefined) return environment.GATEHOUSE_ADMIN_KEY;
  const path = adminKeyPath(places);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

/** Registers an edge that has no credential yet, and leaves it the one-time code. */
export async function provideCode(places: Places, site: DemoSite, edge: DemoEdge, api: ApiClient): Promise<void> {
  const directory = edgeDirectory(places, edge.edgeId);
  if (existsSync(join(directory, 'credential.json'))) return;
  const { edgeId, name } = edge;
  const code = await api.enrolmentCode({ edgeId, name, siteId: site.siteId });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'enrolment-code'), `${code}\n`, { mode: 0o600 });
}
