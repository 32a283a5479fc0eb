/**
 * Canonical JSON as RFC 8785 (JSON Canonicalization Scheme) defines it: members sorted by UTF-16 code units, no white space,
 * numbers and strings as ECMAScript's `JSON.stringify` writes them. Two programs in any language get the same bytes.
 */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The depth of nesting that is accepted; deeper values are refused rather than exhausting the stack. */
export const maxJsonDepth = 16;

export class NotCanonicalError extends Error {
  override readonly name = 'NotCanonicalError';
}

/**
 * The canonical text of a JSON value. Members whose value is `undefined` are left out, as JSON does.
 * @throws NotCanonicalError for anything JSON cannot carry: non-finite numbers, lone surrogates, functions, depth over the bound.
 */
export function canonicalJson(value: unknown): string {
  return isInOrder(value, 0) ? JSON.stringify(value) : write(value, 0);
}

/**
 * Whether `JSON.stringify` writes it in canonical form by itself: JSON and nothing else, its members in order. What was read from
 * canonical text is, and most of what is asked about was.
 */
function isInOrder(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed();
    case 'number':
      return Number.isFinite(value);
    case 'boolean':
      return true;
    case 'object':
      if (value === null) return true;
      if (depth >= maxJsonDepth) return false;
      return Array.isArray(value) ? isListInOrder(value, depth) : areMembersInOrder(value, depth);
    default:
      return false;
  }
}

function isListInOrder(list: readonly unknown[], depth: number): boolean {
  for (const item of list) if (!isInOrder(item, depth + 1)) return false;
  return true;
}

function areMembersInOrder(object: object, depth: number): boolean {
  // Others may have a form of their own for JSON.stringify.
  if (Object.getPrototypeOf(object) !== Object.prototype) return false;
  let before = '';
  // Members of the prototype, if somebody gave it some, are out of order or are written by the other way.
  for (const key in object) {
    if (!Object.hasOwn(object, key)) return false;
    // `<` compares by UTF-16 code units, as RFC 8785 asks.
    if (key < before || !key.isWellFormed()) return false;
    if (!isInOrder((object as Record<string, unknown>)[key], depth + 1)) return false;
    before = key;
  }
  return true;
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw new NotCanonicalError('a string holds a lone surrogate');
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new NotCanonicalError(`${String(value)} is not a JSON number`);
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object': {
      if (value === null) return 'null';
      if (depth >= maxJsonDepth) throw new NotCanonicalError(`nested deeper than ${String(maxJsonDepth)}`);
      if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(',')}]`;
      return writeObject(value as Record<string, unknown>, depth);
    }
    default:
      throw new NotCanonicalError(`a ${typeof value} is not JSON`);
  }
}

function writeObject(object: Record<string, unknown>, depth: number): string {
  let text = '';
  // The default order of `sort` is by UTF-16 code units, which is the one RFC 8785 asks for.
  for (const key of Object.keys(object).sort()) {
    const member = object[key];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${write(key, depth)}:${write(member, depth + 1)}`;
  }
  return `{${text}}`;
}
