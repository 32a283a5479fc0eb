import { describe, expect, it } from '@jest/globals';
import type { Credential } from '@gatehouse/shared';
import { isSimilar, vote } from '../../../src/domain/lane/reads.js';
import { Bench } from './bench.js';

const withReader = (rules = {}): Bench => new Bench({ rules: { hasReader: true, ...rules } });
const shownBy = (lane: Bench): (string | null)[] =>
  lane.events.flatMap((event) => (event.kind === 'vehicle-arrived' ? [event.credential?.value ?? null] : []));

describe('presence and read', () => {
  it('given a sure read after the loop, the vehicle arrives at once', () => {
    const lane = withReader().on('arming').after(700);
    expect(lane.kinds).toEqual([]);
    lane.read('AB12CDE');
    expect(shownBy(lane)).toEqual(['AB12CDE']);
  });

  it('given a read before the loop, the vehicle arrives on the loop', () => {
    const lane = withReader().read('AB12CDE').after(4_999).on('arming');
    expect(shownBy(lane)).toEqual(['AB12CDE']);
  });

  it('given a read too long before the loop, it is nobody’s', () => {
    const lane = withReader().read('AB12CDE').after(5_000).on('arming').after(2_000);
    expect(shownBy(lane)).toEqual([null]);
  });

  it('given no read within 2 s, it arrives with nothing to show', () => {
    const lane = withReader().on('arming').after(1_999);
    expect(lane.kinds).toEqual([]);
    lane.after(1);
    expect(shownBy(lane)).toEqual([null]);
  });

  it('a read without a vehicle opens nothing', () => {
    const lane = withReader().read('AB12CDE').after(60_000);
    expect(lane.effects.filter(({ type }) => type !== 'lamp')).toEqual([]);
    expect(lane.kinds).toEqual([]);
  });

  it('given two plates before the loop, the later one is the vehicle that comes', () => {
    const lane = withReader().read('AA11AAA').after(1_000).read('BB22BBB').after(500).on('arming');
    expect(shownBy(lane)).toEqual(['BB22BBB']);
  });

  it('a gate that needs the button waits for it', () => {
    const lane = new Bench({ rules: { needsButton: true } }).on('arming').after(60_000);
    expect(lane.kinds).toEqual([]);
    lane.on('ticket-button');
    expect(lane.kinds).toEqual(['vehicle-arrived']);
  });

  it('the button without a vehicle does nothing', () => {
    const lane = new Bench({ rules: { needsButton: true } }).on('ticket-button').off('ticket-button').after(1_000);
    expect(lane.kinds).toEqual([]);
  });
});

describe('several reads of one vehicle', () => {
  const plate = (value: string, confidence: number) => ({
    credential: { kind: 'plate', value, source: 'camera', confidence } satisfies Credential,
    readAtMs: 0,
  });

  it.each([
    ['the surer of two', [plate('AB12CDE', 0.9), plate('A812CDE', 0.5)], 'AB12CDE'],
    ['the more frequent, weighted', [plate('A812CDE', 0.8), plate('AB12CDE', 0.5), plate('AB12CDE', 0.5)], 'AB12CDE'],
    ['each character by itself', [plate('AB12C?E', 0.6), plate('?B12CDE', 0.5), plate('AB1?CDE', 0.4)], 'AB12CDE'],
    ['the length that is surer', [plate('AB12CD', 0.3), plate('AB12CDE', 0.6)], 'AB12CDE'],
    ['a question mark where nobody could read', [plate('AB?2CDE', 0.6), plate('AB?2CDE', 0.5)], 'AB?2CDE'],
    ['the first of equals', [plate('AB12CDE', 0.5), plate('XY34ZZZ', 0.5)], 'AB12CDE'],
  ])('say %s', (_name, reads, value) => {
    expect(vote(reads)?.value).toBe(value);
  });

  it('say the tag before any plate', () => {
    const tag = { credential: { kind: 'tag', value: '42', source: 'uhf', confidence: 0.3 } as const, readAtMs: 0 };
    expect(vote([plate('AB12CDE', 0.99), tag])?.value).toBe('42');
  });

  it('are collected for a moment when the first is unsure, and make one arrival', () => {
    const lane = withReader().on('arming').read('A?12CDE', { confidence: 0.6 }).after(100);
    lane.read('AB12CDE', { confidence: 0.7 }).after(100).read('AB12CDE', { confidence: 0.8 }).after(100);
    expect(shownBy(lane)).toEqual(['AB12CDE']);
    expect(lane.events[0]).toMatchObject({ credential: { confidence: 0.8 } });
    lane.read('AB12CDE').after(5_000);
    expect(lane.kinds).toEqual(['vehicle-arrived']);
  });

  it.each([
    ['AB12CDE', 'AB12CDE', true],
    ['AB12CDE', 'A812CDE', true],
    ['AB12CDE', 'A812C0E', true],
    ['AB12CDE', 'AB12CDX', false],
    ['CAR0001', 'CAR0002', false],
    ['AB12CDE', '??12CDE', true],
    ['AB12CDE', 'AB12CD', true],
    ['B12CDE', 'AB12CDE', true],
    ['AB12CDE', 'AB12C', false],
    ['AB12CDE', 'XY34ZZZ', false],
  ])('%s and %s may be of one vehicle: %s', (one, other, similar) => {
    expect(isSimilar(plate(one, 1).credential, plate(other, 1).credential)).toBe(similar);
    expect(isSimilar(plate(other, 1).credential, plate(one, 1).credential)).toBe(similar);
  });
});

