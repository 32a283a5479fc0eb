/** What an edge tells of its own log: for diagnosis, never a promise. Lines may be lost, and nothing waits for them. */
import { z } from 'zod';
import { hex128Schema, slugSchema, wallMsSchema } from '../vocabulary.js';
import { wireLimits } from './limits.js';

export const logLineLevels = ['info', 'warn', 'error'] as const;
export type LogLineLevel = (typeof logLineLevels)[number];

export const lineNumberSchema = z
  .int()
  .min(1)
  .max(Number.MAX_SAFE_INTEGER)
  .describe('Counts 1, 2, 3 … in each instance. Lines whose numbers are missing were dropped.');

const text = z.string().max(wireLimits.maxTextChars);
const fieldName = z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,31}$/, 'must be 1 to 32 letters and digits, a letter first');

export const logFieldsSchema = z
  .record(fieldName, z.union([text, z.number(), z.boolean()]))
  .refine((fields) => Object.keys(fields).length <= wireLimits.maxLogFields, {
    message: `holds more than ${String(wireLimits.maxLogFields)} fields`,
  })
  .meta({
    description: 'What goes with the message. No plate, ticket, tag, password or key.',
    maxProperties: wireLimits.maxLogFields,
  });

export const logLineSchema = z.strictObject({
  number: lineNumberSchema,
  atMs: wallMsSchema,
  level: z.enum(logLineLevels),
  part: slugSchema.nullable().describe('The part of the agent that says it; null for the agent as a whole.'),
  gateId: slugSchema.nullable().describe('The gate it is about, if it is about one.'),
  message: text,
  fields: logFieldsSchema,
});
export type LogLine = z.infer<typeof logLineSchema>;

/** `log`, edge to centre: only after the centre asked this instance over this connection. */
export const logReportSchema = z
  .strictObject({
    instance: hex128Schema.describe('Of the agent that wrote the lines.'),
    lines: z.array(logLineSchema).max(wireLimits.maxLogLines).describe('With rising numbers.'),
    more: z.boolean().describe('There are lines after these that did not fit, and that follow by themselves.'),
  })
  .describe('Lines of the edge’s log, oldest first.');
export type LogReport = z.infer<typeof logReportSchema>;

/** `log-requests`, centre to edge. */
export const logRequestSchema = z
  .strictObject({
    instance: hex128Schema.describe('Drawn at each start of the agent; messages for another instance are ignored.'),
    after: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .describe('The number of the last line that the centre has of this instance; 0 for none.'),
    now: z
      .boolean()
      .describe(
        'Somebody waits: answer at once, also when there is nothing new. Otherwise tell when something is wrong.',
      ),
  })
  .describe('From here on, until the connection ends, the edge may send its log lines.');
export type LogRequest = z.infer<typeof logRequestSchema>;
