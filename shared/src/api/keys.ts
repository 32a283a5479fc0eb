/** Keys of the API. */
import { z } from 'zod';
import { slugSchema } from '../vocabulary.js';
import { instantSchema, pageQueryShape, pageSchema } from './common.js';

/** Each role may do what the ones before it may. */
export const roleNames = ['observer', 'viewer', 'auditor', 'operator', 'admin'] as const;
export const roleSchema = z
  .enum(roleNames)
  .describe(
    'observer: occupancy. viewer: everything, credentials masked. auditor: credentials and the audit log. operator: acts. admin: administers.',
  );

export const keyParamsSchema = z.strictObject({
  keyId: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is not the id of a key')
    .describe('The key.'),
});
export const keyListQuerySchema = z.strictObject(pageQueryShape);

const keyExample = {
  keyId: '5b1f0c2d3e4f5a6b7c8d9e0f1a2b3c4d',
  label: 'front desk',
  role: 'operator',
  siteId: 'harbour',
  createdAt: '2025-03-01T08:00:00.000Z',
  revokedAt: null,
};
const keyShape = {
  keyId: z.string(),
  label: z.string(),
  role: roleSchema,
  siteId: slugSchema.nullable().describe('The one site it is good for; null for all.'),
  createdAt: instantSchema,
  revokedAt: instantSchema.nullable(),
};
export const keySchema = z
  .strictObject(keyShape)
  .meta({ id: 'Key', description: 'A key of the API, without its secret.', examples: [keyExample] });
export type KeyResource = z.infer<typeof keySchema>;
export const keyListSchema = pageSchema('KeyList', keySchema, 'Keys by id.');

export const keyCreatedSchema = z
  .strictObject({
    ...keyShape,
    key: z.string().nullable().describe('Shown this once. null when a request is repeated by its Idempotency-Key.'),
  })
  .meta({
    id: 'KeyCreated',
    description: 'A new key and its secret.',
    examples: [{ ...keyExample, key: 'a3f5…64 hexadecimal digits' }],
  });

export const keyCreateRequestSchema = z
  .strictObject({
    label: z.string().trim().min(1).max(80).describe('Who uses it; the audit log names it.'),
    role: roleSchema,
    siteId: slugSchema.nullable().default(null),
  })
  .meta({
    id: 'KeyCreateRequest',
    description: 'Who gets a key, and for what.',
    examples: [{ label: 'front desk', role: 'operator', siteId: 'harbour' }],
  });
