import { describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';
import type { VirtualClock } from '@gatehouse/shared';
import type { GateVehicleReport, VehicleOrderInput } from '@gatehouse/edge-agent';
import { createSeededRandom } from '../../src/random.js';
import type { GateFleet, VehicleFate } from '../../src/traffic/gate-fleet.js';
import { createLiveTraffic } from '../../src/traffic/live.js';
import type { LiveTraffic, LiveTrafficOptions } from '../../src/traffic/live.js';
import { agreeWithCentre } from '../../src/traffic/memory.js';
import type { InsideVehicle, TrafficMemory } from '../../src/traffic/memory.js';
import { planTraffic } from '../../src/traffic/plan.js';
import { commuterProfile } from '../../src/traffic/profile.js';

const hourMs = 3_600_000;
const monday = Date.UTC(2024, 2, 4, 6);
const profile = {
  ...commuterProfile({ timeZone: 'UTC', dailyVisitors: 200, regulars: 10 }),
  misbehaviour: { 'back-out': 0, tailgate: 0, 'wrong-way': 0 },
};
const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

interface Sent {
  readonly gateId: string;
  readonly plate: string | null;
  readonly atMs: number;
}

const reportOf = (gateId: string, order: VehicleOrderInput, through: boolean): GateVehicleReport => ({
  gateId,
  vehicleId: 'v-1',
  plate: order.plate ?? null,
  vehicleClass: 'standard',
  behaviour: order.behaviour ?? 'pass',
  label: null,
  lengthM: 4,
  queuedAtMs: 0,
  arrivedAtMs: 0,
  startedAtMs: 0,
  endedAtMs: 0,
  outcome: through ? 'passed' : 'denied-left',
  direction: through ? 'inward' : null,
  reads: [],
  signTexts: [],
});

/** Gates that take ten seconds; `answer` says what becomes of a vehicle. */
class FakeFleet implements GateFleet {
  readonly sent: Sent[] = [];
  answer: (gateId: string, order: VehicleOrderInput) => VehicleFate = (gateId, order) => reportOf(gateId, order, true);
  private readonly clock: VirtualClock;
  constructor(clock: VirtualClock) {
    this.clock = clock;
  }
  send(gateId: string, order: VehicleOrderInput): Promise<VehicleFate> {
    this.sent.push({ gateId, plate: order.plate ?? null, atMs: this.clock.wallMs() });
    return new Promise((resolve, reject) => {
      this.clock.setTimer(10_000, () => {
        try {
          resolve(this.answer(gateId, order));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }
  pending = (): number => 0;
  start = (): void => undefined;
  stop = (): Promise<void> => Promise.resolve();
  at(gateId: string): Sent[] {
    return this.sent.filter((one) => one.gateId === gateId);
  }
}

interface Scene {
  readonly clock: VirtualClock;
  readonly fleet: FakeFleet;
  readonly traffic: LiveTraffic;
  readonly memories: TrafficMemory[];
  readonly troubles: string[];
  run(hours: number): Promise<void>;
}

const scene = async (options: Partial<LiveTrafficOptions> = {}, startMs = monday): Promise<Scene> => {
  const clock = createVirtualClock({ wallMs: startMs });
  const fleet = new FakeFleet(clock);
  const memories: TrafficMemory[] = [];
  const troubles: string[] = [];
  const traffic = createLiveTraffic({
    site: { siteId: 'site', profile, entryGates: ['in'], exitGates: ['out'], hasReaders: true },
    seed: 'seed',
    clock,
    random: createSeededRandom('live'),
    fleet,
    memory: undefined,
    remember: (memory) => memories.push(memory),
    askCentre: undefined,
    onTrouble: (sentence) => troubles.push(sentence),
    ...options,
  });
  await traffic.start();
  return { clock, fleet, traffic, memories, troubles, run: (hours) => clock.advanceSettled(hours * hourMs, settle) };
};

describe('live traffic', () => {
  it('sends every planned vehicle to an entry at its time, and to an exit after its stay', async () => {
    const { fleet, traffic, run } = await scene();
    await run(6);
    const planned = planTraffic('seed', 'site', profile, monday + 1, monday + 6 * hourMs);
    const plates = new Set(planned.map(({ plate }) => plate));
    expect(fleet.at('in').length).toBeGreaterThan(0.9 * planned.length);
    for (const { plate, atMs } of fleet.at('in')) {
      expect(planned.some((visit) => visit.plate === plate && visit.arriveAtMs === Math.round(atMs))).toBe(true);
    }
    for (const { plate, atMs } of fleet.at('out')) {
      expect(plates.has(plate ?? '')).toBe(true);
      const [entered] = fleet.at('in').filter((one) => one.plate === plate);
      expect(atMs).toBeGreaterThan(entered?.atMs ?? Infinity);
    }
    const { entered, left, inside } = traffic.counts();
    expect(inside).toBe(entered - left);
    expect(left).toBeGreaterThan(5);
  });

  it('never sends a plate in that is inside', async () => {
    const { fleet, run } = await scene();
    await run(30);
    const inside = new Set<string | null>();
    for (const { gateId, plate } of fleet.sent) {
      if (gateId === 'in') expect(inside.has(plate)).toBe(false);
      if (gateId === 'in') inside.add(plate);
      else inside.delete(plate);
    }
  });

  it('lets a vehicle that was turned away go for good', async () => {
    const { fleet, traffic, run } = await scene();
    fleet.answer = (gateId, order) => reportOf(gateId, order, false);
    await run(5);
    expect(fleet.at('out')).toEqual([]);
    expect(traffic.counts()).toMatchObject({ entered: 0, inside: 0 });
    expect(traffic.counts().refused).toBeGreaterThan(10);
  });

  it('lets a vehicle try again at an exit that did not open, or could not be reached', async () => {
    const { fleet, traffic, troubles, run } = await scene();
    await run(2);
    fleet.answer = () => {
      throw new Error('no simulated barrier answers');
    };
    await run(1);
    expect(troubles.some((sentence) => sentence.includes('no simulated barrier answers'))).toBe(true);
    fleet.answer = (gateId, order) => reportOf(gateId, order, true);
    const before = traffic.counts().left;
    await run(1);
    expect(traffic.counts().left).toBeGreaterThan(before);
  });

  it('goes on from its memory: who was inside leaves, and nobody comes twice', async () => {
    const first = await scene();
    await first.run(4);
    first.traffic.stop();
    const memory = first.memories.at(-1);
    expect(memory?.inside.length).toBe(first.traffic.counts().inside);
    const second = await scene({ memory }, monday + 4 * hourMs + 30_000);
    await second.run(20);
    const out = second.fleet.at('out').map(({ plate }) => plate);
    expect(out).toEqual(expect.arrayContaining(memory?.inside.slice(0, 5).map(({ plate }) => plate) ?? []));
    const arrivals = [...first.fleet.at('in'), ...second.fleet.at('in')].map(
      ({ plate, atMs }) => `${plate ?? ''}@${String(Math.round(atMs))}`,
    );
    expect(new Set(arrivals).size).toBe(arrivals.length);
  });

  it('asks the aggregator about vehicles that were lost with their lane', async () => {
    let asked = 0;
    const { fleet, traffic, run } = await scene({
      askCentre: () => {
        asked += 1;
        return Promise.resolve({ vehiclesInside: 1, plates: ['LOST123'] });
      },
    });
    expect(asked).toBe(1);
    expect(traffic.counts().inside).toBe(1);
    fleet.answer = () => 'lost';
    await run(2);
    expect(asked).toBeGreaterThan(1);
    expect(fleet.sent.some(({ plate }) => plate === 'LOST123')).toBe(true);
  });

  it('sends nobody after it was stopped', async () => {
    const { fleet, traffic, run } = await scene();
    traffic.stop();
    await run(5);
    expect(fleet.sent).toEqual([]);
  });
});

describe('agreeing with the aggregator', () => {
  const vehicle = (plate: string | null, leaveAtMs: number): InsideVehicle => ({
    visitId: 'v',
    plate,
    slotClass: 'standard',
    leaveAtMs,
  });

  it('takes up who is inside by its books, and lets go of who is not', () => {
    const agreed = agreeWithCentre(
      [vehicle('A', 5), vehicle('B', 6)],
      { vehiclesInside: 2, plates: ['B', 'C'] },
      () => 99,
    );
    expect(agreed.map(({ plate, leaveAtMs }) => [plate, leaveAtMs])).toEqual([
      ['B', 6],
      ['C', 99],
    ]);
  });

  it('goes by the number where nobody has a plate: those due first have left', () => {
    const inside = [vehicle(null, 30), vehicle(null, 10), vehicle(null, 20)];
    const fewer = agreeWithCentre(inside, { vehiclesInside: 2, plates: null }, () => 99);
    expect(fewer.map(({ leaveAtMs }) => leaveAtMs)).toEqual([20, 30]);
    const more = agreeWithCentre(inside, { vehiclesInside: 5, plates: null }, () => 99);
    expect(more.map(({ leaveAtMs }) => leaveAtMs)).toEqual([10, 20, 30, 99, 99]);
  });
});
