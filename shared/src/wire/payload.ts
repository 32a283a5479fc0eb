/** Parsing at the border: bytes of a payload to a typed message, or a reason a person can read. */
import type { z } from 'zod';
import { maxJsonDepth } from '../canonical-json.js';
import { wireLimits } from './limits.js';

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

// A web standard that every JavaScript platform has; declared here because this package names no platform's types.
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes, parses and validates a payload.
 * Refuses: more than `maxPayloadBytes`, bytes that are not UTF-8, malformed JSON, nesting beyond `maxJsonDepth`, a member named
 * `__proto__`, and what the schema refuses; the error names the member and the rule.
 */
export function parsePayload<T>(schema: z.ZodType<T>, payload: Uint8Array): Parsed<T> {
  const json = parseJson(payload);
  return json.ok ? parseValue(schema, json.value) : json;
}

/** The first half of `parsePayload`: everything but the schema. */
export function parseJson(payload: Uint8Array): Parsed<unknown> {
  if (payload.byteLength > wireLimits.maxPayloadBytes) {
    return {
      ok: false,
      error: `payload: ${String(payload.byteLength)} bytes; at most ${String(wireLimits.maxPayloadBytes)} are taken`,
    };
  }
  let text: string;
  try {
    text = utf8.decode(payload);
  } catch {
    return { ok: false, error: 'payload: is not UTF-8' };
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return {
      ok: false,
      error: `payload: is not JSON (${error instanceof Error ? scrub(error.message) : 'unreadable'})`,
    };
  }
  const unsafe = findUnsafe(json, 0);
  return unsafe === undefined ? { ok: true, value: json } : { ok: false, error: `payload: ${unsafe}` };
}

/** Validates a value that is already parsed. */
export function parseValue<T>(schema: z.ZodType<T>, value: unknown): Parsed<T> {
  let result: z.ZodSafeParseResult<T>;
  try {
    result = schema.safeParse(value);
  } catch {
    // The validator asks for the `length` of what is no text, and stumbles over what it may find there.
    return { ok: false, error: 'value: cannot be validated' };
  }
  return result.success ? { ok: true, value: result.data } : { ok: false, error: describeIssues(result.error) };
}

/** The issues of a validation, each as `path: rule`, at most five of them. */
export function describeIssues(error: z.ZodError): string {
  const shown = error.issues.slice(0, 5).map((issue) => `${pathOf(issue.path)}: ${issue.message}`);
  const more = error.issues.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${String(more)} more` : '');
}

function pathOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'value';
  return path
    .map((part, index) => (typeof part === 'number' ? `[${String(part)}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

/** V8 quotes the text around a syntax error, which may hold a plate: keep only the position. */
function scrub(message: string): string {
  return /position \d+/.exec(message)?.[0] ?? 'malformed';
}

function findUnsafe(value: unknown, depth: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= maxJsonDepth) return `is nested deeper than ${String(maxJsonDepth)}`;
  // The names of the members of a list say nothing, and would have to be made.
  if (Array.isArray(value)) return firstUnsafe(value, depth + 1);
  for (const key in value) {
    if (key === '__proto__') return 'has a member named __proto__';
    const found = findUnsafe((value as Record<string, unknown>)[key], depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function firstUnsafe(list: readonly unknown[], depth: number): string | undefined {
  for (const item of list) {
    const found = findUnsafe(item, depth);
    if (found !== undefined) return found;
  }
  return undefined;
}
