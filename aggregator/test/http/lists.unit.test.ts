import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { orderedPageOf, pageOf } from '../../src/http/lists.js';

const keyOf = (key: string): string => key;

describe('a page of a list that is held in memory', () => {
  it('has what follows the page before it, by key, in whatever order the list is', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ maxLength: 3 })), fc.integer({ min: 1, max: 5 }), (keys, limit) => {
        const found: string[] = [];
        let cursor: string | null = null;
        do {
          const page: ReturnType<typeof pageOf<string>> = pageOf('names', keys, keyOf, { limit, cursor });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          found.push(...page.items);
          cursor = page.nextCursor;
        } while (cursor !== null);
        expect(found).toEqual([...keys].sort((one, other) => (one < other ? -1 : 1)));
      }),
    );
  });

  it('is the last one when it takes all that is left', () => {
    expect(pageOf('names', ['b', 'a'], keyOf, { limit: 2, cursor: null })).toEqual({
      items: ['a', 'b'],
      nextCursor: null,
    });
  });
});

describe('a page of a list that is held in order', () => {
  it('takes one more than it shows, whatever follows', () => {
    let taken = 0;
    function* numbersAfter(after: string | null): Generator<string> {
      for (let number = after === null ? 100 : Number(after) + 1; number < 999; number += 1) {
        taken += 1;
        yield String(number);
      }
    }
    const first = orderedPageOf('numbers', numbersAfter, keyOf, { limit: 3, cursor: null });
    expect([first.items, taken]).toEqual([['100', '101', '102'], 4]);

    const second = orderedPageOf('numbers', numbersAfter, keyOf, { limit: 2, cursor: first.nextCursor });
    expect([second.items, taken]).toEqual([['103', '104'], 7]);
  });
});
