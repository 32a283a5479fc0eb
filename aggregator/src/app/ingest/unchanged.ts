/** What an edge tells again and again, kept once. */

/**
 * `now`, with every part that is as it was taken from `before`; `before` itself when nothing changed. Thousands of edges tell every ten
 * seconds what hardly changes: the copies would each live just long enough to be expensive to collect. `now` is changed.
 */
export function withUnchangedParts<T>(before: T | null, now: T): T {
  return merged(before, now) as T;
}

function merged(before: unknown, now: unknown): unknown {
  if (before === now) return before;
  if (!isObject(before) || !isObject(now) || Array.isArray(before) !== Array.isArray(now)) return now;
  const members = Object.keys(now);
  let isSame = Object.keys(before).length === members.length;
  for (const member of members) {
    const kept = Object.hasOwn(before, member) ? merged(before[member], now[member]) : now[member];
    if (!Object.hasOwn(before, member) || kept !== before[member]) isSame = false;
    now[member] = kept;
  }
  return isSame ? before : now;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
