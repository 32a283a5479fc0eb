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
  return write(value, 0);
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
