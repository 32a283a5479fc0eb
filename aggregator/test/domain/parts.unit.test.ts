import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isOpen } from '../../src/domain/opening-hours.js';
import { createRankedSet } from '../../src/domain/ranked-set.js';

describe('opening hours', () => {
  const hours = (from: string, to: string, days: ('mon' | 'sat' | 'sun')[] = ['mon']) => ({
    timeZone: 'Europe/Oslo',
    openingHours: [{ days, from, to }],
  });
  /** Monday 2030-01-07 in Oslo, which is one hour ahead of UTC then. */
  const monday = (hour: number, minute = 0) => Date.UTC(2030, 0, 7, hour - 1, minute);

  it.each([
    [hours('08:00', '18:00'), monday(7, 59), false],
    [hours('08:00', '18:00'), monday(8), true],
    [hours('08:00', '18:00'), monday(17, 59), true],
    [hours('08:00', '18:00'), monday(18), false],
    [hours('22:00', '02:00', ['sun']), monday(1, 59), true],
    [hours('22:00', '02:00', ['sun']), monday(2), false],
    [hours('00:00', '24:00'), monday(23, 59), true],
    [hours('08:00', '18:00', ['sat']), monday(12), false],
  ])('%j at %d: %s', (layout, atMs, open) => {
    expect(isOpen(layout, atMs)).toBe(open);
  });

  it('without any, is always open', () => {
    expect(isOpen({ timeZone: 'UTC', openingHours: null }, 0)).toBe(true);
  });
});

it('a ranked set gives its lowest member, and the next below any rank, like a sorted list would', () => {
  const changes = fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 5000 }), fc.nat({ max: 5100 })), { maxLength: 200 });
  fc.assert(
    fc.property(changes, (story) => {
      const set = createRankedSet();
      const model = new Set<number>();
      for (const [add, rank, limit] of story) {
        if (add) {
          set.add(rank);
          model.add(rank);
        } else {
          set.delete(rank);
          model.delete(rank);
        }
        expect(set.size).toBe(model.size);
        expect(set.first()).toBe(model.size === 0 ? -1 : Math.min(...model));
        expect(set.below(limit)).toBe(Math.max(-1, ...[...model].filter((member) => member < limit)));
        expect(set.below(Number.POSITIVE_INFINITY)).toBe(Math.max(-1, ...model));
      }
    }),
  );
});
