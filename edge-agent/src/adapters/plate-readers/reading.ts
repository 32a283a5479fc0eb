/** What every format comes down to. */
import { credentialSchema, maxCredentialChars, normaliseCredential } from '@gatehouse/shared';
import type { CredentialKind } from '@gatehouse/shared';
import { z } from 'zod';

export interface Reading {
  readonly kind: Extract<CredentialKind, 'plate' | 'tag'>;
  readonly value: string;
  /** 0 to 1. */
  readonly confidence: number;
}

/** `ignored`: why a payload that is in order holds nothing for a gate. */
export type Mapped = { readonly reading: Reading } | { readonly ignored: string };

const text = z.string().max(4 * maxCredentialChars);

/** A plate as the rest of the system knows it: upper case, without spaces and hyphens. */
export const plateSchema = text
  .transform((value) => normaliseCredential('plate', value))
  .pipe(credentialSchema.shape.value);

export const tagSchema = text
  .transform((value) => normaliseCredential('tag', value))
  .pipe(credentialSchema.shape.value);

export const fractionSchema = z.number().min(0).max(1);

/** 0 to 100, as a fraction. */
export const percentSchema = z
  .number()
  .min(0)
  .max(100)
  .transform((percent) => percent / 100);
