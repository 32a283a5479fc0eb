import { describe, expect, it } from '@jest/globals';
import type { LaneInput } from '../../../src/domain/lane/vocabulary.js';
import { Bench } from './bench.js';

describe('direction is set by the first loop occupied', () => {
  it('given the arming loop first, a vehicle has arrived', () => {
    const lane = new Bench().on('arming');
    expect(lane.events).toEqual([
      {
        kind: 'vehicle-arrived',
        arrivalId: 1,
        direction: 'entry',
        credential: null,
        vehicleClass: null,
        supersedes: null,
      },
    ]);
  });

  it('given the safety loop first, nothing is armed; gone back, it was a wrong-way attempt', () => {
    const lane = new Bench().on('safety').after(1_000).off('safety').after(5_000);
    expect(lane.events).toEqual([{ kind: 'wrong-way', direction: 'exit', passed: false }]);
    expect(lane.requests).toEqual([]);
  });

  it('given the safety loop first and then through, it went the wrong way', () => {
    const lane = new Bench().on('safety').after(500).on('arming').after(500).off('safety').after(500).off('arming');
    expect(lane.events).toEqual([{ kind: 'wrong-way', direction: 'exit', passed: true }]);
  });

  it('given a gate for both, the safety loop first is an arrival from inside, and passes towards the arming loop', () => {
    const lane = new Bench({ rules: { direction: 'both' } }).on('safety').admit(null).after(2_000);
    lane.on('arming').after(500).off('safety').after(500).off('arming').after(5_000);
    expect(lane.events).toMatchObject([
      { kind: 'vehicle-arrived', direction: 'exit' },
      { kind: 'vehicle-passed', direction: 'exit', arrivalId: 1 },
    ]);
    expect(lane.requests).toEqual(['open', 'close']);
  });
});

describe('a passage', () => {
  it('is arming, both, safety, clear, and counts when the safety loop is released', () => {
    const lane = new Bench().admitted().after(500).on('safety').after(500).off('arming').after(500);
    expect(lane.kinds).toEqual(['vehicle-arrived']);
    lane.off('safety');
    expect(lane.events.at(-1)).toEqual({
      kind: 'vehicle-passed',
      direction: 'entry',
      arrivalId: 1,
      slotId: 'a1',
      basis: 'decision',
      flags: [],
    });
  });

  it('counts when leaving the arming loop where that is set, and only once', () => {
    const lane = new Bench({ rules: { countWhen: 'leaving-arming' } }).admitted().on('safety').after(500).off('arming');
    expect(lane.kinds).toEqual(['vehicle-arrived', 'vehicle-passed']);
    lane.after(500).off('safety').after(10_000);
    expect(lane.kinds).toEqual(['vehicle-arrived', 'vehicle-passed']);
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('of a short vehicle has a bounded gap between the loops', () => {
    const lane = new Bench().admitted().off('arming').after(3_999).on('safety').after(200).off('safety');
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', arrivalId: 1, flags: ['loops-apart'] });
  });

  it('does not happen when the gap is longer: it backed out', () => {
    const lane = new Bench().admitted().off('arming').after(4_000);
    expect(lane.events.at(-1)).toEqual({
      kind: 'vehicle-backed-out',
      arrivalId: 1,
      slotId: 'a1',
      basis: 'decision',
    });
  });

  it('of a long vehicle may have a gap at one loop while the other stays occupied', () => {
    const lane = new Bench().admitted().on('safety').after(500).off('safety').after(300).on('safety').after(500);
    lane.off('arming').after(500).off('safety');
    expect(lane.kinds).toEqual(['vehicle-arrived', 'vehicle-passed']);
    expect(lane.events.at(-1)).toMatchObject({ flags: ['long-vehicle'] });
  });

  it('with the arming loop occupied again, safety held until arming is clear: one, suspected', () => {
    const lane = new Bench().admitted().on('safety').after(300).off('arming').after(300).on('arming').after(300);
    lane.off('arming').after(300).off('safety').after(5_000);
    expect(lane.events.slice(1)).toMatchObject([
      { kind: 'vehicle-passed', arrivalId: 1, flags: ['suspected-tailgate'] },
    ]);
  });

  it('with the arming loop occupied again, safety released first: two vehicles, and the second arrives by itself', () => {
    const lane = new Bench().admitted().on('safety').after(300).off('arming').after(300).on('arming').after(300);
    lane.off('safety');
    expect(lane.events.slice(1)).toMatchObject([
      { kind: 'vehicle-passed', arrivalId: 1, flags: [] },
      { kind: 'vehicle-arrived', arrivalId: 2 },
    ]);
  });
});

describe('backing out', () => {
  it.each([
    ['from the arming loop', (lane: Bench) => lane.off('arming')],
    ['from both loops', (lane: Bench) => lane.on('safety').after(400).off('safety').after(400).off('arming')],
  ])('%s releases the reservation, and the arm closes', (_name, leave) => {
    const lane = leave(new Bench().admitted()).after(20_000);
    expect(lane.kinds).toEqual(['vehicle-arrived', 'vehicle-backed-out']);
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('before any decision is void: it left', () => {
    const lane = new Bench().on('arming').after(700).off('arming').after(500);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'arrival-void', arrivalId: 1, reason: 'left' });
  });

  it('after a denial is void too', () => {
    const lane = new Bench().on('arming').deny().off('arming').after(500);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'arrival-void', arrivalId: 1, reason: 'left' });
  });

  it('is not a short loss of the loop', () => {
    const lane = new Bench().on('arming').deny().off('arming').after(499).on('arming').after(10_000);
    expect(lane.kinds).toEqual(['vehicle-arrived']);
  });
});

