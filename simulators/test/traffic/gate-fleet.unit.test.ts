import { describe, expect, it } from '@jest/globals';
import type { ControlEventPage, GateVehicleReport, SimulationControlClient } from '@gatehouse/edge-agent';
import { createVirtualClock } from '@gatehouse/shared';
import { createGateFleet } from '../../src/traffic/gate-fleet.js';

const report = (vehicleId: string): GateVehicleReport => ({
  gateId: 'in',
  vehicleId,
  plate: null,
  vehicleClass: 'standard',
  behaviour: 'pass',
  label: null,
  lengthM: 4,
  queuedAtMs: 0,
  arrivedAtMs: 0,
  startedAtMs: 0,
  endedAtMs: 0,
  outcome: 'passed',
  direction: 'inward',
  reads: [],
  signTexts: [],
});

/** A control whose vehicles end when the test says so. */
const createControl = () => {
  const pages: ((page: ControlEventPage) => void)[] = [];
  let ids = 0;
  let run = 'run-1';
  let cursor = 0;
  let reachable = true;
  const client = {
    sendVehicle: () => {
      ids += 1;
      return reachable ? Promise.resolve(`v-${String(ids)}`) : Promise.reject(new Error('nobody answers'));
    },
    events: (after: number, waitMs: number) =>
      waitMs === 0
        ? Promise.resolve({ events: [], next: after, missed: 0, run })
        : new Promise<ControlEventPage>((resolve) => {
            pages.push(resolve);
          }),
  } as Partial<SimulationControlClient> as SimulationControlClient;
  return {
    client,
    end: async (...vehicleIds: string[]) => {
      await turn();
      const events = vehicleIds.map((vehicleId) => {
        cursor += 1;
        return { cursor, report: report(vehicleId) };
      });
      pages.shift()?.({ events, next: cursor, missed: 0, run });
      await turn();
    },
    restart: async () => {
      await turn();
      run = 'run-2';
      pages.shift()?.({ events: [], next: 0, missed: 0, run });
      await turn();
    },
    cut: () => {
      reachable = false;
    },
  };
};
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const createScene = () => {
  const control = createControl();
  const clock = createVirtualClock({ wallMs: 0 });
  const fleet = createGateFleet([{ gateIds: ['in'], client: control.client }], clock);
  fleet.start();
  return { control, clock, fleet };
};

describe('a fleet of gates', () => {
  it('tells what became of each vehicle, in whatever order they end', async () => {
    const { control, fleet } = createScene();
    const first = fleet.send('in', {});
    const second = fleet.send('in', {});
    expect(fleet.pending('in')).toBe(2);
    await control.end('v-2');
    expect(await second).toMatchObject({ vehicleId: 'v-2' });
    await control.end('v-1');
    expect(await first).toMatchObject({ vehicleId: 'v-1' });
    expect(fleet.pending('in')).toBe(0);
  });

  it('knows a vehicle that ended before its id was told', async () => {
    const { control, fleet } = createScene();
    await turn();
    await control.end('v-1');
    expect(await fleet.send('in', {})).toMatchObject({ vehicleId: 'v-1' });
  });

  it('calls vehicles lost when the agent was started anew', async () => {
    const { control, fleet } = createScene();
    const sent = fleet.send('in', {});
    await control.restart();
    expect(await sent).toBe('lost');
  });

  it('says so when a gate cannot be reached, and counts nobody there', async () => {
    const { control, fleet } = createScene();
    control.cut();
    await expect(fleet.send('in', {})).rejects.toThrow('nobody answers');
    expect(fleet.pending('in')).toBe(0);
    expect(() => fleet.send('elsewhere', {})).toThrow('no control for gate elsewhere');
  });

  it('waits for nobody once it is stopped', async () => {
    const { clock, fleet } = createScene();
    const sent = fleet.send('in', {});
    await turn();
    const stopping = fleet.stop();
    await clock.advanceSettled(1_000, turn);
    await stopping;
    expect(await sent).toBe('lost');
  });
});
