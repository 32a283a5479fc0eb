/** Values that a JSON schema accepts, from chance, with a liking for the ends of every range. */
import type { Dice } from './dice.js';
import { textOf } from './pattern-text.js';

/** The members of JSON Schema 2020-12 that this project's schemas have. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
}

export interface ValueOptions {
  readonly dice: Dice;
  /** Finds what a `$ref` names. */
  readonly resolve: (reference: string) => JsonSchema;
  /** A value for a member of this name that means something where it goes, or undefined. */
  readonly named?: (member: string, schema: JsonSchema) => unknown;
  /** Items of a list at most, so that values stay small. */
  readonly maxItems?: number;
}

/** @throws Error for a schema that is not understood */
export function valueOf(schema: JsonSchema, options: ValueOptions): unknown {
  const { dice } = options;
  if (schema.$ref !== undefined) return valueOf(options.resolve(schema.$ref), options);
  if ('const' in schema) return schema.const;
  if (schema.enum !== undefined) return dice.oneOf(schema.enum);
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return valueOf(dice.oneOf(branches), options);
  if (schema.allOf?.length === 1) return valueOf(schema.allOf[0] ?? {}, options);
  const type = typeof schema.type === 'string' ? schema.type : dice.oneOf(schema.type ?? ['null']);
  switch (type) {
    case 'null':
      return null;
    case 'boolean':
      return dice.happens(0.5);
    case 'integer':
    case 'number':
      return numberOf(schema, type === 'integer', dice);
    case 'string':
      return stringOf(schema, dice);
    case 'array':
      return arrayOf(schema, options);
    case 'object':
      return objectOf(schema, options);
    default:
      throw new Error(`no values for the schema ${JSON.stringify(schema)}`);
  }
}

function numberOf(schema: JsonSchema, whole: boolean, dice: Dice): number {
  const least = schema.minimum ?? (schema.exclusiveMinimum === undefined ? -1e6 : schema.exclusiveMinimum + 1);
  const most = schema.maximum ?? (schema.exclusiveMaximum === undefined ? 1e6 : schema.exclusiveMaximum - 1);
  if (dice.happens(0.2)) return dice.happens(0.5) ? least : most;
  // Mostly small: what counts is rarely near the end of what can be counted.
  const span = dice.happens(0.7) ? Math.min(most - least, 1_000) : most - least;
  const value = least + dice.random.next() * span;
  return whole ? Math.min(most, Math.floor(value)) : value;
}

const words = ['a', 'north', 'Bay 12', 'x y', 'Ä', '中', "O'Neil", '-', '0', '<b>', '%s', 'null'];

function stringOf(schema: JsonSchema, dice: Dice): string {
  if (schema.format === 'date-time') return dateTime(dice);
  if (schema.pattern !== undefined) return textOf(schema.pattern, dice);
  const least = schema.minLength ?? 0;
  const most = schema.maxLength ?? 60;
  const length = dice.happens(0.1) ? dice.oneOf([least, most]) : dice.between(least, Math.min(most, least + 20));
  let text = '';
  while (text.length < length) text += dice.oneOf(words);
  // Cut by code units, as lengths are counted; never through a pair.
  const cut = text.slice(0, length);
  return cut.isWellFormed() ? cut : 'x'.repeat(length);
}

function dateTime(dice: Dice): string {
  const ms = dice.happens(0.7)
    ? Date.UTC(2025, 0, 1) + dice.below(2 * 365) * 86_400_000 + dice.below(86_400_000)
    : dice.oneOf([0, 1, Date.UTC(1999, 11, 31, 23, 59, 59, 999), Date.UTC(2024, 1, 29), 253_402_300_799_999]);
  const text = new Date(ms).toISOString();
  return dice.happens(0.2) ? text.replace(/\.\d+Z$/, 'Z') : text;
}

function arrayOf(schema: JsonSchema, options: ValueOptions): unknown[] {
  const { dice } = options;
  const least = schema.minItems ?? 0;
  const most = Math.min(schema.maxItems ?? 8, Math.max(least, options.maxItems ?? 6));
  const length = dice.between(least, Math.max(least, dice.happens(0.9) ? Math.min(most, least + 2) : most));
  return Array.from({ length }, () => valueOf(schema.items ?? { type: 'null' }, options));
}

function objectOf(schema: JsonSchema, options: ValueOptions): Record<string, unknown> {
  const { dice, named } = options;
  const required = new Set(schema.required ?? []);
  const value: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    if (!required.has(name) && dice.happens(0.5)) continue;
    const meant = named?.(name, member);
    value[name] = meant === undefined ? valueOf(member, options) : meant;
  }
  return value;
}
