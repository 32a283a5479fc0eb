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
  const rest: T[] = [];
  for (const item of items) if (after === null || keyOf(item) > after) rest.push(item);
  rest.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const shown = rest.slice(0, page.limit);
  const last = shown.at(-1);
  const more = rest.length > shown.length && last !== undefined;
  return { items: shown, nextCursor: more ? encode(list, keyOf(last)) : null };
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
