/** The event stream (`text/event-stream`) and health. */
import { z } from 'zod';
import { slugSchema } from '../vocabulary.js';
import { instantSchema, siteQueryShape } from './common.js';
import { credentialViewSchema } from './credential.js';

export const noticeKindNames = [
  'vehicle-arrived',
  'vehicle-admitted',
  'vehicle-denied',
  'vehicle-entered',
  'vehicle-left',
  'arrival-ended',
  'session-changed',
  'slot-changed',
  'count-corrected',
  'review-opened',
  'review-resolved',
  'layout-changed',
  'fault-raised',
  'fault-cleared',
  'mode-changed',
  'command-ended',
  'edge-changed',
  'events-gap',
  'allowance-changed',
] as const;

export const streamQuerySchema = z.strictObject(siteQueryShape);

/** The `data` of one message of the stream; its `id` is the notice’s number, its `event` the kind. */
export const noticeSchema = z
  .strictObject({
    noticeId: z.int().min(1),
    kind: z.enum(noticeKindNames),
    siteId: slugSchema,
    at: instantSchema,
    gateId: slugSchema.nullable(),
    sessionId: z.string().nullable(),
    slotId: slugSchema.nullable(),
    reviewId: z.string().nullable(),
    credential: credentialViewSchema.nullable().describe('Of the session, while it is inside.'),
    detail: z.string().nullable(),
  })
  .meta({
    id: 'Notice',
    description: 'One message of the stream.',
    examples: [
      {
        noticeId: 1041,
        kind: 'vehicle-entered',
        siteId: 'harbour',
        at: '2025-03-01T08:15:06.020Z',
        gateId: 'entry-1',
        sessionId: '0b8f2a6c44d14e7c9d2b7a6f5e3c1d00',
        slotId: 'a-1',
        reviewId: null,
        credential: { credentialId: '5f0c8d3be1a94c07b2d65e1f8a3c9047', kind: 'plate', value: 'A******E' },
        detail: null,
      },
    ],
  });
export type NoticeResource = z.infer<typeof noticeSchema>;

export const healthSchema = z
  .strictObject({ status: z.enum(['ok', 'failing']), problems: z.array(z.string()) })
  .meta({ id: 'Health', description: 'Whether the program works.', examples: [{ status: 'ok', problems: [] }] });
