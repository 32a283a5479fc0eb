/** What a lane makes of reads whose reader says more than the plate: which way its vehicles go, and which vehicle it was. */
import { describe, expect, it } from '@jest/globals';
import type { Direction } from '@gatehouse/shared';
import fc from 'fast-check';
import { maxReads, maxTracks, passedTrackMs } from '../../../src/domain/lane/state.js';
import { Bench } from './bench.js';

const withReader = (rules = {}): Bench => new Bench({ rules: { hasReader: true, ...rules } });
const bothWays = (): Bench => withReader({ direction: 'both' });
const shownBy = (lane: Bench): (string | null)[] =>
  lane.events.flatMap((event) => (event.kind === 'vehicle-arrived' ? [event.credential?.value ?? null] : []));

describe('a gate for both directions, with a camera for each', () => {
  it.each([
    ['in', 'arming', 'entry', 'exit'],
    ['out', 'safety', 'exit', 'entry'],
  ] as const)('serves a vehicle on its way %s with reads of that direction alone', (_way, loop, direction, other) => {
    const before = bothWays().read('OTHER01', { direction: other }).read('AB12CDE', { direction }).on(loop);
    expect(shownBy(before)).toEqual(['AB12CDE']);
    const after = bothWays().on(loop).read('OTHER01', { direction: other }).after(500).read('AB12CDE', { direction });
    expect(shownBy(after)).toEqual(['AB12CDE']);
    const never = bothWays().on(loop).read('OTHER01', { direction: other }).after(2_000);
    expect(shownBy(never)).toEqual([null]);
  });

  it('keeps a read for the vehicle of its own direction while one of the other goes through', () => {
    const lane = bothWays().on('arming').read('AB12CDE', { direction: 'entry' }).admit().after(2_000);
    lane.read('OUT0001', { direction: 'exit' }).passes(300).after(700).on('safety');
    expect(shownBy(lane)).toEqual(['AB12CDE', 'OUT0001']);
    expect(lane.events.at(-1)).toMatchObject({ direction: 'exit', credential: { value: 'OUT0001' } });
  });

  it('does not take the rear plate of a vehicle that drove in for one that wants out', () => {
    const lane = bothWays().on('arming').read('AB12CDE', { direction: 'entry' }).admit().after(2_000);
    lane.read('AB12CDE', { direction: 'exit' }).passes(300);
    lane.read('A812CDE', { direction: 'exit' }).after(500).on('safety').after(2_000);
    expect(shownBy(lane)).toEqual(['AB12CDE', null]);
  });

  it('serves either with a read that says nothing of direction', () => {
    expect(shownBy(bothWays().read('AB12CDE').on('arming'))).toEqual(['AB12CDE']);
    expect(shownBy(bothWays().read('AB12CDE').on('safety'))).toEqual(['AB12CDE']);
  });

  it('never lets anybody arrive with a read of the other direction, whatever comes in whichever order', () => {
    const plates = { entry: 'IN00001', exit: 'XUT9999' } as const;
    const step = fc.record({
      waitMs: fc.constantFrom(0, 300, 2_000),
      what: fc.constantFrom('arming', 'safety', 'entry', 'exit', 'admit', 'deny'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const lane = bothWays();
        for (const { waitMs, what } of steps) {
          lane.after(waitMs);
          const arrivalId = Math.max(1, lane.state.nextArrivalId - 1);
          if (what === 'arming' || what === 'safety') lane[lane.isActive(what) ? 'off' : 'on'](what);
          else if (what === 'admit') lane.admit('a1', arrivalId);
          else if (what === 'deny') lane.deny(arrivalId);
          else lane.read(plates[what], { direction: what });
        }
        for (const event of lane.events) {
          if (event.kind !== 'vehicle-arrived' || event.credential === null) continue;
          expect(event.credential.value).toBe(plates[event.direction satisfies Direction]);
        }
      }),
    );
  });
});

