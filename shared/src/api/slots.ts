/** Slots and what operators do with them. */
import { z } from 'zod';
import { slotClassSchema, slugSchema } from '../vocabulary.js';
import { idSchema, pageQueryShape, pageSchema, queryBooleanSchema, reasonSchema } from './common.js';
import { credentialRequestSchema } from './credential.js';

export const slotStates = ['free', 'reserved', 'occupied', 'held'] as const;
export const slotStateSchema = z.enum(slotStates);

export const slotParamsSchema = z.strictObject({
  siteId: slugSchema.describe('The site.'),
  slotId: slugSchema.describe('The slot.'),
});

export const slotSchema = z
  .strictObject({
    siteId: slugSchema,
    slotId: slugSchema,
    zoneId: slugSchema,
    label: z.string(),
    slotClass: slotClassSchema,
    state: slotStateSchema,
    sessionId: z.string().nullable().describe('The session in it, or the one it is reserved for.'),
    heldBy: slugSchema.nullable().describe('The edge it is set aside for.'),
    confirmed: z.boolean().describe('False: occupied, but nobody knows whether the vehicle came in.'),
    frozen: z.boolean().describe('Given out under an outbox that was replaced: only a forced release frees it.'),
    outOfService: z.string().nullable().describe('Why it is out of service.'),
    recall: z
      .strictObject({ kind: z.enum(['remove', 'out-of-service', 'assign']), by: z.string(), reason: z.string() })
      .nullable()
      .describe('What will happen when the slot comes back.'),
  })
  .meta({
    id: 'Slot',
    description: 'One bay.',
    examples: [
      {
        siteId: 'harbour',
        slotId: 'a-1',
        zoneId: 'a',
        label: 'A1',
        slotClass: 'standard',
        state: 'occupied',
        sessionId: '0b8f2a6c44d14e7c9d2b7a6f5e3c1d00',
        heldBy: null,
        confirmed: true,
        frozen: false,
        outOfService: null,
        recall: null,
      },
    ],
  });
export type SlotResource = z.infer<typeof slotSchema>;
export const slotListSchema = pageSchema('SlotList', slotSchema, 'Slots by id.');

export const slotListQuerySchema = z.strictObject({
  state: slotStateSchema.optional(),
  slotClass: slotClassSchema.optional(),
  zoneId: slugSchema.optional(),
  outOfService: queryBooleanSchema.optional(),
  ...pageQueryShape,
});

const assignee = {
  vehicleId: idSchema
    .optional()
    .describe('A registered vehicle; or else give `credential`, or neither for an anonymous one.'),
  credential: credentialRequestSchema.optional(),
  reason: reasonSchema,
};
const oneIdentity = (request: { vehicleId?: unknown; credential?: unknown }): boolean =>
  request.vehicleId === undefined || request.credential === undefined;
const oneIdentityRule = { message: 'give vehicleId or credential, not both', path: ['credential'] };

export const slotAssignRequestSchema = z
  .strictObject(assignee)
  .refine(oneIdentity, oneIdentityRule)
  .meta({
    id: 'SlotAssignRequest',
    description: 'Who gets the slot.',
    examples: [{ credential: { kind: 'plate', value: 'AB12CDE' }, reason: 'Let in by hand' }],
  });

export const assignmentRequestSchema = z
  .strictObject({
    slotClass: slotClassSchema.optional().describe('Default: the vehicle’s class, else standard.'),
    ...assignee,
  })
  .refine(oneIdentity, oneIdentityRule)
  .meta({
    id: 'AssignmentRequest',
    description: 'Who gets the best free slot.',
    examples: [{ slotClass: 'ev', credential: { kind: 'plate', value: 'AB12CDE' }, reason: 'Let in by hand' }],
  });

export const slotReleaseRequestSchema = z
  .strictObject({
    force: z
      .boolean()
      .default(false)
      .describe('Also frees a reserved, held or frozen slot: the vehicle it was meant for may still come.'),
    reason: reasonSchema,
  })
  .meta({
    id: 'SlotReleaseRequest',
    description: 'Frees a slot by hand.',
    examples: [{ force: false, reason: 'Bay seen empty' }],
  });

export const slotServiceRequestSchema = z.strictObject({ outOfService: z.boolean(), reason: reasonSchema }).meta({
  id: 'SlotServiceRequest',
  description: 'Takes a slot out of service, or back into it.',
  examples: [{ outOfService: true, reason: 'Charger broken' }],
});
