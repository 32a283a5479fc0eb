import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createLanePhysics } from '../../src/adapters/simulated-barrier/physics.js';
import type { LanePhysics } from '../../src/adapters/simulated-barrier/physics.js';
import type { PhysicalEvent, VehicleReport } from '../../src/adapters/simulated-barrier/physical-events.js';
import {
  simulatedLaneSettingsSchema,
  vehicleBehaviours,
  vehicleOrderSchema,
} from '../../src/adapters/simulated-barrier/settings.js';
import type { VehicleOrderInput } from '../../src/adapters/simulated-barrier/settings.js';
import { createSeededRandom } from './support/seeded-random.js';

interface Rig {
  readonly physics: LanePhysics;
  readonly events: PhysicalEvent[];
  /** Sends a vehicle now. */
  send(order: VehicleOrderInput): string;
  runTo(atMs: number): void;
  /** Input edges as `arming+`, `safety-` …, in order. */
  edges(...inputs: string[]): string[];
  reports(): VehicleReport[];
}

function rig(overrides: Record<string, unknown> = {}, seed = 1): Rig {
  const settings = simulatedLaneSettingsSchema.parse({ detectorResponseMs: 0, ...overrides });
  const physics = createLanePhysics({ settings, hasReader: true, random: createSeededRandom(seed), startMs: 0 });
  const events: PhysicalEvent[] = [];
  physics.advanceTo(0);
  let nowMs = 0;
  return {
    physics,
    events,
    send: (order) => physics.send(nowMs, vehicleOrderSchema.parse(order)) ?? 'refused',
    runTo(atMs) {
      nowMs = atMs;
      events.push(...physics.advanceTo(atMs));
    },
    edges: (...inputs) =>
      events.flatMap((event) =>
        event.type === 'input' && inputs.includes(event.input) ? [`${event.input}${event.active ? '+' : '-'}`] : [],
      ),
    reports: () => events.flatMap((event) => (event.type === 'ended' ? [event.report] : [])),
  };
}

/** Runs on and sees at every step that no two vehicles are in one place. */
function runApart(lane: Rig, untilMs: number): void {
  for (;;) {
    const nextMs = Math.min(lane.physics.nextMs ?? untilMs, untilMs);
    const places = [...lane.physics.places(nextMs)].sort((a, b) => a.tailM - b.tailM);
    for (const [index, place] of places.entries()) {
      const ahead = places[index + 1];
      if (ahead !== undefined) expect(place.headM).toBeLessThanOrEqual(ahead.tailM + 1e-6);
    }
    lane.runTo(nextMs);
    if (nextMs >= untilMs) return;
  }
}

const passingEdges = ['arming+', 'safety+', 'arming-', 'safety-'];

