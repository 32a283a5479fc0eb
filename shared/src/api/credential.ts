/** Credentials in the API: whole for those who may see them, masked for others, and as typed by people. */
import { z } from 'zod';
import { credentialKindSchema, maxCredentialChars } from '../vocabulary.js';

/**
 * A credential in an answer. Viewers get `value` masked: the first and the last character with six `*` between them, eight `*`
 * when there are fewer than four characters. So the length does not show.
 */
export const credentialViewSchema = z
  .strictObject({
    credentialId: z.string().describe('Stays the same when the text is erased.'),
    kind: credentialKindSchema.nullable().describe('null once erased.'),
    value: z
      .string()
      .nullable()
      .describe('The plate, or the number of the tag or ticket. Masked for viewers; null once erased.'),
  })
  .meta({
    id: 'Credential',
    description: 'What a vehicle shows.',
    examples: [{ credentialId: '5f0c8d3be1a94c07b2d65e1f8a3c9047', kind: 'plate', value: 'AB12CDE' }],
  });
export type CredentialView = z.infer<typeof credentialViewSchema>;

export const credentialRequestSchema = z
  .strictObject({
    kind: credentialKindSchema.default('plate'),
    value: z
      .string()
      .min(1)
      .max(maxCredentialChars)
      .refine(
        // Not as a pattern: many readers of JSON Schema do not know \p.
        (value) => /^[\p{L}\p{N}_.: -]+$/u.test(value),
        'must be letters, digits, or one of _ . : - and spaces',
      )
      .refine((value) => /[\p{L}\p{N}]/u.test(value), 'must hold a letter or a digit'),
  })
  .meta({
    id: 'CredentialRequest',
    description: 'What a vehicle shows. Of plates, case, spaces and hyphens do not matter.',
    examples: [{ kind: 'plate', value: 'AB12 CDE' }],
  });
export type CredentialRequest = z.infer<typeof credentialRequestSchema>;

/** A credential's text for those who may not read it. */
export function maskCredential(value: string): string {
  const characters = [...value];
  const first = characters[0];
  const last = characters.at(-1);
  if (characters.length < 4 || first === undefined || last === undefined) return '********';
  return `${first}******${last}`;
}
