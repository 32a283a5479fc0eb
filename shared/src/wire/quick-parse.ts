/**
 * Validation of what comes thousands of times a second and is nearly always right: a look at the value instead of a copy of it. The
 * rules are read out of the schema, so that they are stated once; whatever is not plainly right is the schema's to judge.
 */
import type { z } from 'zod';
import type { Parsed } from './payload.js';
import { parseValue } from './payload.js';

/** True: the schema takes the value and would change nothing of it. False says nothing: ask the schema. */
export type Acceptor = (value: unknown) => boolean;

/** `parseValue` for JSON: what it takes is the value itself, its members in the order in which they came. */
export function createQuickParser<T>(schema: z.ZodType<T>): (value: unknown) => Parsed<T> {
  const accepts = acceptorOf(schema);
  return (value) => (accepts(value) ? { ok: true, value: value as T } : parseValue(schema, value));
}

/** Of a schema with rules that are not known here, one that accepts nothing. */
export function acceptorOf(schema: z.core.$ZodType): Acceptor {
  return knownAcceptorOf(schema) ?? never;
}

const never: Acceptor = () => false;

function knownAcceptorOf(schema: z.core.$ZodType): Acceptor | null {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'string':
      return def.coerce === true || 'format' in def ? null : textAcceptor(checksOf(def));
    case 'number':
      return def.coerce === true ? null : numberAcceptor(def);
    case 'boolean':
      return def.coerce === true || hasChecks(def) ? null : (value) => typeof value === 'boolean';
    case 'enum':
      return hasChecks(def) || !Object.values(def.entries).every(isText) ? null : oneOf(Object.values(def.entries));
    case 'literal':
      return hasChecks(def) ? null : oneOf(def.values);
    case 'nullable':
      return hasChecks(def) ? null : orElse(null, knownAcceptorOf(def.innerType));
    case 'optional':
      return hasChecks(def) ? null : orElse(undefined, knownAcceptorOf(def.innerType));
    case 'array':
      return listAcceptor(checksOf(def), knownAcceptorOf(def.element));
    case 'object':
      return hasChecks(def) ? null : objectAcceptor(def);
    case 'union':
      return hasChecks(def) ? null : unionAcceptor(def);
    default:
      return null;
  }
}

type Check = z.core.$ZodChecks['_zod']['def'];

function checksOf(def: z.core.$ZodTypeDef): Check[] {
  return (def.checks ?? []).map((check) => (check as z.core.$ZodChecks)._zod.def);
}

function hasChecks(def: z.core.$ZodTypeDef): boolean {
  return (def.checks ?? []).length > 0;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function oneOf(values: readonly unknown[]): Acceptor {
  const known = new Set(values);
  return (value) => known.has(value);
}

function orElse(other: null | undefined, inner: Acceptor | null): Acceptor | null {
  return inner === null ? null : (value) => value === other || inner(value);
}

function textAcceptor(checks: readonly Check[]): Acceptor | null {
  let minChars = 0;
  let maxChars = Infinity;
  const patterns: RegExp[] = [];
  for (const check of checks) {
    if (check.check === 'min_length') minChars = Math.max(minChars, check.minimum);
    else if (check.check === 'max_length') maxChars = Math.min(maxChars, check.maximum);
    else if (check.check === 'string_format' && check.format === 'regex' && isStateless(check.pattern))
      patterns.push(check.pattern);
    else return null;
  }
  return (value) => {
    if (typeof value !== 'string' || value.length < minChars || value.length > maxChars) return false;
    for (const pattern of patterns) if (!pattern.test(value)) return false;
    return true;
  };
}

/** One that is global or sticky would go on where it stopped. */
function isStateless(pattern: RegExp | undefined): pattern is RegExp {
  return pattern !== undefined && !pattern.global && !pattern.sticky;
}

function numberAcceptor(def: z.core.$ZodNumberDef): Acceptor | null {
  const { format } = def as Partial<z.core.$ZodNumberFormatDef>;
  if (format !== undefined && format !== 'safeint') return null;
  const isKind = format === undefined ? Number.isFinite : Number.isSafeInteger;
  let min = -Infinity;
  let max = Infinity;
  for (const check of checksOf(def)) {
    if (check.check === 'greater_than' && check.inclusive) min = Math.max(min, Number(check.value));
    else if (check.check === 'less_than' && check.inclusive) max = Math.min(max, Number(check.value));
    else return null;
  }
  return (value) => isKind(value) && (value as number) >= min && (value as number) <= max;
}

function listAcceptor(checks: readonly Check[], element: Acceptor | null): Acceptor | null {
  if (element === null) return null;
  let min = 0;
  let max = Infinity;
  for (const check of checks) {
    if (check.check === 'min_length') min = Math.max(min, check.minimum);
    else if (check.check === 'max_length') max = Math.min(max, check.maximum);
    else return null;
  }
  return (value) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) return false;
    for (const item of value) if (!element(item)) return false;
    return true;
  };
}

/** Of one that refuses other members, or takes any. */
function objectAcceptor(def: z.core.$ZodObjectDef): Acceptor | null {
  const others = def.catchall?._zod.def.type;
  if (others !== 'never' && others !== 'unknown') return null;
  const members: { readonly name: string; readonly accepts: Acceptor }[] = [];
  for (const [name, schema] of Object.entries(def.shape)) {
    const accepts = knownAcceptorOf(schema);
    if (accepts === null || name in Object.prototype) return null;
    members.push({ name, accepts });
  }
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    let present = 0;
    for (const { name, accepts } of members) {
      const member = (value as Record<string, unknown>)[name];
      if (!accepts(member)) return false;
      if (member !== undefined) present += 1;
    }
    // A copy would lack that one.
    return others === 'never' ? countMembers(value) === present : !Object.hasOwn(value, '__proto__');
  };
}

/** Those of its prototype too: whoever has some is not plain. */
function countMembers(value: object): number {
  let count = 0;
  for (const _name in value) count += 1;
  return count;
}

/** Of one whose parts are told apart by one member. */
function unionAcceptor(def: z.core.$ZodUnionDef): Acceptor | null {
  const { discriminator } = def as Partial<z.core.$ZodDiscriminatedUnionDef>;
  if (discriminator === undefined) return null;
  const byName = new Map<unknown, Acceptor>();
  for (const option of def.options) {
    const accepts = knownAcceptorOf(option);
    const values = option._zod.propValues?.[discriminator];
    // Part of it is better than nothing: what it does not know is asked of the schema.
    for (const name of values ?? []) byName.set(name, accepts ?? never);
  }
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    (byName.get((value as Record<string, unknown>)[discriminator]) ?? never)(value);
}
