/** What is taken without asking the schema is what the schema would have taken, unchanged; everything else it is asked about. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  acceptorOf,
  ackSchema,
  commandSchema,
  createQuickParser,
  decisionSchema,
  edgeEventSchema,
  eventBatchSchema,
  futureEventSchema,
  parseValue,
} from '../src/index.js';

const fixtures = join(import.meta.dirname, '..', 'fixtures');

function samplesOf(kind: 'valid' | 'invalid', channel: string): unknown[] {
  const folder = join(fixtures, kind, channel);
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.flatMap((name) => {
    try {
      return [JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown];
    } catch {
      // Some of the invalid ones are no JSON at all.
      return [];
    }
  });
}

interface Batch {
  events: { kind: string }[];
}
const batches = samplesOf('valid', 'events') as Batch[];
const isKnown = (event: { kind: string }): boolean => edgeEventSchema.safeParse(event).success;
const events = batches.flatMap((batch) => batch.events);

const subjects: readonly { name: string; schema: z.ZodType; samples: readonly unknown[] }[] = [
  { name: 'an event', schema: edgeEventSchema, samples: events.filter(isKnown) },
  { name: 'a batch', schema: eventBatchSchema, samples: batches },
  { name: 'an acknowledgement', schema: ackSchema, samples: samplesOf('valid', 'acks') },
  { name: 'a decision', schema: decisionSchema, samples: samplesOf('valid', 'decisions') },
  { name: 'a command', schema: commandSchema, samples: samplesOf('valid', 'commands') },
];

type Node = Record<string, unknown> | unknown[];

function nodesOf(value: unknown): Node[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value as Node, ...Object.values(value).flatMap(nodesOf)];
}

/** One part of it is left out, added, or made something else. */
function changed(sample: unknown, at: number, member: number, how: number, other: unknown): unknown {
  const copy = structuredClone(sample);
  const nodes = nodesOf(copy);
  const node = nodes[at % nodes.length] as Record<string, unknown>;
  const names = Object.keys(node);
  const name = names[member % Math.max(1, names.length)] ?? 'x';
  if (how === 0) Reflect.deleteProperty(node, name);
  else if (how === 1) node[Array.isArray(node) ? node.length : 'extra'] = other;
  else if (how === 2) node[name] = near(node[name], other);
  else node[name] = other;
  return copy;
}

/** A value of the same type, just beside. */
function near(value: unknown, other: unknown): unknown {
  if (typeof value === 'number') return typeof other === 'number' ? value + other : -value;
  if (typeof value === 'string') return typeof other === 'string' ? value + other : value.toUpperCase();
  return Array.isArray(value) ? [...(value as unknown[]), ...(value as unknown[])] : [value];
}

const replacements = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    0,
    -0,
    -1,
    0.5,
    2 ** 53,
    2 ** 53 - 1,
    253_402_300_799_999,
    253_402_300_800_000,
    '',
    'entry',
    'plate',
  ),
  fc.constantFrom<unknown>(
    true,
    [],
    {},
    [1],
    'a'.repeat(63),
    'a'.repeat(64),
    '0'.repeat(32),
    'ä',
    '\n',
    'vehicle-passed',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

describe.each(subjects)('$name', ({ schema, samples }) => {
  const accepts = acceptorOf(schema);
  const parse = createQuickParser(schema);

  it('that is right is taken as it stands, without a copy', () => {
    expect(samples.length).toBeGreaterThan(0);
    for (const sample of samples) {
      expect(accepts(sample)).toBe(true);
      const parsed = parse(sample);
      expect(parsed.ok && parsed.value === sample).toBe(true);
    }
  });

  it('is judged as the schema judges it, however it was changed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.nat(200),
        fc.nat(40),
        fc.nat(3),
        replacements,
        (sample, at, member, how, other) => {
          const value = JSON.parse(JSON.stringify(changed(sample, at, member, how, other))) as unknown;
          const judged = parseValue(schema, value);
          expect(parse(value)).toEqual(judged);
          // Equal in every member, too: nothing that the schema would have left out stays.
          if (accepts(value)) expect(judged).toEqual({ ok: true, value });
        },
      ),
      { numRuns: 400 },
    );
  });
});

