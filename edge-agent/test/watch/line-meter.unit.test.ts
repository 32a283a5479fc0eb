import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { meter, newMeter } from '../../src/watch/line-meter.js';
import type { LineMeter } from '../../src/watch/line-meter.js';
import '../../../test/support/random-tests.js';

const debounceMs = 30;

function feed(levels: readonly (readonly [active: boolean, atMs: number])[], initial = false): LineMeter {
  return levels.reduce(
    (now, [active, atMs]) => meter(now, active, atMs)?.meter ?? now,
    newMeter(initial, debounceMs, 0),
  );
}

describe('the meter of a contact', () => {
  it('counts a vehicle on a clean loop as two changes and no bounce', () => {
    expect(
      feed([
        [true, 1_000],
        [false, 4_000],
      ]),
    ).toMatchObject({ active: false, sinceMs: 4_000, changes: 2, bounces: 0 });
  });

  it('counts levels that were shorter than the debounce time, and not those just as long', () => {
    const bouncing = feed([
      [true, 1_000],
      [false, 1_002],
      [true, 1_003],
      [false, 4_000],
    ]);
    expect(bouncing).toMatchObject({ changes: 4, bounces: 2 });
    expect(
      feed([
        [true, 1_000],
        [false, 1_000 + debounceMs],
      ]).bounces,
    ).toBe(0);
    expect(
      feed([
        [true, 1_000],
        [false, 1_000 + debounceMs - 1],
      ]).bounces,
    ).toBe(1);
  });

  it('does not know how long the first level had lasted', () => {
    expect(meter(newMeter(false, debounceMs, 0), true, 5)).toMatchObject({ lastedMs: null, isBounce: false });
  });

  it('passes over what is no change', () => {
    expect(meter(newMeter(true, debounceMs, 0), true, 5)).toBeUndefined();
  });

  it('never counts more bounces than changes, whatever comes, and ends at the last level', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 100 })), { maxLength: 50 });
    fc.assert(
      fc.property(steps, (raw) => {
        let atMs = 0;
        const levels = raw.map(([active, afterMs]): [boolean, number] => [active, (atMs += afterMs)]);
        const { active, changes, bounces } = feed(levels);
        expect(active).toBe(levels.at(-1)?.[0] ?? false);
        expect(bounces).toBeLessThanOrEqual(Math.max(0, changes - 1));
      }),
    );
  });
});
