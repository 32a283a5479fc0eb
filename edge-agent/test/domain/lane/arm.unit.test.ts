import { describe, expect, it } from '@jest/globals';
import { Bench } from './bench.js';

describe('closing', () => {
  it('is asked for when every loop has been clear for the close delay', () => {
    const lane = new Bench().admitted().passes().after(999);
    expect(lane.requests).toEqual(['open']);
    lane.after(1);
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it.each(['safety', 'photocell'] as const)('is never asked for while the %s is occupied', (input) => {
    const lane = new Bench().admitted().passes(100).on(input).after(600_000);
    expect(lane.requests).toEqual(['open']);
    lane.off(input).after(1_500);
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('waits while an admitted vehicle has not moved yet', () => {
    const lane = new Bench().admitted().after(600_000);
    expect(lane.requests).toEqual(['open']);
  });

  it('does not wait for a vehicle that was turned away', () => {
    const lane = new Bench().admitted().on('safety').after(300).off('arming').after(300).on('arming').after(300);
    lane.off('safety').after(50).deny().after(1_000);
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('waits for a vehicle that has no answer yet, or does not, as set', () => {
    const followed = (rules = {}): Bench =>
      new Bench({ rules })
        .admitted()
        .on('safety')
        .after(300)
        .off('arming')
        .after(300)
        .on('arming')
        .after(300)
        .off('safety')
        .after(1_400);
    expect(followed().requests).toEqual(['open']);
    expect(followed({ closeWaitsFor: 'safety-loops' }).requests).toEqual(['open', 'close']);
  });

  it('is reversed when something comes under the arm, and the timer starts anew', () => {
    const lane = new Bench().admitted().passes().after(1_300);
    expect(lane.requests).toEqual(['open', 'close']);
    lane.on('photocell');
    expect(lane.requests).toEqual(['open', 'close', 'open']);
    lane.after(3_000).off('photocell').after(999);
    expect(lane.requests).toHaveLength(3);
    lane.after(1);
    expect(lane.requests).toEqual(['open', 'close', 'open', 'close']);
  });

  it('is given up for the next admitted vehicle', () => {
    const lane = new Bench().admitted().passes().after(1_300).on('arming').admit('a2');
    expect(lane.requests).toEqual(['open', 'close', 'open']);
  });

  it('is asked for after a start that finds the arm open', () => {
    const lane = new Bench({ levels: ['limit-open'] }).after(1_000);
    expect(lane.requests).toEqual(['close']);
  });
});

describe('after a start', () => {
  it('the arm is where a limit says it is, else unknown', () => {
    expect(new Bench({ levels: [] }).state.barrier.position).toBe('unknown');
    expect(new Bench({ levels: ['limit-open'] }).state.barrier.position).toBe('open');
    expect(new Bench().state.barrier.position).toBe('closed');
  });

  it('a vehicle on the arming loop arrives; one under the arm has a history that nobody knows', () => {
    expect(new Bench({ levels: ['limit-closed', 'arming'] }).kinds).toEqual(['vehicle-arrived']);
    const lane = new Bench({ levels: ['limit-open', 'safety'] }).after(3_000).off('safety').after(3_000);
    expect(lane.kinds).toEqual([]);
    expect(lane.requests).toEqual(['close']);
    const both = new Bench({ levels: ['limit-open', 'safety', 'arming'] }).after(3_000).off('safety');
    expect(both.kinds).toEqual(['vehicle-arrived']);
  });

  it('the durable mode stands', () => {
    expect(new Bench({ mode: 'hold-open' }).requests).toEqual(['hold', 'open']);
    const locked = new Bench({ mode: 'locked' }).on('arming');
    expect(locked.events.at(-1)).toEqual({ kind: 'vehicle-denied', arrivalId: 1, reason: 'locked' });
    expect(locked.requests).toEqual([]);
  });
});

describe('priority: stop, fire, operator open or hold, operator close or lock, automatic', () => {
  it('stop beats everything: nothing is asked of the arm, and what stands is done afterwards', () => {
    const lane = new Bench().on('stop').on('arming').admit().on('fire').order('open').after(20_000);
    expect(lane.requests).toEqual([]);
    expect(lane.answers).toEqual(['refused']);
    lane.off('stop');
    expect(lane.requests).toEqual(['hold', 'open']);
  });

  it('fire opens and holds whatever operators ordered, and the order stands afterwards', () => {
    const lane = new Bench({ mode: 'locked' }).on('fire');
    expect(lane.requests).toEqual(['hold', 'open']);
    expect(lane.order('close').order('lock').answers).toEqual(['refused', 'done']);
    lane.after(600_000);
    expect(lane.requests).toEqual(['hold', 'open']);
    lane.off('fire').after(1_000);
    expect(lane.requests).toEqual(['hold', 'open', 'release', 'close']);
    expect(lane.events.filter(({ kind }) => kind === 'mode-changed')).toMatchObject([
      { mode: 'fire', by: 'fire input' },
      { mode: 'locked', by: 'fire input' },
    ]);
  });

  it('hold beats close; lock and automatic are modes that follow it', () => {
    const lane = new Bench().order('hold-open').after(60_000).order('close');
    expect(lane.requests).toEqual(['hold', 'open']);
    expect(lane.answers).toEqual(['done', 'refused']);
    lane.order('lock').after(1_000);
    expect(lane.requests).toEqual(['hold', 'open', 'release', 'close']);
  });

  it('an operator’s open lets one vehicle through, on the operator’s word', () => {
    const lane = new Bench().on('arming').deny().order('open').after(2_000).passes().after(2_000);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', arrivalId: 1, basis: 'operator' });
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('an operator’s open that nobody uses ends', () => {
    const lane = new Bench().order('open').after(30_999);
    expect(lane.requests).toEqual(['open']);
    lane.after(1);
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('an operator’s open works in a locked lane', () => {
    expect(new Bench({ mode: 'locked' }).order('open').requests).toEqual(['open']);
  });

  it('an operator’s close beats an admission: the vehicle is turned away, and closing still waits for safety', () => {
    const lane = new Bench().admitted().on('photocell').order('close').after(5_000);
    expect(lane.events.slice(1)).toMatchObject([
      { kind: 'arrival-void', arrivalId: 1, reason: 'mode' },
      { kind: 'vehicle-arrived', arrivalId: 2, supersedes: 1 },
      { kind: 'vehicle-denied', arrivalId: 2, reason: 'operator' },
    ]);
    expect(lane.requests).toEqual(['open']);
    lane.off('photocell');
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('lock turns away whom it finds waiting, and automatic asks again', () => {
    const lane = new Bench().on('arming').order('lock').order('automatic');
    expect(lane.kinds).toEqual([
      'vehicle-arrived',
      'mode-changed',
      'vehicle-denied',
      'mode-changed',
      'arrival-void',
      'vehicle-arrived',
    ]);
    lane.admit();
    expect(lane.requests).toEqual(['open']);
  });

  it('lock leaves a vehicle alone that is already under the arm', () => {
    const lane = new Bench().admitted().on('safety').order('lock').after(500).off('arming').after(500).off('safety');
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', basis: 'decision' });
    lane.after(1_000);
    expect(lane.requests).toEqual(['open', 'close']);
  });

  it('a failed driver refuses open and close', () => {
    const lane = new Bench().happen({ type: 'trouble', detail: 'no answer from the relay board' }).order('open');
    expect(lane.answers).toEqual(['refused']);
    expect(lane.happen({ type: 'trouble-over' }).order('open').answers).toEqual(['refused', 'done']);
    expect(lane.kinds).toEqual(['fault-raised', 'fault-cleared']);
  });
});

describe('the arm does not follow', () => {
  it('given no limit within the travel time, it is stuck; asked again a few times; cleared when it moves', () => {
    const lane = new Bench({ armMs: null }).on('arming').admit().after(7_999);
    expect(lane.state.health.faults).toEqual([]);
    lane.after(1);
    expect(lane.state.health.faults).toEqual(['barrier-stuck']);
    lane.after(16_000);
    expect(lane.requests).toEqual(['open', 'open', 'open']);
    lane.off('limit-closed').on('limit-open');
    expect(lane.state.health.faults).toEqual([]);
    expect(lane.state.barrier.position).toBe('open');
  });

  it('given it hangs half-way, it has stopped', () => {
    const lane = new Bench({ armMs: null }).on('arming').admit().after(500).off('limit-closed').after(60_000);
    expect(lane.state.barrier.position).toBe('stopped');
  });

  it('given it opens unasked for 4 s, it was forced: an alarm, and nothing is asked of it', () => {
    const lane = new Bench({ armMs: null }).after(5_000).off('limit-closed').after(3_999);
    expect(lane.kinds).toEqual([]);
    lane.after(1);
    expect(lane.kinds).toEqual(['fault-raised', 'barrier-forced']);
    lane.after(60_000);
    expect(lane.requests).toEqual([]);
    lane.on('limit-closed');
    expect(lane.kinds.filter((kind) => kind === 'fault-cleared').length).toBeGreaterThan(0);
    expect(lane.state.health.faults).toEqual([]);
  });

  it('given it closes again before 4 s, nothing is said', () => {
    const lane = new Bench({ armMs: null }).off('limit-closed').after(3_999).on('limit-closed').after(60_000);
    expect(lane.kinds).toEqual([]);
  });

  it('given it stays open for too long, it is held open; traffic is not that', () => {
    const lane = new Bench().admitted().on('safety').after(122_000);
    expect(lane.state.health.faults).toEqual(['held-open']);
    lane.off('arming').off('safety').after(3_000);
    expect(lane.state.health.faults).toEqual([]);
    const held = new Bench().order('hold-open').after(3_600_000);
    expect(held.state.health.faults).toEqual([]);
  });

  it('given both limits at once, they contradict, and nobody knows where it is', () => {
    const lane = new Bench().on('limit-open').after(299);
    expect(lane.state.health.faults).toEqual([]);
    lane.after(1);
    expect(lane.state.health.faults).toEqual(['limits-contradict']);
    expect(lane.state.barrier.position).toBe('unknown');
    lane.off('limit-open');
    expect(lane.state.health.faults).toEqual([]);
  });
});

describe('lamp and sign', () => {
  it('turn green when the arm is up for a vehicle, and tell the slot or the reason', () => {
    const lane = new Bench().on('arming').admit('a7');
    const lamps = (): unknown[] => lane.effects.flatMap((effect) => (effect.type === 'lamp' ? [effect.lamp] : []));
    const texts = (): unknown[] => lane.effects.flatMap((effect) => (effect.type === 'text' ? [effect.text] : []));
    expect(lamps()).toEqual(['red']);
    expect(texts()).toEqual(['a7']);
    lane.after(1_000);
    expect(lamps()).toEqual(['red', 'green']);
    lane.passes();
    expect(lamps()).toEqual(['red', 'green', 'red']);
    expect(texts()).toEqual(['a7', '']);
  });
});
