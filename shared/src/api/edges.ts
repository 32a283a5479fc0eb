/** Edge agents: registering, enrolling, revoking, and what they reported. */
import { z } from 'zod';
import { faultNameSchema } from '../faults.js';
import { slugSchema } from '../vocabulary.js';
import { instantSchema, pageQueryShape, pageSchema, siteQueryShape } from './common.js';

export const edgeParamsSchema = z.strictObject({ edgeId: slugSchema.describe('The edge.') });
export const edgeListQuerySchema = z.strictObject({ ...siteQueryShape, ...pageQueryShape });

const edgeExample = {
  edgeId: 'harbour-north',
  siteId: 'harbour',
  name: 'North cabinet',
  registeredAt: '2025-03-01T08:00:00.000Z',
  enrolledAt: '2025-03-01T08:05:00.000Z',
  revokedAt: null,
  enrolmentExpiresAt: null,
  online: true,
  lastSeenAt: '2025-03-01T08:15:00.000Z',
  softwareVersion: '0.1.0',
  outboxEvents: 0,
  clockOffsetSeconds: 0.012,
  faults: [],
  allowance: { version: 4, settled: true, mustReport: false, held: 12, inSet: 12, frozen: 0 },
};

const edgeAllowanceSchema = z
  .strictObject({
    version: z.int().min(0).describe('Of the set that was made last; 0 when none was made.'),
    settled: z.boolean().describe('It has accepted that set.'),
    mustReport: z.boolean().describe('What it holds is being found out: it gets nothing before it has told.'),
    held: z.int().min(0).describe('Slots that are set aside for it.'),
    inSet: z.int().min(0).describe('Of these, the ones in the set; the others were taken out and have not come back.'),
    frozen: z.int().min(0).describe('Of these, the ones that only an operator may release.'),
  })
  .describe('Slots that it may give out by itself.');

export const edgeSchema = z
  .strictObject({
    edgeId: slugSchema,
    siteId: slugSchema,
    name: z.string(),
    registeredAt: instantSchema,
    enrolledAt: instantSchema.nullable(),
    revokedAt: instantSchema.nullable(),
    enrolmentExpiresAt: instantSchema
      .nullable()
      .describe('Until when a code may be redeemed; null when there is none.'),
    online: z.boolean(),
    lastSeenAt: instantSchema.nullable(),
    softwareVersion: z.string().nullable(),
    outboxEvents: z
      .int()
      .min(0)
      .nullable()
      .describe('Events it has committed and the aggregator has not; null until it reports.'),
    clockOffsetSeconds: z.number().nullable().describe('Its clock minus ours.'),
    faults: z.array(faultNameSchema).describe('Faults of the whole edge.'),
    allowance: edgeAllowanceSchema,
  })
  .meta({ id: 'Edge', description: 'One edge agent.', examples: [edgeExample] });
export type EdgeResource = z.infer<typeof edgeSchema>;
export const edgeListSchema = pageSchema('EdgeList', edgeSchema, 'Edges by id.');

export const edgeRegisterRequestSchema = z
  .strictObject({ edgeId: slugSchema, siteId: slugSchema, name: z.string().trim().min(1).max(80) })
  .meta({
    id: 'EdgeRegisterRequest',
    description: 'An edge agent to be installed.',
    examples: [{ edgeId: 'harbour-north', siteId: 'harbour', name: 'North cabinet' }],
  });

export const edgeEnrolmentSchema = z
  .strictObject({
    edge: edgeSchema,
    enrolmentCode: z
      .string()
      .nullable()
      .describe(
        'Shown this once: redeem it with `edge enroll CODE`. null when a request is repeated by its Idempotency-Key.',
      ),
    expiresAt: instantSchema,
  })
  .meta({
    id: 'EdgeEnrolment',
    description: 'A one-time code for an edge.',
    examples: [
      {
        edge: {
          ...edgeExample,
          enrolledAt: null,
          online: false,
          lastSeenAt: null,
          softwareVersion: null,
          outboxEvents: null,
          clockOffsetSeconds: null,
          enrolmentExpiresAt: '2025-03-02T08:00:00.000Z',
        },
        enrolmentCode: 'K7QD-2MNX-9TRV-4HWP',
        expiresAt: '2025-03-02T08:00:00.000Z',
      },
    ],
  });

export const enrolmentRequestSchema = z
  .strictObject({ code: z.string().min(1).max(64) })
  .meta({ id: 'EnrolmentRequest', description: 'A one-time code.', examples: [{ code: 'K7QD-2MNX-9TRV-4HWP' }] });

export const enrolmentSchema = z
  .strictObject({
    siteId: slugSchema,
    edgeId: slugSchema,
    username: z.string(),
    password: z.string().describe('Shown this once; keep it in a file that only the agent can read.'),
    mqttUrl: z.string(),
  })
  .meta({
    id: 'Enrolment',
    description: 'What an edge needs to connect.',
    examples: [
      {
        siteId: 'harbour',
        edgeId: 'harbour-north',
        username: 'harbour-north',
        password: '6d1f0c9be2a7…',
        mqttUrl: 'mqtt://gatehouse.example.net:1883',
      },
    ],
  });
export type EnrolmentResource = z.infer<typeof enrolmentSchema>;

export const holdingsReleaseSchema = z
  .strictObject({
    edgeId: slugSchema,
    releasedSlotIds: z.array(slugSchema).describe('Slots that it held or had reserved, and that are free now.'),
    wasOnline: z
      .boolean()
      .describe('It was connected: what it gives out before it hears of the release may be given to two vehicles.'),
  })
  .meta({
    id: 'HoldingsRelease',
    description: 'Slots that came back.',
    examples: [{ edgeId: 'harbour-north', releasedSlotIds: ['a-7'], wasOnline: false }],
  });
