/** The agent as a service: what systemd hears of it at the socket that it names to its services. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeCredential } from '../../src/enrolment.js';
import { openDatagramSocket } from '../adapters/support/datagram-socket.js';
import type { DatagramSocket } from '../adapters/support/datagram-socket.js';
import { eventually } from '../adapters/support/eventually.js';

const program = join(import.meta.dirname, '../../dist/main.js');
const startTimeoutMs = 60_000;
const watchdogMs = 600;
/** Lets a signal make the event loop hang, after a word about it. */
const hangingCode = `import { writeSync } from 'node:fs';
process.on('SIGUSR2', () => { writeSync(2, 'hangs'); for (;;); });`;
const hangs = `data:text/javascript,${encodeURIComponent(hangingCode)}`;

describe('the edge agent as a service', () => {
  let directory: string;
  let socket: DatagramSocket;
  let told: string[];
  let child: ChildProcess | undefined;
  let errors: string;

  beforeEach(async () => {
    if (!existsSync(program)) throw new Error('this test runs the compiled program: npm run build');
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-service-'));
    socket = openDatagramSocket(join(directory, 'notify'));
    told = [];
    errors = '';
  });
  afterEach(async () => {
    const agent = child;
    child = undefined;
    if (agent?.exitCode === null && agent.signalCode === null) {
      const ended = endOf(agent);
      agent.kill('SIGKILL');
      await ended;
    }
    socket.close();
    await rm(directory, { recursive: true, force: true });
  });

  const start = async (more: object = {}): Promise<ChildProcess> => {
    const configuration = {
      siteId: 'north',
      edgeId: 'north-1',
      dataDir: join(directory, 'data'),
      gates: [{ gateId: 'entry-1', direction: 'entry', hasReader: true, barrier: { driver: 'simulated' } }],
      // Nobody answers: a gate works without its link.
      broker: { url: 'mqtt://127.0.0.1:9' },
      http: { port: null },
      ...more,
    };
    const file = join(directory, 'edge.json');
    await writeFile(file, JSON.stringify(configuration));
    const env = {
      PATH: process.env.PATH,
      NOTIFY_SOCKET: join(directory, 'notify'),
      WATCHDOG_USEC: String(watchdogMs * 1_000),
    };
    const started = spawn(process.execPath, ['--import', hangs, program, '--config', file], { env, cwd: directory });
    started.stdout.resume();
    started.stderr.on('data', (part: Buffer) => (errors += part.toString()));
    child = started;
    return started;
  };
  const enrol = () =>
    writeCredential(join(directory, 'data'), {
      ...{ siteId: 'north', edgeId: 'north-1', username: 'north-1', password: 'secret' },
      mqttUrl: 'mqtt://127.0.0.1:9',
    });
  const heard = async (count: number, pattern: RegExp): Promise<void> => {
    const found = (): number => {
      told.push(...socket.received());
      return told.filter((text) => pattern.test(text)).length;
    };
    await eventually(() => found() >= count, `${String(count)} of ${String(pattern)}; ${errors}`, startTimeoutMs);
  };

  it('says that it is ready, alive again and again, and that it stops', async () => {
    await enrol();
    const agent = await start();
    await heard(5, /^WATCHDOG=1/m);
    const ready = told.indexOf('READY=1');
    expect(ready).toBeGreaterThanOrEqual(0);
    expect(told.findIndex((text) => text.includes('WATCHDOG=1'))).toBeGreaterThan(ready);
    expect(told.join('\n')).toMatch(/^STATUS=runs 1 gate, link down \(.+\), \d+ events? waits?$/m);
    const ended = endOf(agent);
    agent.kill('SIGTERM');
    expect(await ended).toBe(0);
    await heard(1, /^STOPPING=1\nSTATUS=stops$/);
    expect(told.at(-1)).toBe('STOPPING=1\nSTATUS=stops');
  });

  it('falls silent when its event loop hangs, though the process lives on', async () => {
    await enrol();
    const agent = await start();
    await heard(3, /^WATCHDOG=1/m);
    agent.kill('SIGUSR2');
    await eventually(() => errors.includes('hangs'), 'its event loop hangs', startTimeoutMs);
    socket.received();
    await sleep(3 * watchdogMs);
    expect(socket.received()).toEqual([]);
    expect([agent.exitCode, agent.signalCode]).toEqual([null, null]);
  });

  it('asks for time while it waits to be enrolled, for as long as that takes', async () => {
    await start({ enrolment: { url: 'http://127.0.0.1:9', codeFile: join(directory, 'code') } });
    await heard(3, /^EXTEND_TIMEOUT_USEC=120000000$/);
    expect(told[0]).toBe('STATUS=waits for its enrolment');
    expect(told).not.toContain('READY=1');
  });
});

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('close', resolve);
  });
}