describe('tailgating', () => {
  const followed = (rules = {}): Bench => {
    const lane = new Bench({ rules }).admitted().on('safety').after(300).off('arming').after(300).on('arming');
    return lane.after(300).off('safety').after(100).deny();
  };

  it('is reported with its leader, its own arrival is void, and the arm closes when the loops are clear', () => {
    const lane = followed().on('safety').after(300).off('arming').after(300).off('safety').after(999);
    expect(lane.events.slice(3)).toEqual([
      { kind: 'arrival-void', arrivalId: 2, slotId: null, basis: 'none', reason: 'left' },
      { kind: 'vehicle-tailgated', direction: 'entry', leaderId: 1 },
    ]);
    expect(lane.requests).toEqual(['open']);
    lane.after(1);
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('can hold the arm until an operator closes', () => {
    const lane = followed({ onTailgating: 'hold' }).on('safety').off('arming').after(300).off('safety').after(60_000);
    expect(lane.requests).toEqual(['open']);
    lane.order('close');
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('can pause before closing', () => {
    const lane = followed({ onTailgating: 'pause' }).on('safety').off('arming').after(300).off('safety').after(9_999);
    expect(lane.requests).toEqual(['open']);
    lane.after(1);
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('is seen on the safety loop alone, right behind a passage', () => {
    const lane = new Bench().admitted().passes().after(400).on('safety').after(400).off('safety').after(5_000);
    expect(lane.events.slice(1)).toMatchObject([
      { kind: 'vehicle-passed' },
      { kind: 'vehicle-tailgated', leaderId: 1 },
    ]);
  });

  it('seen on the safety loop alone has gone at once: who comes to the arming loop then is the next vehicle', () => {
    const lane = new Bench().admitted().passes().after(400).on('safety').after(400).off('safety');
    lane.after(300).on('arming');
    expect(lane.events.slice(1)).toMatchObject([
      { kind: 'vehicle-passed' },
      { kind: 'vehicle-tailgated', leaderId: 1 },
      { kind: 'vehicle-arrived', arrivalId: 2, direction: 'entry' },
    ]);
  });

  it('is not a vehicle with an admission of its own while the arm is still up', () => {
    const lane = new Bench().admitted().on('safety').after(300).off('arming').after(300).on('arming').after(300);
    lane.off('safety').admit('a2').passes();
    expect(lane.events.slice(1)).toMatchObject([
      { kind: 'vehicle-passed', arrivalId: 1, slotId: 'a1' },
      { kind: 'vehicle-arrived' },
      { kind: 'vehicle-passed', arrivalId: 2, slotId: 'a2' },
    ]);
    expect(lane.requests).toEqual(['open']);
  });

  it('needs a leader: past an arm that nobody opened it is a passage on nobody’s word', () => {
    const lane = new Bench({ levels: ['limit-open'] }).on('arming').deny().after(100).passes(100);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', arrivalId: 1, basis: 'none' });
  });
});

describe('free flow', () => {
  it.each(['hold-open', 'fire'] as const)('under %s passages are counted, nobody arrives, nobody tailgates', (mode) => {
    const lane = new Bench();
    if (mode === 'fire') lane.on('fire');
    else lane.order('hold-open');
    lane.after(2_000).on('arming').passes().after(300).on('arming').passes().after(5_000);
    expect(lane.events.filter(({ kind }) => kind === 'free-flow-passed')).toEqual([
      { kind: 'free-flow-passed', direction: 'entry', mode },
      { kind: 'free-flow-passed', direction: 'entry', mode },
    ]);
    expect(lane.kinds).not.toContain('vehicle-arrived');
    expect(lane.kinds).not.toContain('vehicle-tailgated');
    expect(lane.requests).not.toContain('close');
  });

  it('voids the arrival of a vehicle that waited when it began', () => {
    const lane = new Bench().on('arming').deny().order('hold-open').after(2_000).passes();
    expect(lane.events.slice(1)).toMatchObject([
      { kind: 'mode-changed', mode: 'hold-open' },
      { kind: 'arrival-void', arrivalId: 1, reason: 'free-flow' },
      { kind: 'free-flow-passed' },
    ]);
  });

  it('leaves an admission as it is', () => {
    const lane = new Bench().on('arming').admit().order('hold-open').after(2_000).passes();
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', arrivalId: 1, basis: 'decision' });
  });

  it('counts the opposite direction too', () => {
    const lane = new Bench().order('hold-open').after(2_000);
    lane.on('safety').after(300).on('arming').after(300).off('safety').after(300).off('arming');
    expect(lane.events.at(-1)).toEqual({ kind: 'free-flow-passed', direction: 'exit', mode: 'hold-open' });
  });

  it('ends with an arrival for the vehicle that stands there', () => {
    const lane = new Bench().order('hold-open').after(2_000).on('arming').after(1_000).order('automatic');
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-arrived' });
  });
});

describe('gates with fewer sensors', () => {
  it('with the arming loop and limits: leaving it with the arm open is the passage', () => {
    const lane = new Bench({ wired: ['arming', 'limit-open', 'limit-closed'] }).admitted().off('arming').after(2_000);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', arrivalId: 1, flags: ['degraded-loops'] });
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('with the arming loop alone: leaving before the arm moved is leaving', () => {
    const lane = new Bench({ wired: ['arming', 'limit-open', 'limit-closed'] }).on('arming').after(300).off('arming');
    lane.after(2_000);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'arrival-void', reason: 'left' });
  });

  it('with the safety loop alone: it is presence and passage, and nothing closes on it', () => {
    const lane = new Bench({ wired: ['safety', 'limit-open', 'limit-closed'] }).on('safety').admit().after(2_000);
    expect(lane.requests).toEqual(['open']);
    lane.off('safety').after(5_000);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', arrivalId: 1 });
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('with a photocell in place of the safety loop', () => {
    const lane = new Bench({ wired: ['arming', 'photocell', 'limit-open', 'limit-closed'] }).admitted();
    lane.on('photocell').after(300).off('arming').after(300).off('photocell');
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', flags: ['degraded-loops'] });
  });

  it('without limits: never says where the arm is, and still works', () => {
    const lane = new Bench({ wired: ['arming', 'safety'] }).on('arming').admit().after(20_000).passes().after(20_000);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', flags: [] });
    expect(lane.requests.slice(-2)).toEqual(['open', 'close']);
    expect(lane.state.barrier.position).toBe('unknown');
  });
});

describe('a lane that is started with a vehicle on its loops', () => {
  const started = (...levels: LaneInput[]): Bench =>
    new Bench({ rules: { direction: 'both' }, levels: ['limit-open', ...levels] });

  it('at a gate for both, takes what leaves the safety loop first for one on its way out, and who comes behind it for the next', () => {
    const lane = started('arming', 'safety').after(500).off('safety').after(1_500).off('arming').after(100);
    expect(lane.events).toEqual([]);
    lane.on('safety').after(100);
    expect(lane.events).toMatchObject([{ kind: 'vehicle-arrived', direction: 'exit' }]);
  });

  it('does so, too, when it reaches the arming loop only then', () => {
    const lane = started('safety').after(500).on('arming').after(500).off('safety').after(1_500).off('arming');
    expect(lane.after(10_000).events).toEqual([]);
  });

  it('at a gate for both, asks about what stays on the arming loop', () => {
    const lane = started('arming', 'safety').after(500).off('safety');
    lane.after(lane.rules.loopGapMs - 1);
    expect(lane.events).toEqual([]);
    expect(lane.after(1).events).toMatchObject([{ kind: 'vehicle-arrived', direction: 'entry' }]);
  });

  it('at an entry, asks at once: nobody comes out there', () => {
    const lane = new Bench({ levels: ['limit-open', 'arming', 'safety'] }).after(500).off('safety');
    expect(lane.events).toMatchObject([{ kind: 'vehicle-arrived', direction: 'entry' }]);
  });

  it('at a gate for both, asks about a vehicle that comes once the other is through', () => {
    const lane = started('safety').after(500).off('safety').on('arming');
    expect(lane.events).toMatchObject([{ kind: 'vehicle-arrived', direction: 'entry' }]);
  });
});
