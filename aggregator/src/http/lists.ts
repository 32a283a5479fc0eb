/** Pages of lists that are held in memory, by a rising key. */
import { Buffer } from 'node:buffer';
import { InvalidCursorError } from '../app/ports.js';
import type { Page, PageRequest } from '../app/ports.js';

/**
 * The page of `items` after the cursor, by `keyOf` in code-unit order. `list` names the list, so that a cursor of another one is refused.
 * @throws InvalidCursorError
 */
export function pageOf<T>(list: string, items: Iterable<T>, keyOf: (item: T) => string, page: PageRequest): Page<T> {
  return orderedPageOf(list, (after) => leastOf(items, keyOf, after, page.limit + 1), keyOf, page);
}

/**
 * The same of items that can be had in the order of their keys, from those on whose keys are above `after`. One more is taken than the page has:
 * it tells whether there is another page.
 * @throws InvalidCursorError
 */
export function orderedPageOf<T>(
  list: string,
  itemsAfter: (after: string | null) => Iterable<T>,
  keyOf: (item: T) => string,
  page: PageRequest,
): Page<T> {
  const items: T[] = [];
  for (const item of itemsAfter(page.cursor === null ? null : decode(list, page.cursor))) {
    const last = items.at(-1);
    if (items.length >= page.limit && last !== undefined) return { items, nextCursor: encode(list, keyOf(last)) };
    items.push(item);
  }
  return { items, nextCursor: null };
}

/** The `count` items with the least keys above `after`, by key. The others need no order: there may be very many. */
function leastOf<T>(items: Iterable<T>, keyOf: (item: T) => string, after: string | null, count: number): T[] {
  const least: { readonly key: string; readonly item: T }[] = [];
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
  return least.map(({ item }) => item);
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
