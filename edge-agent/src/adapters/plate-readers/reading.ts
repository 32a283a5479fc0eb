/** What every format comes down to. */
import { credentialSchema, maxCredentialChars, normaliseCredential } from '@gatehouse/shared/edge';
import type { CredentialKind } from '@gatehouse/shared/edge';
import { z } from 'zod';
import { movements } from './vocabulary.js';
import type { Movement } from './vocabulary.js';

export interface Reading {
  readonly kind: CredentialKind;
  readonly value: string;
  /** 0 to 1. */
  readonly confidence: number;
  /** The reader's own name of the vehicle, at most 64 characters; undefined where it gives none. */
  readonly trackId?: string | undefined;
  /** Undefined where the reader does not say, or does not know. */
  readonly moving?: Movement | undefined;
  /** It was sent when the vehicle had left the picture. */
  readonly hasLeft?: true;
}

/** `ignored`: why a payload that is in order holds nothing for a gate. */
export type Mapped = { readonly reading: Reading } | { readonly ignored: string };

const maxTrackChars = 64;

const text = z.string().max(4 * maxCredentialChars);

/** A plate as the rest of the system knows it: upper case, without spaces and hyphens. */
export const plateSchema = text
  .transform((value) => normaliseCredential('plate', value))
  .pipe(credentialSchema.shape.value);

export const tagSchema = text
  .transform((value) => normaliseCredential('tag', value))
  .pipe(credentialSchema.shape.value);

export const ticketSchema = text
  .transform((value) => normaliseCredential('ticket', value))
  .pipe(credentialSchema.shape.value);

export const fractionSchema = z.number().min(0).max(1);

/** 0 to 100, as a fraction. */
export const percentSchema = z
  .number()
  .min(0)
  .max(100)
  .transform((percent) => percent / 100);

/** A number in quotes; anything else is left to `schema`. */
export function quoted<T extends z.ZodType>(schema: T) {
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,3}(\.\d{1,20})?$/.test(value) ? Number(value) : value),
    schema,
  );
}

/** A reader's name of a vehicle. One that is empty or too long is no name: without it a read is as good. */
export const trackSchema = z
  .string()
  .nullish()
  .transform((name) => (name == null || name === '' || name.length > maxTrackChars ? undefined : name));

/** A word for a movement; any other word says nothing. */
export const movementSchema = z
  .string()
  .nullish()
  .transform((word) => movements.find((movement) => movement === word));
