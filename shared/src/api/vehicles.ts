/** Registered vehicles, their permits and blocks. */
import { z } from 'zod';
import { credentialKindSchema, maxCredentialChars, slotClassSchema, slugSchema } from '../vocabulary.js';
import {
  apiLimits,
  idSchema,
  instantSchema,
  pageQueryShape,
  pageSchema,
  queryBooleanSchema,
  reasonSchema,
} from './common.js';
import { credentialRequestSchema, credentialViewSchema } from './credential.js';

export const permitSchema = z
  .strictObject({
    siteId: slugSchema,
    zoneId: slugSchema.nullable().default(null).describe('null: every zone of the site.'),
    slotClass: slotClassSchema.nullable().default(null).describe('null: every class.'),
    from: instantSchema.nullable().default(null),
    to: instantSchema.nullable().default(null),
  })
  .refine(({ from, to }) => from === null || to === null || Date.parse(from) < Date.parse(to), {
    message: 'must be after `from`',
    path: ['to'],
  })
  .meta({
    id: 'Permit',
    description: 'What a vehicle may use, and when.',
    examples: [
      { siteId: 'harbour', zoneId: 'a', slotClass: null, from: '2025-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' },
    ],
  });

const holder = z.string().trim().min(1).max(apiLimits.maxTextChars).nullable();
const permits = z.array(permitSchema).max(apiLimits.maxPermits);

const vehicleExample = {
  vehicleId: 'c2f4a1d08b6e4f1c9a7d5e3b2f1c0a99',
  credential: { credentialId: '5f0c8d3be1a94c07b2d65e1f8a3c9047', kind: 'plate', value: 'AB12CDE' },
  slotClass: 'standard',
  holder: 'Facilities, room 12',
  note: null,
  blockedReason: null,
  permits: [{ siteId: 'harbour', zoneId: null, slotClass: null, from: null, to: null }],
  createdAt: '2025-03-01T08:15:00.000Z',
  updatedAt: '2025-03-01T08:15:00.000Z',
};

export const vehicleSchema = z
  .strictObject({
    vehicleId: z.string(),
    credential: credentialViewSchema,
    slotClass: slotClassSchema,
    holder: z.string().nullable().describe('Whom to ask. Viewers see `******`.'),
    note: z.string().nullable().describe('Viewers see `******`.'),
    blockedReason: z.string().nullable().describe('Why it is turned away everywhere; null when it is not.'),
    permits: z.array(permitSchema),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'Vehicle', description: 'A registered vehicle.', examples: [vehicleExample] });
export type VehicleResource = z.infer<typeof vehicleSchema>;
export const vehicleListSchema = pageSchema('VehicleList', vehicleSchema, 'Vehicles by the text of their credential.');

export const vehicleParamsSchema = z.strictObject({ vehicleId: idSchema.describe('The vehicle.') });

export const vehicleListQuerySchema = z.strictObject({
  credential: z
    .string()
    .min(1)
    .max(maxCredentialChars)
    .optional()
    .describe('How the plate, tag or ticket begins. Needs a role that sees credentials.'),
  credentialKind: credentialKindSchema.optional().describe('How `credential` is to be read; default plate.'),
  holder: z
    .string()
    .min(1)
    .max(apiLimits.maxTextChars)
    .optional()
    .describe('Part of the holder, in any case. Needs a role that sees credentials.'),
  slotClass: slotClassSchema.optional(),
  blocked: queryBooleanSchema.optional(),
  permitSiteId: slugSchema.optional().describe('With a permit for this site.'),
  ...pageQueryShape,
});

export const vehicleCreateRequestSchema = z
  .strictObject({
    credential: credentialRequestSchema,
    slotClass: slotClassSchema.default('standard'),
    holder: holder.default(null),
    note: holder.default(null),
    permits: permits.default([]),
  })
  .meta({
    id: 'VehicleCreateRequest',
    description: 'A vehicle to be registered.',
    examples: [
      {
        credential: { kind: 'plate', value: 'AB12 CDE' },
        slotClass: 'standard',
        holder: 'Facilities, room 12',
        permits: [{ siteId: 'harbour' }],
      },
    ],
  });

export const vehicleUpdateRequestSchema = z
  .strictObject({
    credential: credentialRequestSchema.optional(),
    slotClass: slotClassSchema.optional(),
    holder: holder.optional(),
    note: holder.optional(),
  })
  .refine((request) => Object.keys(request).length > 0, 'must change something')
  .meta({
    id: 'VehicleUpdateRequest',
    description: 'What changes; absent members stay.',
    examples: [{ slotClass: 'ev', note: 'Charges overnight' }],
  });

export const vehiclePermitsRequestSchema = z.strictObject({ permits }).meta({
  id: 'VehiclePermitsRequest',
  description: 'All the permits the vehicle has from now on.',
  examples: [{ permits: [{ siteId: 'harbour', zoneId: 'a', from: '2025-01-01T00:00:00Z' }] }],
});

export const vehicleBlockRequestSchema = z.strictObject({ blocked: z.boolean(), reason: reasonSchema }).meta({
  id: 'VehicleBlockRequest',
  description: 'Turns a vehicle away everywhere, or lets it in again.',
  examples: [{ blocked: true, reason: 'Reported stolen' }],
});

export const vehicleDeletionSchema = z
  .strictObject({
    vehicleId: z.string(),
    openSessions: z
      .array(z.strictObject({ siteId: slugSchema, sessionId: z.string(), slotId: slugSchema.nullable() }))
      .describe('Sessions that go on without the record: the car has not moved.'),
  })
  .meta({
    id: 'VehicleDeletion',
    description: 'What became of the vehicle’s sessions.',
    examples: [
      {
        vehicleId: 'c2f4a1d08b6e4f1c9a7d5e3b2f1c0a99',
        openSessions: [{ siteId: 'harbour', sessionId: '0b8f2a6c44d14e7c9d2b7a6f5e3c1d00', slotId: 'a-1' }],
      },
    ],
  });

export const credentialParamsSchema = z.strictObject({ credentialId: idSchema.describe('The credential.') });
