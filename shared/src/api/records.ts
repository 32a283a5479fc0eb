/** What is on record: events, reviews, quarantine, the audit log. */
import { z } from 'zod';
import { slugSchema } from '../vocabulary.js';
import {
  apiLimits,
  idSchema,
  instantSchema,
  pageQueryShape,
  pageSchema,
  queryBooleanSchema,
  siteQueryShape,
} from './common.js';
import { credentialViewSchema } from './credential.js';

// ---------------------------------------------------------------- events

export const eventSchema = z
  .strictObject({
    siteId: slugSchema,
    edgeId: slugSchema,
    epoch: z.string(),
    seq: z.int().min(1),
    gateId: slugSchema.nullable(),
    kind: z.string(),
    at: instantSchema,
    receivedAt: instantSchema,
    credential: credentialViewSchema.nullable(),
    flags: z.array(z.string()),
    body: z.record(z.string(), z.unknown()).describe('The event as reported, a credential’s text replaced by its id.'),
  })
  .meta({
    id: 'Event',
    description: 'An event as an edge reported it.',
    examples: [
      {
        siteId: 'harbour',
        edgeId: 'harbour-north',
        epoch: '00112233445566778899aabbccddeeff',
        seq: 18,
        gateId: 'entry-1',
        kind: 'vehicle-passed',
        at: '2025-03-01T08:15:06.000Z',
        receivedAt: '2025-03-01T08:15:06.020Z',
        credential: null,
        flags: [],
        body: { kind: 'vehicle-passed', gateId: 'entry-1', arrival: 17, slotId: 'a-1', basis: 'decision' },
      },
    ],
  });
export type EventResource = z.infer<typeof eventSchema>;
export const eventListSchema = pageSchema('EventList', eventSchema, 'Events, newest received first.');
export const eventListQuerySchema = z.strictObject({
  ...siteQueryShape,
  edgeId: slugSchema.optional(),
  gateId: slugSchema.optional(),
  kind: slugSchema.optional(),
  receivedFrom: instantSchema.optional(),
  receivedBefore: instantSchema.optional(),
  ...pageQueryShape,
});

// ---------------------------------------------------------------- reviews

export const reviewKindNames = [
  'unmatched-exit',
  'ambiguous-exit',
  'already-inside',
  'tailgating',
  'wrong-way',
  'free-flow',
  'barrier-forced',
  'arrival-unresolved',
  'no-slot',
  'over-capacity',
  'epoch-replaced',
  'events-gap',
  'events-lost',
  'unknown-event',
  'store-restored',
  'identity-conflict',
  'count-below-zero',
] as const;

export const reviewSchema = z
  .strictObject({
    siteId: slugSchema,
    reviewId: z.string(),
    kind: z.enum(reviewKindNames),
    gateId: slugSchema.nullable(),
    edgeId: slugSchema.nullable(),
    sessionId: z.string().nullable(),
    candidates: z.array(z.string()).describe('Sessions it might be about.'),
    credential: credentialViewSchema.nullable(),
    openedAt: instantSchema,
    detail: z.string(),
    resolvedAt: instantSchema.nullable(),
    resolvedBy: z.string().nullable(),
    resolution: z.string().nullable(),
  })
  .meta({
    id: 'Review',
    description: 'Something a person should look at.',
    examples: [
      {
        siteId: 'harbour',
        reviewId: '3c5e7a9b1d2f40618293a4b5c6d7e8f9',
        kind: 'ambiguous-exit',
        gateId: 'exit-1',
        edgeId: 'harbour-north',
        sessionId: null,
        candidates: ['0b8f2a6c44d14e7c9d2b7a6f5e3c1d00'],
        credential: null,
        openedAt: '2025-03-01T16:45:10.000Z',
        detail: 'two sessions fit the read',
        resolvedAt: null,
        resolvedBy: null,
        resolution: null,
      },
    ],
  });
