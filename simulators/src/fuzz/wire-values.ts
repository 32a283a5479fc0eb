/** Messages of each channel from the schemas of the wire. */
import { Buffer } from 'node:buffer';
import { z } from 'zod';
import {
  ackSchema,
  allowanceSchema,
  commandSchema,
  decisionSchema,
  edgeEventSchema,
  eventBatchSchema,
  logReportSchema,
  logRequestSchema,
  stateSchema,
} from '@gatehouse/shared';
import type { Dice } from './dice.js';
import { hostileDocument } from './hostile.js';
import { mutated } from './mutate.js';
import { valueOf } from './schema-values.js';
import type { JsonSchema } from './schema-values.js';

const schemas = {
  state: stateSchema,
  events: eventBatchSchema,
  event: edgeEventSchema,
  acks: ackSchema,
  decisions: decisionSchema,
  commands: commandSchema,
  allowance: allowanceSchema,
  log: logReportSchema,
  'log-requests': logRequestSchema,
} as const;
export type WireShape = keyof typeof schemas;

const jsonSchemas = Object.fromEntries(
  Object.entries(schemas).map(([name, schema]) => [name, z.toJSONSchema(schema, { io: 'input' }) as JsonSchema]),
) as Record<WireShape, JsonSchema>;

/** Values of members that mean something to the receiver. */
export type Meaning = Readonly<Record<string, (dice: Dice) => unknown>>;

/** A value that the schema takes. */
export function wireValue(shape: WireShape, dice: Dice, meaning: Meaning = {}): Record<string, unknown> {
  return valueOf(jsonSchemas[shape], {
    dice,
    resolve: (reference) => {
      throw new Error(`${shape}: no definition ${reference}`);
    },
    named: (member) => meaning[member]?.(dice),
  }) as Record<string, unknown>;
}

export type Intent = 'valid' | 'nearly' | 'hostile';

/** One in ten is meant to be valid, as there are many more ways of being wrong. */
export function intentOf(dice: Dice): Intent {
  return dice.happens(0.3) ? 'valid' : dice.happens(0.55) ? 'nearly' : 'hostile';
}

/** The payload limit of the broker is a little above what is taken; more would end the connection. */
const maxFuzzedBytes = 133_000;

/** `value` as it is, with something wrong with it, or as bytes that are no document. */
export function payloadOf(value: unknown, intent: Intent, dice: Dice): Buffer {
  if (intent === 'valid') return Buffer.from(JSON.stringify(value));
  if (intent === 'nearly') return bounded(Buffer.from(JSON.stringify(mutated(value, dice))));
  return bounded(hostileDocument(JSON.stringify(value), dice, maxFuzzedBytes));
}

function bounded(payload: Buffer): Buffer {
  return payload.subarray(0, maxFuzzedBytes);
}