describe('the physical model of a lane', () => {
  it('lets a vehicle wait at the closed arm and pass once it is asked to open', () => {
    const lane = rig();
    lane.send({ plate: 'AB12CDE', speedKmh: 10, lengthM: 4 });
    lane.runTo(5_000);
    expect(lane.edges('arming', 'safety')).toEqual(['arming+']);
    lane.physics.output(5_000, { kind: 'open' });
    lane.runTo(20_000);
    expect(lane.edges('arming', 'safety')).toEqual(passingEdges);
    expect(lane.edges('limit-open', 'limit-closed')).toEqual(['limit-closed-', 'limit-open+']);
    expect(lane.reports()).toMatchObject([{ outcome: 'passed', direction: 'inward', plate: 'AB12CDE' }]);
  });

  it('gives edges the exact time of the model however late it is asked', () => {
    const lane = rig({ headwayM: 2, detectorResponseMs: 100 });
    lane.send({ speedKmh: 18, lengthM: 4 });
    lane.runTo(30_000);
    const arming = lane.events.find((event) => event.type === 'input' && event.input === 'arming');
    // 2 m at 5 m/s, and 100 ms of the detector.
    expect(arming?.atMs).toBeCloseTo(500, 6);
  });

  it('sends a vehicle away that is not let in, after its patience', () => {
    const lane = rig({ patienceMs: 30_000 });
    lane.send({});
    lane.runTo(120_000);
    expect(lane.edges('arming', 'safety')).toEqual(['arming+', 'arming-']);
    expect(lane.reports()).toMatchObject([{ outcome: 'denied-left', direction: null, startedAtMs: null }]);
  });

  it('keeps the next vehicle back while one that was turned away is in its way', () => {
    const lane = rig({ patienceMs: 5_000, turnAwayMs: 3_000 });
    lane.send({});
    while (lane.reports().length === 0) lane.runTo(lane.physics.nextMs ?? 60_000);
    lane.send({});
    lane.runTo(60_000);
    const drivingUp = lane.events.filter((event) => event.type === 'vehicle' && event.step === 'driving-up');
    const [first] = lane.reports();
    expect(drivingUp).toHaveLength(2);
    expect(drivingUp[1]?.atMs).toBe((first?.endedAtMs ?? 0) + 3_000);
  });

  it('heeds what the sign said while it was still rolling up to the arm', () => {
    const lane = rig({ headwayM: 2, signPatienceMs: 5_000, patienceMs: 600_000 });
    lane.send({ speedKmh: 5, lengthM: 4 });
    const rollsOverTheLoop = (): boolean =>
      lane.events.some((event) => event.type === 'vehicle' && event.step === 'at-loop');
    let atMs = 0;
    while (!rollsOverTheLoop() && atMs < 10_000) {
      atMs += 50;
      lane.runTo(atMs);
    }
    expect(lane.events.some((event) => event.type === 'vehicle' && event.step === 'waiting')).toBe(false);
    lane.physics.output(atMs, { kind: 'text', text: 'Full' });
    lane.runTo(30_000);
    expect(lane.reports()).toMatchObject([{ outcome: 'denied-left', signTexts: [{ text: 'Full' }] }]);
  });

  it('sends it away sooner once the sign has told it something, and reports what it said', () => {
    const lane = rig({ signPatienceMs: 5_000 });
    lane.send({ speedKmh: 10 });
    lane.runTo(3_000);
    lane.physics.output(3_000, { kind: 'text', text: 'Full' });
    lane.runTo(30_000);
    const [report] = lane.reports();
    expect(report).toMatchObject({ outcome: 'denied-left', signTexts: [{ atMs: 3_000, text: 'Full' }] });
    expect(report?.endedAtMs).toBeLessThan(12_000);
  });

  it.each(['back-out', 'reverse-half-way'] as const)(
    'lets an admitted vehicle leave the way it came: %s',
    (behaviour) => {
      const lane = rig();
      lane.send({ behaviour, speedKmh: 10, lengthM: 4.5 });
      lane.runTo(3_000);
      lane.physics.output(3_000, { kind: 'open' });
      lane.runTo(30_000);
      expect(lane.edges('arming', 'safety')).toEqual(
        behaviour === 'back-out' ? ['arming+', 'arming-'] : ['arming+', 'safety+', 'safety-', 'arming-'],
      );
      expect(lane.reports()).toMatchObject([{ outcome: 'backed-out', direction: null }]);
    },
  );

  it('lets a tailgater follow so close that the loops tell two vehicles only by their order', () => {
    const lane = rig();
    lane.send({ plate: 'LEADER', speedKmh: 10, lengthM: 4 });
    lane.runTo(2_000);
    lane.send({ plate: 'SECOND', behaviour: 'tailgate', lengthM: 4 });
    lane.physics.output(3_000, { kind: 'open' });
    lane.runTo(30_000);
    expect(lane.reports().map((report) => report.outcome)).toEqual(['passed', 'tailgated']);
    const edges = lane.edges('arming', 'safety');
    expect(edges.filter((edge) => edge === 'arming+')).toHaveLength(2);
    // The second is on the arming loop before the first has left the safety loop.
    expect(edges.lastIndexOf('arming+')).toBeLessThan(edges.indexOf('safety-'));
  });

  it('sends a tailgater back when the vehicle before it turns back', () => {
    const lane = rig({ patienceMs: 5_000 });
    lane.send({ plate: 'LEADER', behaviour: 'reverse-half-way', speedKmh: 10, lengthM: 4 });
    lane.runTo(2_000);
    lane.send({ plate: 'SECOND', behaviour: 'tailgate', lengthM: 4 });
    lane.physics.output(3_000, { kind: 'open' });
    lane.runTo(60_000);
    expect(lane.reports().map((report) => report.outcome)).toEqual(['backed-out', 'denied-left']);
  });

  it('lets the next vehicle close up as soon as there is room, and wait for an opening of its own', () => {
    const lane = rig({ closesUp: true });
    lane.send({ plate: 'FIRST', speedKmh: 10, lengthM: 4 });
    lane.send({ plate: 'SECOND', speedKmh: 10, lengthM: 4 });
    lane.runTo(3_000);
    lane.physics.output(3_000, { kind: 'open' });
    lane.runTo(20_000);
    expect(lane.reports().map((report) => report.outcome)).toEqual(['passed']);
    // It covers the arming loop again while the one before is still on the safety loop.
    const edges = ['arming+', 'safety+', 'arming-', 'arming+', 'safety-'];
    expect(lane.edges('arming', 'safety')).toEqual(edges);
    lane.physics.output(20_000, { kind: 'open' });
    lane.runTo(40_000);
    expect(lane.edges('arming', 'safety').slice(edges.length)).toEqual(['safety+', 'arming-', 'safety-']);
    expect(lane.reports().map((report) => report.outcome)).toEqual(['passed', 'passed']);
  });

  it('lets a short vehicle turn back between the loops', () => {
    const lane = rig({ loopGapM: 3 });
    lane.send({ behaviour: 'reverse-between', speedKmh: 10, lengthM: 1.8 });
    lane.runTo(3_000);
    lane.physics.output(3_000, { kind: 'open' });
    lane.runTo(30_000);
    expect(lane.edges('arming', 'safety')).toEqual(['arming+', 'arming-', 'arming+', 'arming-']);
    expect(lane.reports()).toMatchObject([{ outcome: 'backed-out', direction: null }]);
  });

  it('lets a vehicle that is not let through push the arm up, which falls back behind it', () => {
    const lane = rig({ patienceMs: 5_000 });
    lane.send({ behaviour: 'force', speedKmh: 10, lengthM: 4 });
    lane.runTo(60_000);
    expect(lane.edges('arming', 'safety')).toEqual(passingEdges);
    expect(lane.edges('limit-open', 'limit-closed')).toEqual([
      'limit-closed-',
      'limit-open+',
      'limit-open-',
      'limit-closed+',
    ]);
    expect(lane.reports()).toMatchObject([{ outcome: 'forced', direction: 'inward' }]);
  });

  it('lets a tailgater with nobody to follow drive up like any other', () => {
    const lane = rig({ patienceMs: 5_000 });
    lane.send({ behaviour: 'tailgate' });
    lane.runTo(30_000);
    expect(lane.reports()).toMatchObject([{ outcome: 'denied-left' }]);
  });

  it('lets a vehicle come the wrong way: to the closed arm and back, or through the open one', () => {
    const blocked = rig({ patienceMs: 10_000 });
    blocked.send({ behaviour: 'wrong-way' });
    blocked.runTo(60_000);
    expect(blocked.edges('arming', 'safety')).toEqual(['safety+', 'safety-']);
    expect(blocked.reports()).toMatchObject([{ outcome: 'wrong-way-left', direction: null }]);

    const open = rig();
    open.physics.output(0, { kind: 'hold-open', on: true });
    open.runTo(5_000);
    open.send({ behaviour: 'wrong-way', lengthM: 4 });
    open.runTo(60_000);
    expect(open.edges('arming', 'safety')).toEqual(['safety+', 'arming+', 'safety-', 'arming-']);
    expect(open.reports()).toMatchObject([{ outcome: 'wrong-way', direction: 'outward' }]);
  });

  it('shows a trailer as one vehicle with a gap at one loop while the other stays covered', () => {
    const lane = rig();
    lane.send({ trailer: true, speedKmh: 8 });
    lane.runTo(3_000);
    lane.physics.output(3_000, { kind: 'open' });
    lane.runTo(60_000);
    const edges = lane.edges('arming', 'safety');
    expect(edges.filter((edge) => edge === 'arming+')).toHaveLength(2);
    const covered = { arming: false, safety: false };
    let empties = 0;
    for (const edge of edges) {
      covered[edge.slice(0, -1) as 'arming' | 'safety'] = edge.endsWith('+');
      if (!covered.arming && !covered.safety) empties += 1;
    }
    expect(empties).toBe(1);
    expect(lane.reports()).toMatchObject([{ outcome: 'passed', lengthM: 12 }]);
  });

  it('does not drive off at a red lamp, nor on the request that let the one before it in', () => {
    const lane = rig({ patienceMs: 600_000 });
    lane.send({ plate: 'ONE', speedKmh: 10 });
    lane.send({ plate: 'TWO', speedKmh: 10 });
    lane.runTo(3_000);
    lane.physics.output(3_000, { kind: 'open' });
    lane.runTo(60_000);
    expect(lane.reports().map((report) => report.plate)).toEqual(['ONE']);
    lane.physics.output(60_000, { kind: 'lamp', lamp: 'red' });
    lane.physics.output(60_001, { kind: 'open' });
    lane.runTo(120_000);
    expect(lane.reports()).toHaveLength(1);
    lane.physics.output(120_000, { kind: 'lamp', lamp: 'green' });
    lane.runTo(140_000);
    expect(lane.reports().map((report) => report.plate)).toEqual(['ONE', 'TWO']);
  });

  it('drives on in the end where arm and green lamp were there before it', () => {
    const lane = rig();
    lane.physics.output(0, { kind: 'open' });
    lane.physics.output(0, { kind: 'lamp', lamp: 'green' });
    lane.runTo(5_000);
    lane.send({ speedKmh: 10 });
    lane.runTo(30_000);
    expect(lane.reports()).toMatchObject([{ outcome: 'passed' }]);
  });

  it('refuses to close on a vehicle, and opens again when one comes under the closing arm', () => {
    const lane = rig({ armOpenMs: 2_000, armCloseMs: 2_000 });
    const steps = (): string[] => lane.events.flatMap((event) => (event.type === 'arm' ? [event.step] : []));
    lane.physics.output(0, { kind: 'open' });
    lane.physics.setFault(3_000, 'safety-stuck', true);
    lane.physics.output(3_001, { kind: 'close' });
    lane.runTo(4_000);
    expect(steps()).toEqual(['opening', 'open', 'close-refused']);
    lane.physics.setFault(4_000, 'safety-stuck', false);
    lane.physics.output(4_001, { kind: 'close' });
    lane.physics.setFault(5_001, 'safety-stuck', true);
    lane.runTo(10_000);
    expect(steps().slice(3)).toEqual(['closing', 'reversed', 'open']);
    const opens = lane.events.filter((event) => event.type === 'input' && event.input === 'limit-open');
    // Half-way down, so half the time up again.
    expect(opens.at(-1)?.atMs).toBeCloseTo(6_001, 6);
  });

  it('takes the faults it is given', () => {
    const stuck = rig();
    stuck.physics.setFault(0, 'arming-stuck', true);
    stuck.physics.setFault(5_000, 'arming-stuck', false);
    stuck.physics.setFault(6_000, 'fire', true);
    stuck.runTo(7_000);
    expect(stuck.edges('arming', 'fire')).toEqual(['arming+', 'arming-', 'fire+']);

    const dead = rig();
    dead.physics.setFault(0, 'safety-dead', true);
    dead.send({ speedKmh: 10 });
    dead.runTo(3_000);
    dead.physics.output(3_000, { kind: 'open' });
    dead.runTo(30_000);
    expect(dead.edges('arming', 'safety')).toEqual(['arming+', 'arming-']);

    const chatter = rig({ chatterPeriodMs: 100 });
    chatter.physics.setFault(0, 'arming-chatter', true);
    chatter.send({ speedKmh: 10 });
    chatter.runTo(4_000);
    expect(chatter.edges('arming').length).toBeGreaterThan(20);

    const jammed = rig();
    jammed.physics.setFault(0, 'arm-stuck', true);
    jammed.physics.output(1_000, { kind: 'open' });
    jammed.runTo(20_000);
    expect(jammed.edges('limit-open', 'limit-closed')).toEqual([]);
    jammed.physics.setFault(20_000, 'arm-stuck', false);
    jammed.runTo(30_000);
    expect(jammed.edges('limit-open', 'limit-closed')).toEqual(['limit-closed-', 'limit-open+']);

    const blind = rig();
    blind.physics.setFault(0, 'limits-lost', true);
    blind.runTo(10);
    expect(blind.edges('limit-closed')).toEqual(['limit-closed-']);
  });

  it.each([
    { powerCutArm: 'stays', after: [] },
    { powerCutArm: 'opens', after: ['limit-open+'] },
    { powerCutArm: 'drops', after: ['limit-closed+'] },
  ] as const)('without power every input is inactive and the arm $powerCutArm', ({ powerCutArm, after }) => {
    const lane = rig({ powerCutArm });
    lane.physics.output(0, { kind: 'open' });
    lane.runTo(900);
    lane.physics.setPower(900, false);
    lane.physics.output(2_000, { kind: 'close' });
    lane.runTo(10_000);
    expect(lane.edges('limit-open', 'limit-closed')).toEqual(['limit-closed-']);
    lane.physics.setPower(10_000, true);
    lane.runTo(10_001);
    expect(lane.edges('limit-open', 'limit-closed').slice(1)).toEqual(after);
  });

  it('refuses a vehicle when the queue is full', () => {
    const lane = rig({ maxQueuedVehicles: 2 });
    expect([lane.send({}), lane.send({}), lane.send({})].every((id) => id.startsWith('v-'))).toBe(true);
    expect(lane.send({})).toBe('refused');
    expect(lane.physics.queuedVehicles).toBe(2);
  });

  it('leaves no loop covered when everybody has gone, whatever the traffic, and loses no vehicle', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.boolean(),
        fc.array(
          fc.record({
            behaviour: fc.constantFrom(...vehicleBehaviours),
            trailer: fc.boolean(),
            speedKmh: fc.integer({ min: 5, max: 20 }),
            gapMs: fc.integer({ min: 0, max: 20_000 }),
            output: fc.constantFrom('open', 'close', 'hold', 'release', undefined),
          }),
          { minLength: 1, maxLength: 20 },
        ),
        (seed, closesUp, plan) => {
          const lane = rig({ patienceMs: 10_000, detectorResponseMs: 100, closesUp }, seed);
          let atMs = 0;
          for (const { gapMs, output, ...order } of plan) {
            lane.send(order);
            atMs += gapMs;
            runApart(lane, atMs);
            if (output === 'open' || output === 'close') lane.physics.output(atMs, { kind: output });
            else if (output !== undefined) lane.physics.output(atMs, { kind: 'hold-open', on: output === 'hold' });
          }
          lane.physics.output(atMs, { kind: 'hold-open', on: false });
          runApart(lane, atMs + plan.length * 60_000);
          expect(lane.reports()).toHaveLength(plan.length);
          expect(lane.physics.vehiclesInLane + lane.physics.queuedVehicles).toBe(0);
          expect(lane.physics.levels().get('arming')).toBe(false);
          expect(lane.physics.levels().get('safety')).toBe(false);
          const times = lane.events.map((event) => event.atMs);
          expect(times).toEqual([...times].sort((a, b) => a - b));
        },
      ),
      { numRuns: 100 },
    );
  });
});
