/** Gates: how they are, commands, and admitting the vehicle that waits. */
import { z } from 'zod';
import { faultNameSchema } from '../faults.js';
import {
  barrierPositionSchema,
  denialReasonSchema,
  directionSchema,
  gateDirectionSchema,
  laneModeSchema,
  slotClassSchema,
  slugSchema,
} from '../vocabulary.js';
import { commandKinds } from '../wire/messages.js';
import { idSchema, instantSchema, pageSchema, reasonSchema } from './common.js';
import { credentialViewSchema } from './credential.js';

export const gateParamsSchema = z.strictObject({
  siteId: slugSchema.describe('The site.'),
  gateId: slugSchema.describe('The gate.'),
});

/** `edgeId:epoch:seq`. */
export const arrivalIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}:[0-9a-f]{32}:[1-9]\d{0,15}$/, 'must be edge:epoch:seq')
  .describe('An arrival: edge, outbox epoch and number of its event.');

export const arrivalSchema = z.strictObject({
  arrivalId: arrivalIdSchema,
  direction: directionSchema,
  at: instantSchema,
  credential: credentialViewSchema.nullable(),
  vehicleId: z.string().nullable(),
  slotClass: slotClassSchema,
  outcome: z.enum(['admit', 'own', 'deny']).nullable().describe('The answer so far.'),
  reason: denialReasonSchema.nullable(),
  slotId: slugSchema.nullable(),
  sessionId: z.string().nullable(),
});

export const gateSchemaView = z
  .strictObject({
    siteId: slugSchema,
    gateId: slugSchema,
    name: z.string(),
    direction: gateDirectionSchema,
    edgeId: slugSchema,
    online: z.boolean(),
    barrier: barrierPositionSchema.describe('unknown while the edge is away.'),
    mode: laneModeSchema.nullable(),
    sensors: z.record(z.string(), z.boolean()),
    faults: z.array(faultNameSchema),
    arrivals: z.array(arrivalSchema).describe('Vehicles that presented themselves and have not gone yet.'),
  })
  .meta({
    id: 'Gate',
    description: 'One barrier lane as it is now.',
    examples: [
      {
        siteId: 'harbour',
        gateId: 'entry-1',
        name: 'North entry',
        direction: 'entry',
        edgeId: 'harbour-north',
        online: true,
        barrier: 'closed',
        mode: 'automatic',
        sensors: { arming: true, safety: false },
        faults: [],
        arrivals: [
          {
            arrivalId: 'harbour-north:00112233445566778899aabbccddeeff:17',
            direction: 'entry',
            at: '2025-03-01T08:15:00.000Z',
            credential: { credentialId: '5f0c8d3be1a94c07b2d65e1f8a3c9047', kind: 'plate', value: 'AB12CDE' },
            vehicleId: null,
            slotClass: 'standard',
            outcome: 'deny',
            reason: 'full',
            slotId: null,
            sessionId: null,
          },
        ],
      },
    ],
  });
export type GateResource = z.infer<typeof gateSchemaView>;
export const gateListSchema = pageSchema('GateList', gateSchemaView, 'Gates in the order of the layout.');

export const gateCommandRequestSchema = z.strictObject({ kind: z.enum(commandKinds), reason: reasonSchema }).meta({
  id: 'GateCommandRequest',
  description: 'A wish for one gate. The barrier’s own wired interlocks decide.',
  examples: [{ kind: 'open', reason: 'Ambulance' }],
});

export const commandStates = ['sent', 'done', 'refused', 'expired', 'unknown'] as const;
export const gateCommandSchema = z
  .strictObject({
    commandId: z.string(),
    siteId: slugSchema,
    gateId: slugSchema,
    kind: z.enum(commandKinds),
    state: z.enum(commandStates).describe('`sent` until the edge has answered; the stream tells how it ended.'),
    by: z.string(),
    reason: z.string(),
    createdAt: instantSchema,
    endedAt: instantSchema.nullable(),
    detail: z.string().nullable(),
  })
  .meta({
    id: 'GateCommand',
    description: 'A command and what became of it.',
    examples: [
      {
        commandId: '77aa0c1b2d3e4f5061728394a5b6c7d8',
        siteId: 'harbour',
        gateId: 'entry-1',
        kind: 'open',
        state: 'sent',
        by: 'front desk',
        reason: 'Ambulance',
        createdAt: '2025-03-01T08:15:00.000Z',
        endedAt: null,
        detail: null,
      },
    ],
  });
export type GateCommandResource = z.infer<typeof gateCommandSchema>;
export const commandParamsSchema = z.strictObject({ siteId: slugSchema, gateId: slugSchema, commandId: idSchema });

export const gateAdmitRequestSchema = z
  .strictObject({
    arrivalId: arrivalIdSchema.optional().describe('Default: the one arrival that waits at the gate.'),
    slotId: slugSchema.optional().describe('Default: the best free slot, or none when the site is full.'),
    reason: reasonSchema,
  })
  .meta({
    id: 'GateAdmitRequest',
    description: 'Admits the waiting vehicle on the operator’s word.',
    examples: [{ reason: 'Known contractor' }],
  });

export const gateAdmissionSchema = z
  .strictObject({
    arrivalId: arrivalIdSchema,
    gateId: slugSchema,
    sessionId: z.string().nullable(),
    slotId: slugSchema.nullable(),
    revision: z.int().min(1),
  })
  .meta({
    id: 'GateAdmission',
    description: 'The decision that was sent to the gate.',
    examples: [
      {
        arrivalId: 'harbour-north:00112233445566778899aabbccddeeff:17',
        gateId: 'entry-1',
        sessionId: '0b8f2a6c44d14e7c9d2b7a6f5e3c1d00',
        slotId: 'a-1',
        revision: 2,
      },
    ],
  });
