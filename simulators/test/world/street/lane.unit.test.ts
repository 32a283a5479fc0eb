/** One lane of the street: the order of its edges for each behaviour, what the rules for lanes make of it, and its outliving of agents. */
import { describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';
import type { Clock, GateDirection, VirtualClock } from '@gatehouse/shared';
import { simulatedLaneSettingsSchema } from '@gatehouse/edge-agent';
import type { InputEdge, SimulatedLaneSettings, VehicleOrderInput } from '@gatehouse/edge-agent';
import { createSeededRandom } from '../../../src/random.js';
import type { Happening } from '../../../src/world/happenings.js';
import { createStreetLane } from '../../../src/world/street/lane.js';
import type { StreetLane } from '../../../src/world/street/lane.js';
import type { LaneEnd } from '../../../src/world/street/lane-truth.js';
import { isTellable } from '../../../src/world/street/what-loops-tell.js';
import type { Course } from '../../../src/world/street/what-loops-tell.js';
import type { AttachedLane } from '../../../src/world/street-port.js';

interface Bench {
  readonly clock: VirtualClock;
  readonly lane: StreetLane;
  readonly told: Happening[];
  readonly ends: LaneEnd[];
}

function bench(change: Record<string, unknown> = {}, direction: GateDirection = 'entry'): Bench {
  const clock = createVirtualClock({ wallMs: 1_700_000_000_000 });
  const told: Happening[] = [];
  const ends: LaneEnd[] = [];
  const lane = createStreetLane({
    clock,
    random: createSeededRandom('lane', 1),
    gate: { gateId: 'gate-1', direction, hasReader: true },
    settings: simulatedLaneSettingsSchema.parse({ minSpeedKmh: 10, maxSpeedKmh: 10, patienceMs: 20_000, ...change }),
    tell: (happening) => told.push(happening),
    onEnd: (end) => ends.push(end),
    onRoom: () => undefined,
  });
  return { clock, lane, told, ends };
}

interface Listening {
  readonly attached: AttachedLane;
  readonly edges: InputEdge[];
  readonly levels: ReadonlyMap<string, boolean>;
  /** Lets in whoever stands there. */
  open(): void;
}

async function listen({ lane, clock }: Bench, machine: string, own: Clock = clock): Promise<Listening> {
  const edges: InputEdge[] = [];
  const attached = lane.attach({ gateId: 'gate-1', machine, clock: own });
  const levels = await attached.driver.start({
    onInput: (edge) => edges.push(edge),
    onTrouble: () => undefined,
    onTroubleOver: () => undefined,
  });
  const open = (): void => {
    attached.driver.requestOpen();
    attached.driver.setLamp('green');
  };
  return { attached, edges, levels, open };
}

const loopEdges = (edges: readonly InputEdge[]): string[] =>
  edges
    .filter(({ input }) => input === 'arming' || input === 'safety')
    .map(({ input, active }) => `${input === 'arming' ? 'A' : 'B'}${active ? '+' : '-'}`);

describe('a lane of the street', () => {
  it.each<[string, VehicleOrderInput, Record<string, unknown>, string[], string]>([
    ['a car', { lengthM: 4 }, {}, ['A+', 'B+', 'A-', 'B-'], 'passed'],
    ['a very short vehicle', { lengthM: 1.5 }, { loopGapM: 2.5 }, ['A+', 'A-', 'B+', 'B-'], 'passed'],
    ['a long one', { lengthM: 12 }, {}, ['A+', 'B+', 'A-', 'B-'], 'passed'],
    [
      'a trailer over a long safety loop',
      { trailer: true },
      { safetyLoopM: 2 },
      ['A+', 'B+', 'A-', 'A+', 'A-', 'B-'],
      'passed',
    ],
    ['one that backs out', { behaviour: 'back-out', lengthM: 4 }, {}, ['A+', 'A-'], 'backed-out'],
    [
      'one that turns back under the arm',
      { behaviour: 'reverse-half-way', lengthM: 4.5 },
      {},
      ['A+', 'B+', 'B-', 'A-'],
      'backed-out',
    ],
    [
      'one that turns back between the loops',
      { behaviour: 'reverse-between', lengthM: 1.5 },
      { loopGapM: 2.5 },
      ['A+', 'A-', 'A+', 'A-'],
      'backed-out',
    ],
  ])('%s gives its edges in order', async (_name, order, settings, edges, outcome) => {
    const rig = bench(settings);
    const agent = await listen(rig, 'edge-1');
    rig.lane.send('v1', order);
    rig.clock.advance(3_000);
    agent.open();
    rig.clock.advance(60_000);
    expect(loopEdges(agent.edges)).toEqual(edges);
    expect(rig.ends).toMatchObject([{ vehicle: 'v1', outcome }]);
  });

  it('tells what happened: who stood there, what was asked, who went through', async () => {
    const rig = bench();
    const agent = await listen(rig, 'edge-1');
    rig.lane.send('v1', { plate: 'AB12CDE', lengthM: 4 });
    rig.clock.advance(3_000);
    agent.open();
    rig.clock.advance(20_000);
    agent.attached.driver.requestClose();
    rig.clock.advance(20_000);
    expect(rig.told).toEqual([
      { type: 'vehicle-stands', vehicle: 'v1', plate: 'AB12CDE', gateId: 'gate-1', direction: 'entry' },
      { type: 'open-requested', gateId: 'gate-1', machine: 'edge-1' },
      { type: 'under-arm', gateId: 'gate-1', occupied: true },
      { type: 'under-arm', gateId: 'gate-1', occupied: false },
      {
        type: 'vehicle-through',
        vehicle: 'v1',
        gateId: 'gate-1',
        direction: 'entry',
        way: 'as-let-in',
        healthy: true,
      },
      { type: 'close-requested', gateId: 'gate-1', machine: 'edge-1' },
    ]);
  });

  it.each<[GateDirection, boolean, 'entry' | 'exit']>([
    ['entry', false, 'entry'],
    ['exit', false, 'exit'],
    ['both', false, 'entry'],
    ['both', true, 'exit'],
  ])('at a gate for %s, far side %s: goes by %s', async (direction, fromFarSide, way) => {
    const rig = bench({}, direction);
    const agent = await listen(rig, 'edge-1');
    rig.lane.send('v1', { lengthM: 4, fromFarSide });
    rig.clock.advance(3_000);
    agent.open();
    rig.clock.advance(20_000);
    expect(rig.told[0]).toMatchObject({ type: 'vehicle-stands', direction: way });
    expect(rig.told.at(-1)).toMatchObject({ type: 'vehicle-through', direction: way, way: 'as-let-in' });
  });

  it('lives on when its agent dies: outputs stay, and the dead one hears and does nothing any more', async () => {
    const rig = bench();
    const dead = await listen(rig, 'edge-1');
    dead.attached.driver.setHoldOpen(true);
    dead.attached.driver.setLamp('green');
    rig.clock.advance(5_000);
    dead.attached.detach();
    dead.attached.detach();
    const heard = dead.edges.length;
    const toldBefore = rig.told.length;
    dead.attached.driver.setHoldOpen(false);
    dead.attached.driver.requestClose();
    await dead.attached.driver.stop();
    rig.lane.send('v1', { lengthM: 4 });
    rig.clock.advance(20_000);
    expect(dead.edges).toHaveLength(heard);
    expect(rig.told.slice(toldBefore)).toMatchObject([
      { type: 'vehicle-stands' },
      { type: 'under-arm' },
      { type: 'under-arm' },
      { type: 'vehicle-through', way: 'free-flow', healthy: false },
    ]);
  });

  it('shows the next life the present levels, and stamps edges with the clock of that life', async () => {
    const rig = bench();
    const first = await listen(rig, 'edge-1');
    rig.lane.send('v1', { lengthM: 4 });
    rig.clock.advance(3_000);
    first.open();
    first.attached.detach();
    rig.clock.advance(2_000);
    const own: Clock = { ...rig.clock, monoMs: () => rig.clock.monoMs() * 1.01 + 77 };
    const next = await listen(rig, 'edge-1', own);
    expect(Object.fromEntries(next.levels)).toMatchObject({
      arming: true,
      safety: false,
      'limit-closed': false,
      'limit-open': true,
    });
    next.attached.driver.setLamp('green');
    rig.clock.advance(20_000);
    expect(loopEdges(next.edges)).toEqual(['B+', 'A-', 'B-']);
    expect(next.edges[0]?.monoMs).toBeGreaterThan(5_000 * 1.01 + 77);
    expect(rig.told.at(-1)).toMatchObject({ type: 'vehicle-through', healthy: false });
  });

  it.each([
    ['arming-dead', 'safety-stuck', 'safety-chatter', 'limits-lost'],
    ['arm-stuck', 'reader-silent', 'tamper'],
  ] as const)('does not call a passage healthy while a sensor is blind (%s), nor soon after', async (...faults) => {
    const isBlind = faults[0] === 'arming-dead';
    for (const fault of faults) {
      const rig = bench({ turnAwayMs: 5_000 });
      const agent = await listen(rig, 'edge-1');
      rig.lane.setFault(fault, true);
      rig.clock.advance(1_000);
      rig.lane.setFault(fault, false);
      for (const vehicle of ['v1', 'v2', 'v3']) {
        rig.lane.send(vehicle, { lengthM: 4 });
        rig.clock.advance(3_000);
        agent.open();
        rig.clock.advance(5_000);
        agent.attached.driver.requestClose();
        rig.clock.advance(10_000);
      }
      const healthy = rig.told.flatMap((one) => (one.type === 'vehicle-through' ? [one.healthy] : []));
      expect(healthy).toEqual([!isBlind, true, true]);
    }
  });
});

describe('drivers who heed the sign although the arm is up', () => {
  it.each([
    ['up', [true, true, true, false]],
    ['down', [true, true, true, true]],
  ])('look to the lane like those who back out: with the arm %s', async (arm, healthy) => {
    const street = bench({ signPatienceMs: 1_000, turnAwayMs: 5_000 });
    const { attached } = await listen(street, 'agent');
    if (arm === 'up') attached.driver.requestOpen();
    street.clock.advance(20_000);
    for (const vehicle of ['v1', 'v2', 'v3', 'v4']) {
      street.lane.send(vehicle, { behaviour: 'pass' });
      street.clock.advance(3_000);
      attached.driver.showText('full');
      street.clock.advance(20_000);
      attached.driver.showText('');
    }
    expect(street.ends.map(({ outcome }) => outcome)).toEqual(Array(4).fill('denied-left'));
    const backs = street.told.filter((happening) => happening.type === 'vehicle-back');
    expect(backs.map((back) => back.healthy)).toEqual(healthy);
  });
});

describe('what loops tell', () => {
  const lane: SimulatedLaneSettings = simulatedLaneSettingsSchema.parse({});
  const car: Course = {
    report: { behaviour: 'pass', outcome: 'passed', lengthM: 4, startedAtMs: 1 },
    trailer: false,
    rightBehind: false,
    turnedBackFromOpen: false,
    turnedBackBefore: 0,
  };
  it.each<[string, Partial<Course>, Partial<Course['report']>, boolean]>([
    ['a car', {}, {}, true],
    ['a trailer whose drawbar the safety loop does not see', { trailer: true }, {}, false],
    ['a long vehicle that turns back under the arm', {}, { behaviour: 'reverse-half-way' }, true],
    ['a short one that does', {}, { behaviour: 'reverse-half-way', lengthM: 1.5 }, false],
    ['the third in a row that turns back', { turnedBackFromOpen: true, turnedBackBefore: 2 }, {}, true],
    ['the fourth', { turnedBackFromOpen: true, turnedBackBefore: 3 }, {}, false],
    ['one before an arm that is down after them', { turnedBackBefore: 3 }, { outcome: 'denied-left' }, true],
    ['one that came the wrong way and turned back', {}, { outcome: 'wrong-way-left' }, true],
    ['one that did so right behind a passage', { rightBehind: true }, { outcome: 'wrong-way-left' }, false],
    [
      'a short one the wrong way behind a passage',
      { rightBehind: true },
      { outcome: 'wrong-way', lengthM: 1.5 },
      false,
    ],
  ])('%s', (_name, course, report, tellable) => {
    expect(isTellable({ ...car, ...course, report: { ...car.report, ...report } }, 'entry', lane)).toBe(tellable);
  });
});
