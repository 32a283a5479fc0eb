import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Aedes } from 'aedes';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { stateSchema } from '@gatehouse/shared';
import type { OnlineState } from '@gatehouse/shared';
import { createSimulationControlClient } from '../../src/adapters/simulated-barrier/index.js';
import { writeCredential } from '../../src/enrolment.js';
import { eventually } from '../adapters/support/eventually.js';
import { killAll, requireProgram, startProgram } from './support/program.js';
import type { Run } from './support/program.js';

describe('the edge agent as a process', () => {
  let directory: string;
  let aedes: Aedes;
  let server: Server;
  let brokerUrl: string;
  let states: unknown[];
  const runs: Run[] = [];

  beforeEach(async () => {
    requireProgram();
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-edge-'));
    aedes = await Aedes.createBroker();
    states = [];
    aedes.on('publish', (packet, client) => {
      if (packet.topic.endsWith('/state') && client !== null) states.push(JSON.parse(packet.payload.toString()));
    });
    server = createServer({ noDelay: true }, aedes.handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    brokerUrl = `mqtt://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  afterEach(async () => {
    await killAll(runs);
    await new Promise<void>((resolve) => {
      aedes.close(resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true, force: true });
  });

  const start = (args: string[]): Run => {
    const run = startProgram(directory, args);
    runs.push(run);
    return run;
  };
  const configure = async (more: object = {}): Promise<string> => {
    const gate = (gateId: string, direction: string) => {
      return { gateId, direction, hasReader: true, barrier: { driver: 'simulated' } };
    };
    const file = join(directory, 'edge.json');
    const configuration = {
      siteId: 'north',
      edgeId: 'north-1',
      dataDir: join(directory, 'data'),
      gates: [gate('entry-1', 'entry'), gate('exit-1', 'exit')],
      broker: { url: brokerUrl },
      http: { port: 0 },
      simulation: { clock: { simulatedBaseMs: Date.now(), realBaseMs: Date.now(), factor: 20 } },
      log: { format: 'json' },
      ...more,
    };
    await writeFile(file, JSON.stringify(configuration));
    return file;
  };
  const enrol = () =>
    writeCredential(join(directory, 'data'), {
      siteId: 'north',
      edgeId: 'north-1',
      username: 'north-1',
      password: 'secret',
      mqttUrl: brokerUrl,
    });
  const startedAs = async (run: Run): Promise<{ controlUrl: string; httpUrl?: string; pid: number }> => {
    await eventually(() => run.output.text.includes('\n'), `started; ${run.output.errors}`);
    return JSON.parse(run.output.text) as { controlUrl: string; httpUrl?: string; pid: number };
  };
  const online = (): OnlineState[] =>
    states.flatMap((value) => {
      const state = stateSchema.parse(value);
      return state.presence === 'online' ? [state] : [];
    });

  it('starts, says what runs, connects, takes a vehicle, and stops at SIGTERM with a farewell', async () => {
    await enrol();
    const run = start(['--config', await configure(), '--json']);
    const started = await startedAs(run);
    expect(started).toMatchObject({ event: 'started', siteId: 'north', edgeId: 'north-1', brokerUrl });
    await eventually(() => online().length > 0, 'a state was published');
    const before = online().at(-1)?.next ?? 0;
    await createSimulationControlClient(started.controlUrl).sendVehicle('entry-1', { plate: 'AB12CDE' });
    await eventually(() => (online().at(-1)?.next ?? 0) > before, 'the arrival was committed');
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(states.at(-1)).toMatchObject({ presence: 'offline' });
  });

  it('tells how it is on its own page, which it names when it starts', async () => {
    await enrol();
    const run = start(['--config', await configure(), '--json']);
    const { controlUrl, httpUrl = '' } = await startedAs(run);
    await createSimulationControlClient(controlUrl).sendVehicle('exit-1', { plate: 'AB12CDE' });
    // It arrived, was let out alone, and passed.
    await eventually(() => (online().at(-1)?.next ?? 1) > 3, 'the vehicle has left', 30_000);
    const text = await (await fetch(`${httpUrl}/metrics`)).text();
    expect(text).toMatch(
      /^gatehouse_agent_passages_total\{gate="exit-1",direction="exit",site="north",edge="north-1"\} 1$/m,
    );
    expect(text).toMatch(/^gatehouse_agent_decision_duration_seconds_count\{[^}]*by="edge"[^}]*\} 1$/m);
    expect(text).toMatch(/^gatehouse_agent_data_volume_free_bytes\{[^}]*\} [1-9]/m);
    expect(text).toMatch(/^process_cpu_seconds_total\{/m);
    const health = await fetch(`${httpUrl}/healthz`);
    expect([health.status, await health.json()]).toMatchObject([200, { status: 'ok', edgeId: 'north-1' }]);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    await expect(fetch(httpUrl)).rejects.toThrow();
  });

  it('names the port of its page when another program has it, before any arm moves, and does without when told to', async () => {
    await enrol();
    const { port } = server.address() as AddressInfo;
    const refused = start(['--config', await configure({ http: { port } })]);
    expect(await refused.ended).toBe(78);
    expect(refused.output.errors).toContain(`http.port: ${String(port)} on 127.0.0.1 is in use by another program`);
    expect(states).toEqual([]);
    const run = start(['--config', await configure({ http: { port: null } }), '--json']);
    expect(await startedAs(run)).not.toHaveProperty('httpUrl');
  });

  it('goes on with its outbox after kill -9, though the lock was never given back', async () => {
    await enrol();
    const file = await configure();
    const first = start(['--config', file, '--json']);
    const { controlUrl } = await startedAs(first);
    await createSimulationControlClient(controlUrl).sendVehicle('entry-1', { plate: 'AB12CDE' });
    await eventually(() => (online().at(-1)?.next ?? 1) > 1, 'the arrival was committed');
    const before = online().at(-1);
    first.child.kill('SIGKILL');
    await first.ended;
    states.length = 0;
    await startedAs(start(['--config', file, '--json']));
    await eventually(() => online().length > 0, 'the second one is online');
    const after = online().at(-1);
    expect(after?.epoch).toBe(before?.epoch);
    expect(after?.next).toBeGreaterThanOrEqual(before?.next ?? Infinity);
    expect(after?.instance).not.toBe(before?.instance);
  });

  it('refuses to share its outbox, naming the process that has it', async () => {
    await enrol();
    const file = await configure();
    const { pid } = await startedAs(start(['--config', file, '--json']));
    const second = start(['--config', file, '--json']);
    expect(await second.ended).toBe(1);
    expect(second.output.errors).toContain(`in use by process ${String(pid)}`);
  });

  it.each<[string, object, RegExp, number]>([
    ['an unknown key', { brokr: {} }, /brokr: is not a key/, 78],
    [
      'another edge’s credential',
      { edgeId: 'north-2' },
      /the credential is for edge north-1 of site north, not for north-2/,
      78,
    ],
    [
      'plaintext to another machine',
      { broker: { url: 'mqtt://192.0.2.1' } },
      /broker.url: would send the credential/,
      78,
    ],
    ['a data directory that is a file', { dataDir: '/dev/null/data' }, /\/dev\/null\/data/, 1],
  ])('refuses to start with %s', async (_what, more, sentence, code) => {
    await enrol();
    const run = start(['--config', await configure(more)]);
    expect(await run.ended).toBe(code);
    expect(run.output.errors).toMatch(sentence);
    expect(run.output.errors).not.toMatch(/\n\s+at /);
  });

  it.each(['/proc/gatehouse', '/dev/null'])(
    'keeps its one-time code when the data directory %s cannot be written, and names it',
    async (dataDir) => {
      let redeemed = 0;
      const http = createHttpServer((_request, response) => {
        redeemed += 1;
        response.end('{}');
      });
      await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${String((http.address() as AddressInfo).port)}`;
      const codeFile = join(directory, 'code');
      await writeFile(codeFile, 'one-time');
      const run = start(['--config', await configure({ dataDir, enrolment: { url, codeFile } })]);
      expect(await run.ended).toBe(1);
      expect(run.output.errors).toContain(dataDir);
      const byHand = start(['enroll', 'one-time', '--url', url, '--data-dir', dataDir]);
      expect(await byHand.ended).toBe(1);
      expect(byHand.output.errors).toContain(`cannot be kept in ${dataDir}/credential.json`);
      expect(redeemed).toBe(0);
      await new Promise((resolve) => http.close(resolve));
    },
  );

  it('enrols by hand with the address of its configuration, and asks for one when there is none', async () => {
    const credential = {
      siteId: 'north',
      edgeId: 'north-1',
      username: 'north-1',
      password: 'secret',
      mqttUrl: brokerUrl,
    };
    const http = createHttpServer((_request, response) => response.writeHead(201).end(JSON.stringify(credential)));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${String((http.address() as AddressInfo).port)}`;
    const file = await configure({ enrolment: { url, codeFile: join(directory, 'code') } });
    const told = start(['enroll', 'one-time', '--config', file]);
    expect(await told.ended).toBe(0);
    expect(told.output.text).toContain('This is edge north-1 of site north now');
    const untold = start(['enroll', 'one-time', '--config', await configure()]);
    expect(await untold.ended).toBe(78);
    expect(untold.output.errors).toContain('--url, or enrolment.url of --config FILE: has to be set');
    await new Promise((resolve) => http.close(resolve));
  });

  it('refuses an outbox of a newer version, naming both versions, and leaves it to the newer program', async () => {
    await enrol();
    const file = await configure();
    const first = start(['--config', file, '--json']);
    await startedAs(first);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    const outbox = join(directory, 'data', 'outbox.sqlite');
    const version = await pragma(outbox, 'user_version');
    await pragma(outbox, 'user_version = 99');
    const second = start(['--config', file, '--json']);
    expect(await second.ended).toBe(1);
    expect(second.output.errors).toContain(
      `${outbox} has version 99; this program knows up to ${String(version)}: install the newer program again`,
    );
    expect(await pragma(outbox, 'user_version')).toBe(99);
    await pragma(outbox, `user_version = ${String(version)}`);
    await startedAs(start(['--config', file, '--json']));
  });

  it('says how to enrol when it has no credential', async () => {
    const run = start(['--config', await configure()]);
    expect(await run.ended).toBe(78);
    expect(run.output.errors).toContain('edge enroll CODE --url URL');
  });

  it('checks a configuration for people and for programs, and helps', async () => {
    const file = await configure();
    const good = start(['--config', file, '--check']);
    expect([await good.ended, good.output.text]).toEqual([0, 'The configuration can be used.\n']);
    const bad = start(['--config', await configure({ dataDirr: 'x' }), '--check', '--json']);
    expect(await bad.ended).toBe(78);
    expect(JSON.parse(bad.output.text)).toEqual({
      ok: false,
      problems: ['dataDirr: is not a key of this configuration'],
    });
    const help = start(['--help']);
    expect(await help.ended).toBe(0);
    expect(help.output.text).toContain('enroll');
  });

  it('says what a board without GPIO lacks', async () => {
    await enrol();
    const settings = { inputs: { arming: { bcm: 17 } }, outputs: { open: { bcm: 12, mode: 'pulse' } } };
    const gates = [{ gateId: 'entry-1', direction: 'entry', barrier: { driver: 'onoff', settings } }];
    const run = start(['--config', await configure({ gates, simulation: undefined })]);
    expect(await run.ended).toBe(1);
    expect(run.output.errors).toMatch(/GPIO|onoff/);
  });
});

async function pragma(path: string, text: string): Promise<number | undefined> {
  const database = new sqlite3.Database(path);
  const rows = await new Promise<{ user_version?: number }[]>((resolve, reject) => {
    database.all<{ user_version?: number }>(`PRAGMA ${text}`, (error, found) => {
      if (error === null) resolve(found);
      else reject(error);
    });
  });
  await new Promise((resolve) => {
    database.close(resolve);
  });
  return rows[0]?.user_version;
}
