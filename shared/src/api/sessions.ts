/** Sessions: the log of entry time, exit time and duration, and how people mend it. */
import { z } from 'zod';
import {
  admissionBases,
  maxCredentialChars,
  credentialKindSchema,
  slotClassSchema,
  slugSchema,
} from '../vocabulary.js';
import { idSchema, instantSchema, pageQueryShape, pageSchema, reasonSchema } from './common.js';
import { credentialRequestSchema, credentialViewSchema } from './credential.js';

export const sessionStates = ['open', 'uncertain', 'closed', 'void'] as const;
export const sessionStateSchema = z.enum(sessionStates);
export const sessionBases = [
  ...admissionBases,
  'inferred',
  'correction',
  'anti-passback',
  'age-limit',
  'merge',
] as const;
export const sessionBasisSchema = z.enum(sessionBases);

export const sessionSchema = z
  .strictObject({
    siteId: slugSchema,
    sessionId: z.string(),
    ticket: z.int().min(0).describe('Numbered by the system within the site.'),
    state: sessionStateSchema.describe(
      'open: inside. uncertain: believed to have left. closed: left. void: it never was.',
    ),
    credential: credentialViewSchema.nullable().describe('null: anonymous.'),
    vehicleId: z.string().nullable(),
    slotClass: slotClassSchema,
    slotId: slugSchema.nullable(),
    entryAt: instantSchema,
    entryGateId: slugSchema.nullable(),
    entryBasis: sessionBasisSchema,
    exitAt: instantSchema.nullable(),
    exitGateId: slugSchema.nullable(),
    exitBasis: sessionBasisSchema.nullable(),
    durationSeconds: z.number().min(0).nullable(),
    exitAuthorised: z.boolean(),
  })
  .meta({
    id: 'Session',
    description: 'A stay, from the entry passage to the exit passage.',
    examples: [
      {
        siteId: 'harbour',
        sessionId: '0b8f2a6c44d14e7c9d2b7a6f5e3c1d00',
        ticket: 412,
        state: 'closed',
        credential: { credentialId: '5f0c8d3be1a94c07b2d65e1f8a3c9047', kind: 'plate', value: 'AB12CDE' },
        vehicleId: null,
        slotClass: 'standard',
        slotId: 'a-1',
        entryAt: '2025-03-01T08:15:00.000Z',
        entryGateId: 'entry-1',
        entryBasis: 'decision',
        exitAt: '2025-03-01T16:45:10.000Z',
        exitGateId: 'exit-1',
        exitBasis: 'decision',
        durationSeconds: 30610,
        exitAuthorised: false,
      },
    ],
  });
export type SessionResource = z.infer<typeof sessionSchema>;
export const sessionListSchema = pageSchema('SessionList', sessionSchema, 'Sessions, newest entry first.');

export const sessionParamsSchema = z.strictObject({
  siteId: slugSchema.describe('The site.'),
  sessionId: idSchema.describe('The session.'),
});

const sessionFilterShape = {
  state: sessionStateSchema.optional(),
  credential: z
    .string()
    .min(1)
    .max(maxCredentialChars)
    .optional()
    .describe('Exactly this plate, tag or ticket. Needs a role that sees credentials.'),
  credentialKind: credentialKindSchema.optional().describe('How `credential` is to be read; default plate.'),
  vehicleId: idSchema.optional(),
  slotId: slugSchema.optional(),
  gateId: slugSchema.optional().describe('Entered or left by this gate.'),
  enteredFrom: instantSchema.optional(),
  enteredBefore: instantSchema.optional(),
  exitedFrom: instantSchema.optional(),
  exitedBefore: instantSchema.optional(),
};
export const sessionListQuerySchema = z.strictObject({ ...sessionFilterShape, ...pageQueryShape });
export const sessionExportQuerySchema = z.strictObject(sessionFilterShape);

export const sessionCorrectRequestSchema = z
  .strictObject({
    entryAt: instantSchema.optional(),
    exitAt: instantSchema.optional(),
    credential: credentialRequestSchema.nullable().optional().describe('null: makes it anonymous.'),
    vehicleId: idSchema.nullable().optional(),
    reason: reasonSchema,
  })
  .refine((request) => Object.keys(request).length > 1, 'must correct something')
  .meta({
    id: 'SessionCorrectRequest',
    description: 'What was recorded wrongly; absent members stay.',
    examples: [{ entryAt: '2025-03-01T08:05:00Z', reason: 'The clock of the gate was wrong' }],
  });

export const sessionMoveRequestSchema = z.strictObject({ slotId: slugSchema, reason: reasonSchema }).meta({
  id: 'SessionMoveRequest',
  description: 'Where the vehicle really stands.',
  examples: [{ slotId: 'a-2', reason: 'A1 was taken' }],
});

export const sessionCloseRequestSchema = z
  .strictObject({ exitAt: instantSchema.optional().describe('Default: now.'), reason: reasonSchema })
  .meta({
    id: 'SessionCloseRequest',
    description: 'When it left.',
    examples: [{ exitAt: '2025-03-01T16:45:00Z', reason: 'Seen leaving on camera' }],
  });

export const sessionMergeRequestSchema = z
  .strictObject({
    duplicateSessionId: idSchema.describe('Becomes void; what it knew goes to this session.'),
    reason: reasonSchema,
  })
  .meta({
    id: 'SessionMergeRequest',
    description: 'Two sessions were one vehicle.',
    examples: [{ duplicateSessionId: '9a1b2c3d4e5f60718293a4b5c6d7e8f9', reason: 'Plate read twice' }],
  });
