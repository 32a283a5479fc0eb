/** The demonstration as a person runs it: real processes, Ctrl-C, a second start. Needs the compiled programs. */
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sessionListSchema } from '@gatehouse/shared';
import { createApiClient } from '../../src/api-client.js';
import type { ApiClient } from '../../src/api-client.js';
import { isAlive, runningPath, runningSchema } from '../../src/demo/running.js';
import type { Running } from '../../src/demo/running.js';

jest.setTimeout(120_000);

const workspace = resolve(import.meta.dirname, '..', '..');
const demoProgram = join(workspace, 'dist', 'demo', 'main.js');
const simulateProgram = join(workspace, 'dist', 'main.js');

let dataDirectory: string;
const started: Started[] = [];

beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'gatehouse-demo-'));
});
// What a test that fails leaves running must not fail the next one.
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  const left = programPids();
  for (const pid of left) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await until('every program has ended', () => (left.some(isAlive) ? undefined : true));
});
afterAll(async () => {
  await rm(dataDirectory, { recursive: true, force: true, maxRetries: 5 });
});

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

const start = (...options: string[]): Started => {
  const child = spawn(
    process.execPath,
    [
      demoProgram,
      '--data',
      dataDirectory,
      '--http-port',
      '0',
      '--mqtt-port',
      '0',
      '--edge-port',
      '0',
      '--factor',
      '120',
      ...options,
    ],
    // A process group of its own, as a shell gives to what is started in it.
    { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, NODE_OPTIONS: '' } },
  );
  let text = '';
  child.stdout.on('data', (part: Buffer) => (text += part.toString()));
  child.stderr.on('data', (part: Buffer) => (text += part.toString()));
  const ended = new Promise<number | null>((resolveEnd) => child.once('exit', resolveEnd));
  const demo = { child, output: () => text, ended };
  started.push(demo);
  return demo;
};

const running = (): Running | undefined => {
  const path = runningPath(dataDirectory);
  return existsSync(path) ? runningSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
};
const programPids = (): number[] => Object.values(running()?.pids ?? {});

const until = async <T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> => {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
};

/** Plates of the newest 500 sessions of a site, open or closed: a vehicle may have left between two questions. */
const platesOfSessions = async (siteId: string): Promise<string[]> => {
  const key = readFileSync(join(dataDirectory, 'admin-key'), 'utf8').trim();
  const response = await fetch(`${running()?.api ?? ''}/api/v1/sites/${siteId}/sessions?limit=500`, {
    headers: { authorization: `Bearer ${key}` },
  });
  expect(response.status).toBe(200);
  return sessionListSchema.parse(await response.json()).items.flatMap(({ credential }) => credential?.value ?? []);
};

const apiOf = (demo: Started): Promise<ApiClient> =>
  until('the banner', () => {
    const state = running();
    if (!demo.output().includes('/api/v1/occupancy')) return undefined;
    if (state === undefined || state.supervisorPid !== demo.child.pid) return undefined;
    return createApiClient(state.api, readFileSync(join(dataDirectory, 'admin-key'), 'utf8').trim());
  });

describe('the demonstration', () => {
  it('runs two sites, stops on Ctrl-C with everything it started, and goes on at the next start', async () => {
    const first = start();
    const api = await apiOf(first);
    expect(first.output()).toContain('begins on Monday');
    expect(first.output()).toContain(`${running()?.api ?? ''}/docs`);
    expect(first.output()).toContain(join(dataDirectory, 'admin-key'));

    const busy = await until('entries at both sites', async () => {
      const sites = await api.occupancy();
      return sites.length === 2 && sites.every(({ entriesTotal }) => entriesTotal > 0) ? sites : undefined;
    });
    expect(busy.map(({ siteId }) => siteId)).toEqual(['city-hall', 'station']);
    expect(busy.every(({ capacity }) => capacity >= 40)).toBe(true);
    const platesBefore = await until('a vehicle with a plate inside', async () => {
      const plates = await api.platesInside('city-hall');
      return plates.length > 0 ? plates : undefined;
    });

    for (const { edgeId, page = '' } of running()?.edges ?? []) {
      expect(first.output()).toContain(`${page}/metrics ${edgeId}`);
      expect(await (await fetch(`${page}/healthz`)).json()).toMatchObject({ edgeId, link: { up: true } });
    }

    const sent = spawnSync(
      process.execPath,
      [simulateProgram, 'vehicle', '--data', dataDirectory, '--gate', 'entry-1', '--plate', 'BYHAND1', '--json'],
      { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
    );
    expect(JSON.parse(sent.stdout)).toMatchObject({
      gateId: 'entry-1',
      report: { outcome: 'passed', plate: 'BYHAND1' },
    });

    const [total] = (await api.occupancy()).map(({ entriesTotal }) => entriesTotal);
    const pids = programPids();
    expect(pids).toHaveLength(4);
    process.kill(-(first.child.pid ?? 0), 'SIGINT');
    expect(await first.ended).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);

    const second = start();
    const apiAgain = await apiOf(second);
    expect(second.output()).toContain('goes on at Monday');
    const [after] = await apiAgain.occupancy();
    expect(after?.entriesTotal).toBeGreaterThanOrEqual(total ?? 0);
    expect(await platesOfSessions('city-hall')).toEqual(expect.arrayContaining([...platesBefore, 'BYHAND1']));

    // A program that dies is named and started again.
    const aggregator = running()?.pids.aggregator ?? 0;
    process.kill(aggregator, 'SIGKILL');
    await until('the death was told', () =>
      second.output().includes('aggregator was ended by SIGKILL; starting it again') ? true : undefined,
    );
    await until('the aggregator is there again', async () => ((await apiAgain.isReady()) ? true : undefined));

    const pidsAgain = programPids();
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect(pidsAgain.filter(isAlive)).toEqual([]);
  });

  it('names the option to change when a port is in use', async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    try {
      const refused = start('--http-port', String(port));
      expect(await refused.ended).toBe(1);
      expect(refused.output()).toContain(`port ${String(port)} is in use`);
      expect(refused.output()).toContain('GATEHOUSE_HTTP_PORT');
    } finally {
      await new Promise((closed) => server.close(closed));
    }
  });
});