describe('one vehicle, one decision', () => {
  it('a decision for a vehicle that left is void, and is not the next one’s', () => {
    const lane = new Bench().on('arming').off('arming').after(600).on('arming');
    lane.admit('a1', 1).after(5_000);
    expect(lane.requests).toEqual([]);
    expect(lane.state.vehicle?.arrival).toMatchObject({ id: 2, progress: 'waiting' });
  });

  it('the first answer counts', () => {
    const lane = new Bench().on('arming').deny().admit('a1').after(5_000);
    expect(lane.requests).toEqual([]);
    const admitted = new Bench().on('arming').admit('a1').deny().after(2_000).passes();
    expect(admitted.events.at(-1)).toMatchObject({ kind: 'vehicle-passed', slotId: 'a1' });
  });

  it('an operator may let in whom somebody turned away, by a later revision', () => {
    const lane = new Bench().on('arming').deny().decide({ basis: 'operator', revision: 1 });
    expect(lane.requests).toEqual([]);
    lane.decide({ basis: 'operator', revision: 2 });
    expect(lane.requests).toEqual(['open']);
  });

  it('a local choice comes first or not at all', () => {
    const lane = new Bench().on('arming');
    const choice = { outcome: 'admit', basis: 'allowance', slotId: 'a9', slotLabel: 'A9' } as const;
    lane.happen({ type: 'local-choice', arrivalId: 1, choice });
    expect(lane.requests).toEqual([]);
    lane.admit('a1', 1);
    expect(lane.requests).toEqual([]);
    lane.happen({ type: 'admission-recorded', arrivalId: 1 });
    expect(lane.requests).toEqual(['open']);
    lane.after(2_000).passes();
    expect(lane.events.slice(1)).toMatchObject([
      { kind: 'vehicle-admitted', slotId: 'a9', basis: 'allowance' },
      { kind: 'vehicle-passed', slotId: 'a9', basis: 'allowance' },
    ]);
  });

  it('a local admission that cannot be recorded opens nothing', () => {
    const lane = new Bench().on('arming');
    const choice = { outcome: 'admit', basis: 'allowance', slotId: 'a9', slotLabel: 'A9' } as const;
    lane.happen({ type: 'local-choice', arrivalId: 1, choice }).happen({ type: 'admission-failed', arrivalId: 1 });
    expect(lane.after(60_000).requests).toEqual([]);
  });

  it('a local admission recorded after the vehicle left opens nothing', () => {
    const lane = new Bench().on('arming');
    const choice = { outcome: 'admit', basis: 'allowance', slotId: 'a9', slotLabel: 'A9' } as const;
    lane.happen({ type: 'local-choice', arrivalId: 1, choice }).off('arming').after(600);
    lane.happen({ type: 'admission-recorded', arrivalId: 1 });
    expect(lane.requests).toEqual([]);
    expect(lane.events.at(-1)).toMatchObject({ kind: 'vehicle-backed-out', slotId: 'a9', basis: 'allowance' });
  });

  it('given it was turned away and stays, the same read again changes nothing', () => {
    const lane = withReader().on('arming').read('AB12CDE').deny().read('AB12CDE').read('A812CDE').after(10_000);
    expect(lane.kinds).toEqual(['vehicle-arrived']);
  });

  it.each([
    ['a tag', { kind: 'tag' as const, value: '4711' }],
    ['another plate, surely read', { value: 'XY34ZZZ' }],
  ])('given it was turned away and shows %s, that is a new arrival in place of the old', (_name, credential) => {
    const lane = withReader().on('arming').read('AB12CDE').deny().read(credential.value, credential);
    expect(lane.events.slice(1)).toMatchObject([
      { kind: 'arrival-void', arrivalId: 1, reason: 'superseded' },
      { kind: 'vehicle-arrived', arrivalId: 2, supersedes: 1, credential: { value: credential.value } },
    ]);
    expect(lane.admit().requests).toEqual(['open']);
  });

  it('another plate changes nothing where that is set', () => {
    const lane = withReader({ platesSupersede: 'never' }).on('arming').read('AB12CDE').deny().read('XY34ZZZ');
    expect(lane.kinds).toEqual(['vehicle-arrived']);
  });

  it('given it arrived with nothing to show and was turned away, a late read is a new arrival', () => {
    const before = withReader().on('arming').after(2_000).read('AB12CDE').deny();
    const after = withReader().on('arming').after(2_000).deny().read('AB12CDE');
    for (const lane of [before, after]) expect(shownBy(lane)).toEqual([null, 'AB12CDE']);
  });

  it('a vehicle may ask again only so often', () => {
    const lane = withReader().on('arming');
    for (let tag = 0; tag < 20; tag += 1) {
      lane.read(String(tag), { kind: 'tag' });
      lane.deny();
    }
    expect(shownBy(lane)).toHaveLength(5);
  });

  it('reads of the vehicle ahead are not the next one’s; reads of the next one are', () => {
    const lane = withReader().on('arming').read('AB12CDE').admit().after(2_000).on('safety').after(300);
    lane.off('arming').read('AB12CDE').after(300).on('arming').read('XY34ZZZ').after(300).off('safety');
    lane.read('AB12CDE');
    expect(shownBy(lane)).toEqual(['AB12CDE', 'XY34ZZZ']);
  });
});
