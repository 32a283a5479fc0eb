import { describe, expect, it } from '@jest/globals';
import { Bench } from './bench.js';

describe('loops', () => {
  it('given an arming loop occupied for 15 minutes, it is stuck, and the gate goes on with the other', () => {
    const lane = new Bench()
      .on('arming')
      .deny()
      .after(15 * 60_000 - 1);
    expect(lane.state.health.faults).toEqual([]);
    lane.after(1);
    expect(lane.state.health.faults).toEqual(['loop-stuck']);
    lane.after(1_000).on('safety').admit().after(2_000).off('safety').after(2_000);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', basis: 'decision', flags: ['degraded-loops'] });
    lane.off('arming');
    expect(lane.state.health.faults).toEqual([]);
  });

  it('given a stuck safety loop, passages still count and the arm is never asked to close', () => {
    const lane = new Bench({ wired: ['arming', 'safety', 'limit-open', 'limit-closed'] });
    lane
      .on('safety')
      .after(15 * 60_000)
      .on('arming')
      .admit()
      .after(2_000)
      .off('arming')
      .after(2_000);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', flags: ['degraded-loops'] });
    expect(lane.requests).toEqual(['open']);
  });

  it('given more edges than vehicles can make, it chatters, until it is quiet', () => {
    const lane = new Bench();
    for (let edge = 0; edge < 30; edge += 1) {
      if (edge % 2 === 0) lane.on('safety');
      else lane.off('safety');
      lane.after(50);
    }
    expect(lane.state.health.faults).toEqual(['loop-chatter']);
    lane.after(10_000);
    expect(lane.state.health.faults).toEqual([]);
  });

  it('given vehicle after vehicle that the safety loop does not see, it is dead; its first edge brings it back', () => {
    const lane = new Bench();
    for (let vehicle = 0; vehicle < 3; vehicle += 1) lane.on('arming').admit().after(2_000).off('arming').after(20_000);
    expect(lane.state.health.faults).toEqual(['loop-dead']);
    lane.on('arming').admit().after(2_000).off('arming').after(5_000);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', flags: ['degraded-loops'] });
    lane.on('safety').off('safety');
    expect(lane.state.health.faults).toEqual([]);
  });

  it('given reads of vehicles that no loop sees, they are dead', () => {
    const lane = new Bench({ rules: { hasReader: true } });
    for (const plate of ['AA11AAA', 'BB22BBB', 'CC33CCC']) lane.read(plate).after(6_000);
    expect(lane.state.health.faults).toEqual(['loop-dead']);
    lane.on('arming');
    expect(lane.state.health.faults).toEqual([]);
    expect(lane.requests).toEqual([]);
  });
});

describe('the reader', () => {
  it('given ten vehicles without a read, it is silent, until it reads', () => {
    const lane = new Bench({ rules: { hasReader: true } });
    for (let vehicle = 0; vehicle < 10; vehicle += 1) {
      lane.on('arming').after(2_000).deny().off('arming').after(1_000);
    }
    expect(lane.state.health.faults).toEqual(['reader-silent']);
    lane.on('arming').read('AB12CDE');
    expect(lane.state.health.faults).toEqual([]);
  });
});

describe('the cabinet', () => {
  it.each([
    ['tamper', 'tamper'],
    ['fire', 'fire-input'],
  ] as const)('given %s, the fault %s stands as long as the input', (input, fault) => {
    const lane = new Bench().on(input).after(1_000);
    expect(lane.state.health.faults).toContain(fault);
    lane.off(input).after(5_000);
    expect(lane.state.health.faults).not.toContain(fault);
  });
});
