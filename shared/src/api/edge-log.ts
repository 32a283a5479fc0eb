/** What is wrong with an edge, seen from the office: its present faults and the last lines of its log. */
import { z } from 'zod';
import { faultNameSchema } from '../faults.js';
import { slugSchema } from '../vocabulary.js';
import { lineNumberSchema, logFieldsSchema, logLineLevels } from '../wire/log.js';
import { idSchema, instantSchema, pageQueryShape, pageSchema } from './common.js';

export const edgeLogQuerySchema = z.strictObject({
  level: z.enum(logLineLevels).default('info').describe('Only lines of this severity or above.'),
  ...pageQueryShape,
});

export const edgeLogLineSchema = z
  .strictObject({
    at: instantSchema.describe('When it was written, by the clock of the edge, which may be wrong.'),
    receivedAt: instantSchema.describe('When the aggregator got it.'),
    instance: idSchema.describe('Another one means that the agent was started anew.'),
    number: lineNumberSchema,
    level: z.enum(logLineLevels),
    part: slugSchema.nullable(),
    gateId: slugSchema.nullable(),
    message: z.string(),
    fields: logFieldsSchema,
  })
  .meta({
    id: 'EdgeLogLine',
    description: 'One line of the log of an edge.',
    examples: [
      {
        at: '2025-03-01T08:15:00.000Z',
        receivedAt: '2025-03-01T08:15:01.040Z',
        instance: 'c41e9b7a2f6d4d0fb1a5830c6e927d14',
        number: 17,
        level: 'warn',
        part: null,
        gateId: 'entry-1',
        message: 'a fault was raised',
        fields: { fault: 'barrier-stuck', detail: 'did not reach the open limit' },
      },
    ],
  });
export type EdgeLogLine = z.infer<typeof edgeLogLineSchema>;

export const edgeLogSchema = pageSchema('EdgeLogList', edgeLogLineSchema, 'Log lines, newest first.')
  .extend({
    upToDate: z
      .boolean()
      .describe('The edge was asked for this answer and gave all it had. If not, it may have newer lines.'),
  })
  .meta({
    id: 'EdgeLog',
    description: 'The last log lines of an edge, newest first.',
    examples: [{ items: [], nextCursor: null, upToDate: true }],
  });

export const edgeFaultSchema = z
  .strictObject({
    gateId: slugSchema.nullable().describe('null for the edge as a whole.'),
    fault: faultNameSchema,
    severity: z.enum(['page', 'ticket']).describe('`page` wants somebody now, `ticket` in working hours.'),
    meaning: z.string(),
    since: instantSchema.nullable().describe('null while the event that raised it is not stored, or no longer.'),
    detail: z.string().nullable().describe('What a technician should look at, if the edge said so.'),
  })
  .meta({
    id: 'EdgeFault',
    description: 'Something that is wrong at an edge or one of its gates.',
    examples: [
      {
        gateId: 'entry-1',
        fault: 'barrier-stuck',
        severity: 'page',
        meaning: 'The arm did not reach its limit within the travel time.',
        since: '2025-03-01T08:15:00.000Z',
        detail: 'did not reach the open limit',
      },
    ],
  });
export type EdgeFaultResource = z.infer<typeof edgeFaultSchema>;
export const edgeFaultListSchema = pageSchema('EdgeFaultList', edgeFaultSchema, 'Faults, as the edge last reported.');
