import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LaneInput } from '../../../src/domain/lane/vocabulary.js';
import { Bench } from './bench.js';

const noisyInputs = [
  'arming',
  'safety',
  'photocell',
  'limit-open',
  'limit-closed',
  'fire',
  'ticket-button',
  'stop',
] as const satisfies readonly LaneInput[];

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('edge' as const), input: fc.constantFrom(...noisyInputs) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('admit' as const), back: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('deny' as const), back: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('own' as const), back: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('recorded' as const), back: fc.nat(1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('read' as const),
      plate: fc.constantFrom('AA1', 'XY99', 'Q?Z'),
      of: fc.record(
        { trackId: fc.constantFrom('1', '2'), direction: fc.constantFrom('entry', 'exit') },
        { requiredKeys: [] },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('order' as const),
      kind: fc.constantFrom('open', 'close', 'hold-open', 'lock', 'automatic'),
    }),
  },
);
const noise = fc.array(fc.record({ waitMs: fc.constantFrom(0, 40, 300, 1_000, 5_000, 40_000), step }), {
  maxLength: 60,
});
type Noise = typeof noise extends fc.Arbitrary<infer T> ? T : never;

const rules = fc.record({
  direction: fc.constantFrom('entry', 'exit', 'both'),
  hasReader: fc.boolean(),
  countWhen: fc.constantFrom('leaving-safety', 'leaving-arming'),
  onTailgating: fc.constantFrom('close', 'hold', 'pause'),
  closeWaitsFor: fc.constantFrom('every-loop', 'safety-loops'),
  needsButton: fc.boolean(),
});

function play(lane: Bench, steps: Noise): void {
  for (const { waitMs, step: happening } of steps) {
    lane.after(waitMs);
    const arrivalId = Math.max(1, lane.state.nextArrivalId - 1 - ('back' in happening ? happening.back : 0));
    switch (happening.type) {
      case 'edge':
        if (lane.isActive(happening.input)) lane.off(happening.input);
        else lane.on(happening.input);
        break;
      case 'admit':
        lane.decide({ arrivalId, outcome: 'admit', slotId: `slot-${String(arrivalId)}` });
        break;
      case 'deny':
        lane.decide({ arrivalId, outcome: 'deny', reason: 'full' });
        break;
      case 'own': {
        const choice = {
          outcome: 'admit',
          basis: 'allowance',
          slotId: `own-${String(arrivalId)}`,
          slotLabel: null,
        } as const;
        lane.happen({ type: 'local-choice', arrivalId, choice });
        break;
      }
      case 'recorded':
        lane.happen({ type: 'admission-recorded', arrivalId });
        break;
      case 'read':
        lane.read(happening.plate, happening.of);
        break;
      case 'order':
        lane.order(happening.kind);
        break;
    }
  }
}

/** Everybody has left, and everything has had its time. */
function emptyLane(lane: Bench): void {
  lane.off(...noisyInputs.filter((input) => input !== 'limit-open' && input !== 'limit-closed'));
  lane.order('automatic').after(3_600_000);
}

const terminalKinds = ['vehicle-passed', 'vehicle-backed-out', 'arrival-void'];

describe('whatever the sensors say', () => {
  it('close is never asked for while something is under the arm', () => {
    fc.assert(
      fc.property(rules, noise, (laneRules, steps) => {
        const lane = new Bench({ rules: laneRules, armMs: null });
        lane.watch = (effect) => {
          if (effect.type !== 'request-close') return;
          expect(lane.isActive('safety') || lane.isActive('photocell')).toBe(false);
        };
        play(lane, steps);
        emptyLane(lane);
      }),
      { numRuns: 400 },
    );
  });

  it('nothing is asked of the arm while the emergency stop is active', () => {
    fc.assert(
      fc.property(rules, noise, (laneRules, steps) => {
        const lane = new Bench({ rules: laneRules });
        lane.watch = (effect) => {
          if (effect.type === 'request-open' || effect.type === 'request-close') {
            expect(lane.isActive('stop')).toBe(false);
          }
        };
        play(lane, steps);
      }),
      { numRuns: 200 },
    );
  });

  it('every arrival ends in exactly one terminal event, under its own decision', () => {
    fc.assert(
      fc.property(rules, noise, (laneRules, steps) => {
        const lane = new Bench({ rules: laneRules });
        play(lane, steps);
        emptyLane(lane);
        const arrived = lane.events.flatMap((event) => (event.kind === 'vehicle-arrived' ? [event.arrivalId] : []));
        const ended = lane.events.flatMap((event) =>
          terminalKinds.includes(event.kind) && 'arrivalId' in event && event.arrivalId !== null
            ? [event.arrivalId]
            : [],
        );
        expect(ended).toEqual(arrived);
        for (const event of lane.events) {
          if (!('slotId' in event) || event.slotId === null || !('arrivalId' in event)) continue;
          expect(event.slotId.split('-')[1]).toBe(String(event.arrivalId));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('an automatic lane opens only for a vehicle that was admitted', () => {
    fc.assert(
      fc.property(rules, noise, (laneRules, steps) => {
        const lane = new Bench({ rules: laneRules, armMs: null });
        lane.watch = (effect, state) => {
          if (effect.type !== 'request-open') return;
          const admitted = state.vehicle?.arrival?.progress === 'admitted';
          const reversing = lane.isActive('safety') || lane.isActive('photocell');
          const freeFlow = state.orders.mode === 'hold-open' || lane.isActive('fire');
          expect(admitted || reversing || freeFlow || state.orders.openUntilMs !== null).toBe(true);
        };
        play(lane, steps);
      }),
      { numRuns: 200 },
    );
  });
});

describe('well-formed vehicles', () => {
  const durationMs = fc.integer({ min: 100, max: 20_000 });
  const vehicle = fc.record({
    standsMs: durationMs,
    onBothMs: durationMs,
    onSafetyMs: durationMs,
    apartMs: fc.integer({ min: 1, max: 3_900 }),
    short: fc.boolean(),
    waitsMs: fc.integer({ min: 0, max: 60_000 }),
    leaves: fc.constantFrom('through', 'through', 'back'),
  });

  it('are counted once each, with any legal timing, and the arm ends closed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('leaving-safety' as const, 'leaving-arming' as const),
        fc.array(vehicle, { minLength: 1, maxLength: 6 }),
        (countWhen, vehicles) => {
          const lane = new Bench({ rules: { countWhen, deadAfterVehicles: 100 } });
          for (const one of vehicles) {
            lane
              .on('arming')
              .admit()
              .after(1_500 + one.standsMs);
            if (one.leaves === 'back') {
              lane.off('arming').after(4_000);
            } else if (one.short) {
              lane.off('arming').after(one.apartMs).on('safety').after(one.onSafetyMs).off('safety');
            } else {
              lane.on('safety').after(one.onBothMs).off('arming').after(one.onSafetyMs).off('safety');
            }
            lane.after(one.waitsMs);
          }
          lane.after(60_000);
          const through = vehicles.filter(({ leaves }) => leaves === 'through').length;
          expect(lane.kinds.filter((kind) => kind === 'vehicle-passed')).toHaveLength(through);
          expect(lane.kinds.filter((kind) => kind === 'vehicle-backed-out')).toHaveLength(vehicles.length - through);
          expect(lane.kinds).not.toContain('vehicle-tailgated');
          expect(lane.kinds).not.toContain('wrong-way');
          expect(lane.state.barrier.position).toBe('closed');
        },
      ),
      { numRuns: 300 },
    );
  });
});
