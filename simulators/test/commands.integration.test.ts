/** The command line against the control of simulated lanes, without an agent behind them. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSimulatedBarrier, createSimulationControl, simulatedLaneSettingsSchema } from '@gatehouse/edge-agent';
import type { SimulatedBarrier, SimulationControl } from '@gatehouse/edge-agent';
import { createScaledClock, silentLogger } from '@gatehouse/shared';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import { setFault, setPower } from '../src/commands/faults.js';
import { UsageError, findEdges, findGate } from '../src/commands/find-gates.js';
import { sendVehicle } from '../src/commands/vehicle.js';
import type { VehicleRequest } from '../src/commands/vehicle.js';
import { runningPath } from '../src/demo/running.js';
import { writeState } from '../src/demo/state-file.js';
import { createSeededRandom } from '../src/random.js';

let data: string;
let control: SimulationControl;
let url: string;
let barriers: ReadonlyMap<string, SimulatedBarrier>;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'gatehouse-commands-'));
  const nowMs = systemClock.wallMs();
  const clock = createScaledClock(systemClock, { simulatedBaseMs: nowMs, realBaseMs: nowMs, factor: 200 });
  barriers = new Map(
    (['entry', 'exit'] as const).map((direction) => {
      const gateId = `${direction}-1`;
      const settings = simulatedLaneSettingsSchema.parse({ reader: { noReadRate: 0, misreadRate: 0 } });
      return [
        gateId,
        createSimulatedBarrier({
          clock,
          random: createSeededRandom(gateId),
          gateId,
          direction,
          hasReader: true,
          settings,
        }),
      ];
    }),
  );
  control = createSimulationControl({
    gates: barriers,
    port: 0,
    token: undefined,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  url = await control.start();
});
afterAll(async () => {
  await control.stop();
  for (const barrier of barriers.values()) barrier.dispose();
  await rm(data, { recursive: true, force: true });
});

const vehicle: VehicleRequest = {
  plate: 'AB12CDE',
  vehicleClass: 'standard',
  behaviour: 'pass',
  lengthM: undefined,
  speedKmh: undefined,
  trailer: false,
  patienceMs: 1_000,
  leader: undefined,
};

describe('finding gates', () => {
  it('asks the controls that are named', async () => {
    const edges = await findEdges({ data, control: [url] });
    expect(findGate(edges, 'exit-1', undefined)).toMatchObject({ gateId: 'exit-1', direction: 'exit' });
  });

  it('takes those of a running demonstration, and tells two sites apart', async () => {
    const edge = (siteId: string) => {
      return { edgeId: `${siteId}-1`, siteId, control: url, gates: [{ gateId: 'entry-1', direction: 'entry' }] };
    };
    writeState(runningPath(data), {
      supervisorPid: process.pid,
      pids: {},
      api: 'http://127.0.0.1:8000',
      time: { simulatedBaseMs: 0, realBaseMs: 0, factor: 60 },
      edges: [edge('north'), edge('south')],
    });
    const edges = await findEdges({ data, control: [] });
    expect(() => findGate(edges, 'entry-1', undefined)).toThrow('several gates are called "entry-1" (north, south)');
    expect(findGate(edges, 'entry-1', 'south').edge.edgeId).toBe('south-1');
    expect(() => findGate(edges, 'entry-9', undefined)).toThrow(
      'no gate "entry-9" is simulated here; there are entry-1 (north), ',
    );
    expect(() => findGate(edges, 'entry-1', 'west')).toThrow('no gate "entry-1" of site "west" is simulated here');
  });

  it('says what to do when nothing runs, or nothing answers', async () => {
    await expect(findEdges({ data: join(data, 'nowhere'), control: [] })).rejects.toThrow(UsageError);
    await expect(findEdges({ data: join(data, 'nowhere'), control: [] })).rejects.toThrow('npm start');
    await expect(findEdges({ data, control: ['http://127.0.0.1:1'] })).rejects.toThrow('no simulated barrier answers');
  });
});

describe('a vehicle sent by hand', () => {
  it('tells its story in order, and is reported', async () => {
    const gate = findGate(await findEdges({ data, control: [url] }), 'entry-1', undefined);
    const said: string[] = [];
    const result = await sendVehicle(gate, vehicle, systemClock, 10_000, (line) => said.push(line));
    // Nobody runs this lane: the arm stays down.
    expect(result.report).toMatchObject({ outcome: 'denied-left', plate: 'AB12CDE', reads: ['AB12CDE'] });
    expect(said[0]).toContain('sent to entry-1');
    expect(said[1]).toContain('the reader saw AB12CDE');
    expect(said.at(-1)).toContain('was not let through and went away');
  });

  it('is not waited for without end', async () => {
    const gate = findGate(await findEdges({ data, control: [url] }), 'exit-1', undefined);
    const patient = { ...vehicle, patienceMs: 3_600_000 };
    const said: string[] = [];
    const result = await sendVehicle(gate, patient, systemClock, 100, (line) => said.push(line));
    expect(result.report).toBeNull();
    expect(said.at(-1)).toContain('nobody waits for it any longer');
  });
});

describe('faults and power', () => {
  it('are switched by name, short or full', async () => {
    const edges = await findEdges({ data, control: [url] });
    const gate = findGate(edges, 'entry-1', undefined);
    expect(await setFault(gate, 'loop-stuck', true)).toEqual({
      gateId: 'entry-1',
      fault: 'arming-stuck',
      active: true,
    });
    expect([...(barriers.get('entry-1')?.activeFaults ?? [])]).toEqual(['arming-stuck']);
    await setFault(gate, 'arming-stuck', false);
    expect([...(barriers.get('entry-1')?.activeFaults ?? [])]).toEqual([]);
    await expect(setFault(gate, 'bad-mood', true)).rejects.toThrow('no fault "bad-mood"');
    expect(await setPower(edges, { gate: 'entry-1' }, false)).toEqual({ of: 'entry-1', on: false });
    expect(await setPower(edges, {}, true)).toEqual({ of: url, on: true });
    await expect(setPower(edges, { edge: 'none' }, true)).rejects.toThrow('no edge "none"; there are ');
  });
});