it('every kind of event has its way past the schema', () => {
  const kinds = new Set(events.filter((event) => acceptorOf(edgeEventSchema)(event)).map(({ kind }) => kind));
  const known = edgeEventSchema.options.map((option) => option.shape.kind.value);
  expect([...kinds].sort()).toEqual([...known].sort());
});

it('what is known to be invalid is refused with the words of the schema', () => {
  const parse = createQuickParser(eventBatchSchema);
  for (const sample of samplesOf('invalid', 'events'))
    expect(parse(sample)).toEqual(parseValue(eventBatchSchema, sample));
});

it.each<[string, z.ZodType, readonly unknown[], readonly unknown[]]>([
  ['a whole number', z.int().min(1).max(3), [1, 3], [0, 4, 1.5, '1', null, 2 ** 53, NaN]],
  ['a number', z.number().min(0).max(1), [0, -0, 0.5, 1], [-0.001, 1.001, '0', NaN, Infinity]],
  ['any number', z.number(), [-1e300], [NaN, Infinity, -Infinity]],
  ['any whole number', z.int(), [2 ** 53 - 1, 1 - 2 ** 53], [2 ** 53, -(2 ** 53), 0.1]],
  ['a text', z.string().min(1).max(2), ['a', '😀'], ['', 'abc', 1, ['a']]],
  ['a list', z.array(z.boolean()).min(1).max(2), [[true], [true, false]], [[], [true, true, true], [1], { 0: true }]],
  ['a choice', z.enum(['a', 'b']).nullable(), ['a', null], ['c', undefined, 0]],
  [
    'a member that may be missing',
    z.strictObject({ a: z.literal(1).optional() }),
    [{}, { a: 1 }],
    [{ a: 2 }, [], null],
  ],
])('%s is taken within its bounds, and the schema asked beyond them', (_name, schema, within, beyond) => {
  const accepts = acceptorOf(schema);
  for (const value of within) {
    expect(accepts(value)).toBe(true);
    expect(parseValue(schema, value)).toEqual({ ok: true, value });
  }
  for (const value of beyond) {
    expect(accepts(value)).toBe(false);
    expect(parseValue(schema, value).ok).toBe(false);
  }
});

describe('a schema with rules that are not known', () => {
  it.each<[string, z.ZodType, unknown]>([
    ['a refinement', futureEventSchema, events.find((event) => !isKnown(event))],
    ['a refined text', z.string().refine((text) => text !== 'a'), 'a'],
    ['a change of the text', z.string().trim(), ' a'],
    ['a transformation', z.string().transform((text) => text.length), 'a'],
    ['a value that stands for a missing one', z.strictObject({ a: z.string().default('b') }), {}],
    ['a conversion', z.coerce.number(), 1],
    ['members that are left out', z.object({ a: z.string() }), { a: 'a', b: 1 }],
    ['a format', z.email(), 'a'],
    ['an exclusive bound', z.number().gt(1), 1],
    ['a pattern that remembers', z.string().regex(/a/g), 'a'],
    ['a catch-all with a type', z.object({}).catchall(z.number()), { a: 'a' }],
    ['alternatives without a mark', z.union([z.string(), z.number()]), 1],
  ])('is always asked: %s', (_name, schema, value) => {
    expect(acceptorOf(schema)(value)).toBe(false);
    expect(createQuickParser(schema)(value)).toEqual(parseValue(schema, value));
  });

  it('is asked about members that only a prototype has', () => {
    const schema = z.strictObject({ a: z.number(), b: z.number().optional() });
    const accepts = acceptorOf(schema);
    expect(accepts({ a: 1 })).toBe(true);
    expect(accepts(Object.create({ b: 2 }, { a: { value: 1, enumerable: true } }))).toBe(true);
    expect(accepts(Object.create({ c: 2 }, { a: { value: 1, enumerable: true } }))).toBe(false);
  });

  it('is asked about a member named __proto__, which it would leave out', () => {
    const schema = z.looseObject({ a: z.number() });
    expect(acceptorOf(schema)({ a: 1, c: 2 })).toBe(true);
    expect(acceptorOf(schema)(JSON.parse('{"a":1,"__proto__":{}}'))).toBe(false);
  });
});