describe('a reader that follows vehicles', () => {
  const unsure = { confidence: 0.6, trackId: 'car-7' };

  it('has one vote with all its reads of a vehicle: the last', () => {
    const lane = withReader().on('arming').read('XX99XXX', unsure).read('XX99XXX', unsure);
    lane.read('AB12CDE', { ...unsure, confidence: 0.7 }).after(300);
    expect(shownBy(lane)).toEqual(['AB12CDE']);
    const two = withReader().on('arming').read('XX99XXX', { confidence: 0.6 }).read('XX99XXX', { confidence: 0.6 });
    two.read('AB12CDE', { confidence: 0.7 }).after(300);
    expect(shownBy(two)).toEqual(['XX99XXX']);
  });

  it('puts off no arrival by going on reading', () => {
    const lane = withReader().on('arming');
    for (let reads = 0; reads < 10; reads += 1) lane.read('AB12CDE', unsure).after(50);
    expect(shownBy(lane)).toEqual(['AB12CDE']);
    expect(lane.state.vehicle?.arrival?.atMs).toBe(1_300);
  });

  it('may correct a read that waits for its vehicle, which waits on from then', () => {
    const lane = withReader().read('XX99XXX', { trackId: 'car-7' }).after(4_000).read('AB12CDE', { trackId: 'car-7' });
    lane.after(4_000).on('arming');
    expect(shownBy(lane)).toEqual(['AB12CDE']);
  });

  it('gives no read of a vehicle that was let in to the next one, however late and different', () => {
    const lane = withReader().on('arming').read('AB12CDE', { trackId: 'car-7' }).admit().after(2_000);
    lane.read('XX99XXX', { trackId: 'car-7' }).passes(300).after(30_000);
    lane.read('XX99XXX', { trackId: 'car-7' }).after(1_000).on('arming').after(2_000);
    expect(shownBy(lane)).toEqual(['AB12CDE', null]);
  });

  it('is believed again about a name after 2 minutes: it may have begun to count anew', () => {
    const later = (ms: number) => {
      const lane = withReader().on('arming').read('AB12CDE', { trackId: '1' }).admit().after(2_000).passes(300);
      return shownBy(lane.after(ms).read('XY34ZZZ', { trackId: '1' }).on('arming').after(2_000));
    };
    expect(later(passedTrackMs - 1)).toEqual(['AB12CDE', null]);
    expect(later(passedTrackMs)).toEqual(['AB12CDE', 'XY34ZZZ']);
  });

  it('causes no second decision by reading a vehicle again that was turned away, and one by reading it better', () => {
    const lane = withReader().on('arming').read('AB12CDE', { trackId: 'car-7' }).deny();
    lane.read('AB12CDE', { trackId: 'car-7' }).after(10_000);
    expect(lane.kinds).toEqual(['vehicle-arrived']);
    lane.read('XY34ZZZ', { trackId: 'car-7' });
    expect(shownBy(lane)).toEqual(['AB12CDE', 'XY34ZZZ']);
  });

  it('serves a vehicle that turned back and comes again under the same name', () => {
    const lane = withReader().on('arming').read('AB12CDE', { trackId: 'car-7' }).off('arming').after(600);
    lane.on('arming').read('AB12CDE', { trackId: 'car-7' });
    expect(shownBy(lane)).toEqual(['AB12CDE', 'AB12CDE']);
  });

  it('is remembered within bounds', () => {
    const lane = withReader().on('arming').admit(null, 1);
    const unread = withReader().on('arming').after(2_000);
    for (let car = 0; car < 3 * maxTracks; car += 1) {
      lane.read(`CAR${String(car)}`, { trackId: String(car), confidence: 0.2 });
      unread.read(`CAR${String(car)}`, { trackId: String(car), confidence: 0.2 });
    }
    expect(unread.state.vehicle?.votes).toHaveLength(maxReads);
    expect(unread.state.vehicle?.trackIds).toHaveLength(maxTracks);
    unread.admit().after(2_000).passes();
    expect(unread.state.passedTracks).toHaveLength(maxTracks);
    expect(lane.state.reads.length).toBeLessThanOrEqual(maxReads);
  });
});

describe('a read that comes too late', () => {
  it('given its vehicle was let in unread and stands there still, it is not the next one’s', () => {
    const lane = withReader().on('arming').after(2_000).admit().after(500).read('AB12CDE');
    lane.passes(300).on('arming').after(2_000);
    expect(shownBy(lane)).toEqual([null, null]);
  });

  it('given its vehicle has gone on, it is the next one’s', () => {
    const lane = withReader().on('arming').after(2_000).admit().after(500).on('safety').off('arming').read('XY34ZZZ');
    lane.after(300).off('safety').on('arming');
    expect(shownBy(lane)).toEqual([null, 'XY34ZZZ']);
  });
});
