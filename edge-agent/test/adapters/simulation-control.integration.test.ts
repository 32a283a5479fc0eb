import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createScaledClock, silentLogger } from '@gatehouse/shared';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import {
  createHappeningLog,
  createSimulatedBarrier,
  createSimulationControl,
  createSimulationControlClient,
  simulatedLaneSettingsSchema,
  SimulationControlError,
} from '../../src/adapters/simulated-barrier/index.js';
import type {
  SimulatedBarrier,
  SimulationControl,
  SimulationControlClient,
} from '../../src/adapters/simulated-barrier/index.js';

const clock = createScaledClock(systemClock, { simulatedBaseMs: 0, realBaseMs: systemClock.wallMs(), factor: 200 });

describe('the local control of simulated barriers', () => {
  let barrier: SimulatedBarrier;
  let control: SimulationControl;
  let client: SimulationControlClient;
  let url: string;

  const serve = async (token?: string, lane: Record<string, unknown> = {}) => {
    barrier = createSimulatedBarrier({
      clock,
      random: systemRandom,
      gateId: 'entry-1',
      direction: 'entry',
      hasReader: true,
      settings: simulatedLaneSettingsSchema.parse({ patienceMs: 5_000, ...lane }),
    });
    control = createSimulationControl({
      gates: new Map([['entry-1', barrier]]),
      port: 0,
      token,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    });
    url = await control.start();
    client = createSimulationControlClient(url, token);
  };
  const statusOf = async (action: Promise<unknown>): Promise<string> => {
    try {
      await action;
      return 'done';
    } catch (error) {
      return error instanceof SimulationControlError ? `${String(error.status)} ${error.message}` : String(error);
    }
  };
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, url), { method: 'POST', body, headers });

  beforeEach(() => serve());
  afterEach(async () => {
    await control.stop();
    await control.stop();
    barrier.dispose();
  });

  it('sends a vehicle, tells how far it has come, and reports its end to who waits', async () => {
    const vehicleId = await client.sendVehicle('entry-1', { plate: 'AB12CDE', label: 'hand' });
    expect(await client.vehicle(vehicleId)).toMatchObject({ vehicleId, gateId: 'entry-1' });
    const page = await client.events(0, 10_000);
    expect(page).toMatchObject({ next: 1, missed: 0, events: [{ cursor: 1, report: { vehicleId, label: 'hand' } }] });
    expect(await client.vehicle(vehicleId)).toMatchObject({ ended: true, report: { outcome: 'denied-left' } });
    expect(await client.events(page.next, 0)).toMatchObject({ events: [], next: 1, run: page.run });
  });

  it('makes faults, cuts the power and lists its gates', async () => {
    await client.setFault('entry-1', 'arming-stuck', true);
    await client.setPower(false);
    await client.setPower(true, 'entry-1');
    expect(await client.gates()).toEqual([
      { gateId: 'entry-1', direction: 'entry', queuedVehicles: 0, vehiclesInLane: 0, faults: ['arming-stuck'] },
    ]);
  });

  it('refuses what cannot be, saying why', async () => {
    expect(await statusOf(client.sendVehicle('exit-9', {}))).toBe('404 no simulated gate exit-9; there are entry-1');
    expect(await statusOf(client.sendVehicle('entry-1', { speedKmh: -1 }))).toMatch(/^400 speedKmh/);
    expect(await statusOf(client.setFault('entry-1', 'gremlins' as 'fire', true))).toMatch(/^400 fault/);
    expect(await statusOf(client.vehicle('v-none'))).toMatch(/^404/);
    expect(await statusOf(client.events(0, 99_999))).toMatch(/^400 waitMs/);
    expect((await post('/power', '{')).status).toBe(400);
    expect((await post('/power', '{"on":true,"__proto__":{"x":1}}')).status).toBe(400);
    expect((await post('/power', 'x'.repeat(20_000))).status).toBe(413);
    expect((await post('/nowhere', '{}')).status).toBe(404);
    expect((await fetch(new URL('/%E0%A4%A', url))).status).toBe(400);
  });

  it('refuses a vehicle when the queue is full', async () => {
    await control.stop();
    barrier.dispose();
    await serve(undefined, { maxQueuedVehicles: 1, patienceMs: 3_600_000 });
    await client.sendVehicle('entry-1', {});
    const answers = await Promise.all([1, 2, 3].map(() => statusOf(client.sendVehicle('entry-1', {}))));
    expect(answers.sort()).toEqual([
      '429 the queue of this lane is full',
      '429 the queue of this lane is full',
      'done',
    ]);
  });

  it('is not for browsers, nor for who lacks the token', async () => {
    expect((await post('/power', '{"on":true}', { origin: 'http://evil.example' })).status).toBe(403);
    await control.stop();
    barrier.dispose();
    await serve('the-token');
    expect(await statusOf(client.setPower(true))).toBe('done');
    expect(await statusOf(createSimulationControlClient(url).setPower(true))).toMatch(/^401/);
    expect(await statusOf(createSimulationControlClient(url, 'the-tokem').setPower(true))).toMatch(/^401/);
  });

  it('names its key when the port is taken, and its address when nobody answers', async () => {
    const port = Number(new URL(url).port);
    const second = createSimulationControl({
      gates: new Map(),
      port,
      token: undefined,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    });
    await expect(second.start()).rejects.toThrow(`simulation.control.port: ${String(port)} is in use`);
    await second.stop();
    await control.stop();
    expect(await statusOf(client.gates())).toContain(`no simulated barrier answers at ${url}`);
  });
});

describe('the log of what happened', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-happenings-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('appends a line at once for each happening, without the sensor edges, over restarts', async () => {
    const path = join(directory, 'deep', 'log.jsonl');
    const log = () => createHappeningLog({ path, maxFileBytes: 10_000, keptFiles: 1, logger: silentLogger });
    for (const atMs of [1, 2]) {
      const open = log();
      open.open();
      open.write({ gateId: 'entry-1', type: 'power', atMs, on: false });
      open.write({ gateId: 'entry-1', type: 'input', atMs, input: 'arming', active: true });
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
      expect(lines).toHaveLength(atMs);
      expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ gateId: 'entry-1', type: 'power', atMs, on: false });
      open.close();
    }
  });

  it('is rotated at its bound and keeps no more files than it may', async () => {
    const path = join(directory, 'log.jsonl');
    const log = createHappeningLog({ path, maxFileBytes: 200, keptFiles: 2, logger: silentLogger });
    log.open();
    for (let atMs = 0; atMs < 40; atMs += 1) log.write({ gateId: 'entry-1', type: 'power', atMs, on: true });
    log.close();
    expect((await readdir(directory)).sort()).toEqual(['log.jsonl', 'log.jsonl.1', 'log.jsonl.2']);
    for (const name of await readdir(directory)) {
      expect((await stat(join(directory, name))).size).toBeLessThanOrEqual(200);
    }
    expect(await readFile(path, 'utf8')).toContain('"atMs":39');
  });
});