export type ReviewResource = z.infer<typeof reviewSchema>;
export const reviewListSchema = pageSchema('ReviewList', reviewSchema, 'Reviews, newest first.');
export const reviewListQuerySchema = z.strictObject({
  kind: z.enum(reviewKindNames).optional(),
  open: queryBooleanSchema.optional(),
  ...pageQueryShape,
});
export const reviewParamsSchema = z.strictObject({
  siteId: slugSchema.describe('The site.'),
  reviewId: idSchema.describe('The review.'),
});
export const reviewResolveRequestSchema = z
  .strictObject({
    resolution: z.string().trim().min(1).max(apiLimits.maxReasonChars).describe('What was found. No plates.'),
    sessionId: idSchema.optional().describe('The session it was about: for an unmatched exit, the one that left.'),
  })
  .meta({
    id: 'ReviewResolveRequest',
    description: 'What the person found.',
    examples: [{ resolution: 'Camera shows the grey van', sessionId: '0b8f2a6c44d14e7c9d2b7a6f5e3c1d00' }],
  });

// ---------------------------------------------------------------- quarantine

export const quarantineSchema = z
  .strictObject({
    quarantineId: z.string(),
    siteId: slugSchema.nullable(),
    edgeId: slugSchema.nullable(),
    epoch: z.string().nullable(),
    seq: z.int().nullable(),
    kind: z.string().nullable(),
    receivedAt: instantSchema,
    reason: z.string(),
    body: z.string().nullable().describe('As it came, credentials replaced; null when it could not be read.'),
    payloadBytes: z.int().min(0),
    payloadSha256: z.string(),
  })
  .meta({
    id: 'QuarantinedEvent',
    description: 'What was reported and could not be applied.',
    examples: [
      {
        quarantineId: '1f2e3d4c5b6a79880716253443526170',
        siteId: 'harbour',
        edgeId: 'harbour-north',
        epoch: '00112233445566778899aabbccddeeff',
        seq: 19,
        kind: 'vehicle-passed',
        receivedAt: '2025-03-01T08:15:06.020Z',
        reason: 'gateId: no gate "entry-9" at this site',
        body: '{"kind":"vehicle-passed","gateId":"entry-9"}',
        payloadBytes: 312,
        payloadSha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      },
    ],
  });
export type QuarantineResource = z.infer<typeof quarantineSchema>;
export const quarantineListSchema = pageSchema('QuarantineList', quarantineSchema, 'Quarantined events, newest first.');
export const quarantineListQuerySchema = z.strictObject({ ...siteQueryShape, ...pageQueryShape });

// ---------------------------------------------------------------- audit

export const auditSchema = z
  .strictObject({
    auditId: z.int().min(1),
    at: instantSchema,
    by: z.string(),
    action: z.string(),
    siteId: slugSchema.nullable(),
    target: z.string().nullable(),
    reason: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
    prevHash: z.string(),
    hash: z.string(),
  })
  .meta({
    id: 'AuditEntry',
    description: 'One act of a person or program.',
    examples: [
      {
        auditId: 7,
        at: '2025-03-01T08:15:00.000Z',
        by: 'front desk',
        action: 'slot.release',
        siteId: 'harbour',
        target: 'a-1',
        reason: 'Bay seen empty',
        detail: { force: false },
        prevHash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        hash: '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
      },
    ],
  });
export type AuditResource = z.infer<typeof auditSchema>;
export const auditListSchema = pageSchema('AuditList', auditSchema, 'Audit entries, oldest first.');
export const auditListQuerySchema = z.strictObject({ ...siteQueryShape, ...pageQueryShape });

export const auditVerificationSchema = z
  .strictObject({
    intact: z.boolean(),
    entries: z.int().min(0).describe('Entries that were followed.'),
    removedUpTo: z
      .int()
      .min(1)
      .nullable()
      .describe('Entries up to this number were deleted for their age, and a later entry says so; null: none was.'),
    lastHash: z.string().nullable().describe('Note it elsewhere: it proves everything before it.'),
    brokenAt: z.int().nullable().describe('The first entry that does not follow from the one before.'),
    problem: z.string().nullable(),
  })
  .meta({
    id: 'AuditVerification',
    description: 'Whether each entry’s hash follows from the one before.',
    examples: [
      {
        intact: true,
        entries: 7,
        removedUpTo: null,
        lastHash: '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
        brokenAt: null,
        problem: null,
      },
    ],
  });
export type AuditVerification = z.infer<typeof auditVerificationSchema>;
