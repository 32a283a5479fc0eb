/** Pages of lists that are held in memory, by a rising key. */
import { Buffer } from 'node:buffer';
import { InvalidCursorError } from '../app/ports.js';
import type { Page, PageRequest } from '../app/ports.js';

/**
 * The page of `items` after the cursor, by `keyOf` in code-unit order. `list` names the list, so that a cursor of another one is refused.
 * @throws InvalidCursorError
 */
export function pageOf<T>(list: string, items: Iterable<T>, keyOf: (item: T) => string, page: PageRequest): Page<T> {
  const after = page.cursor === null ? null : decode(list, page.cursor);
  // One more than asked for tells whether there is another page. The rest need no order: there may be very many.
  const least = leastOf(items, keyOf, after, page.limit + 1);
  const shown = least.slice(0, page.limit);
  const last = shown.at(-1);
  const more = least.length > shown.length && last !== undefined;
  return { items: shown.map(({ item }) => item), nextCursor: more ? encode(list, last.key) : null };
}

interface Keyed<T> {
  readonly key: string;
  readonly item: T;
}

/** The `count` items with the least keys above `after`, by key. */
function leastOf<T>(items: Iterable<T>, keyOf: (item: T) => string, after: string | null, count: number): Keyed<T>[] {
  const least: Keyed<T>[] = [];
  for (const item of items) {
    const key = keyOf(item);
    const greatest = least.length < count ? undefined : least.at(-1);
    if ((after !== null && key <= after) || (greatest !== undefined && key >= greatest.key)) continue;
    let from = 0;
    let to = least.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((least[middle]?.key ?? '') < key) from = middle + 1;
      else to = middle;
    }
    least.splice(from, 0, { key, item });
    if (least.length > count) least.pop();
  }
  return least;
}

function encode(list: string, key: string): string {
  return Buffer.from(JSON.stringify([list, key]), 'utf8').toString('base64url');
}

function decode(list: string, cursor: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    parsed = null;
  }
  if (!Array.isArray(parsed) || parsed.length !== 2 || parsed[0] !== list || typeof parsed[1] !== 'string') {
    throw new InvalidCursorError(`cursor: is not from a page of this list (${list})`);
  }
  return parsed[1];
}
