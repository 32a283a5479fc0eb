/**
 * The words of the field, used alike in code, topics, API, metrics and the console.
 *
 * A **site** is a car park; it has **zones**; a zone has **slots** (bays). A **gate** is one barrier lane. An **edge** is one
 * agent process: the unit of identity, connection and outbox; it runs one or more gates of one site. A **credential** is what
 * a vehicle shows. An **arrival** is a vehicle that presented itself; a **decision** admits or denies it; a **passage** means
 * that it went through. A **session** reaches from the entry passage to the exit passage.
 */
import { z } from 'zod';

export const slugPattern = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Names of sites, zones, slots, gates and edges: lower-case letters, digits and hyphens, at most 63, not starting with a hyphen. */
export const slugSchema = z
  .string()
  .regex(slugPattern, 'must be 1 to 63 of a-z, 0-9 and "-", not starting with "-"')
  .describe('A name: 1 to 63 of a-z, 0-9 and "-", not starting with "-".');

/** A random 128-bit identifier as 32 lower-case hexadecimal digits. */
export const hex128Schema = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hexadecimal digits')
  .describe('128 random bits as 32 lower-case hexadecimal digits.');

/** A SHA-256 digest as 64 lower-case hexadecimal digits. */
export const sha256HexSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')
  .describe('A SHA-256 digest as 64 lower-case hexadecimal digits.');

/** Milliseconds since the Unix epoch, UTC; 0 to the end of the year 9999. */
export const wallMsSchema = z
  .int()
  .min(0)
  .max(253_402_300_799_999)
  .describe('Wall-clock time: whole milliseconds since 1970-01-01T00:00:00Z.');

/** Milliseconds on a monotonic clock. */
export const monoMsSchema = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .describe('Monotonic time: whole milliseconds since some moment of this boot; never goes back.');

/** A position in an outbox: 1, 2, 3 … within one epoch. */
export const seqSchema = z
  .int()
  .min(1)
  .max(Number.MAX_SAFE_INTEGER)
  .describe('Position of an event in its outbox epoch: 1, 2, 3 …');

export const slotClasses = ['standard', 'ev', 'accessible', 'motorcycle', 'large'] as const;
/** What a slot is made for, and what a vehicle needs. */
export const slotClassSchema = z.enum(slotClasses).describe('Class of a slot, or of the slot a vehicle needs.');
export type SlotClass = z.infer<typeof slotClassSchema>;

/** Which classes of slot a vehicle may be given, best first. Slots kept for others come into question for nobody else. */
export const fittingClasses: Readonly<Record<SlotClass, readonly SlotClass[]>> = {
  standard: ['standard', 'large'],
  ev: ['ev', 'standard', 'large'],
  accessible: ['accessible', 'standard', 'large'],
  motorcycle: ['motorcycle', 'standard'],
  large: ['large'],
};

/** What is painted on a bay: 1 to 40 UTF-16 code units that can be shown. */
export const slotLabelSchema = z
  .string()
  .min(1)
  .max(40)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must hold no control characters and no halves of characters')
  .describe('What is painted on the bay and shown on the sign.');

export const gateDirections = ['entry', 'exit', 'both'] as const;
export const gateDirectionSchema = z.enum(gateDirections).describe('What a gate is for.');
export type GateDirection = z.infer<typeof gateDirectionSchema>;

/** Which way one vehicle goes: into the site or out of it. */
export const directionSchema = z.enum(['entry', 'exit']).describe('Which way the vehicle goes.');
export type Direction = z.infer<typeof directionSchema>;

export const credentialKinds = ['plate', 'tag', 'ticket'] as const;
export const credentialKindSchema = z.enum(credentialKinds);
export type CredentialKind = z.infer<typeof credentialKindSchema>;

/** The text as it is stored and compared: without spaces; plates in upper case and without hyphens. */
export function normaliseCredential(kind: CredentialKind, value: string): string {
  const text = value.normalize('NFC').replace(/\s/g, '');
  return kind === 'plate' ? text.toUpperCase().replace(/-/g, '') : text;
}

/** Bounds of a credential's value, in characters. */
export const maxCredentialChars = 32;

/**
 * What a vehicle shows: a plate as read, a tag's number or a ticket's. Plates are upper-case letters and digits of any script,
 * with `?` for a character that the reader could not make out; spaces and hyphens are taken away before the wire.
 */
export const credentialSchema = z
  .strictObject({
    kind: credentialKindSchema,
    value: z
      .string()
      .min(1)
      .max(maxCredentialChars)
      .regex(/^[\p{L}\p{N}?_.:-]+$/u, 'must be letters, digits, or one of ? _ . : -'),
    source: slugSchema.describe('Which reader, button or input it came from.'),
    confidence: z.number().min(0).max(1).describe('How sure the source is, 0 to 1.'),
  })
  .describe('What a vehicle shows: a plate as read, the number of a tag or of a ticket.');
export type Credential = z.infer<typeof credentialSchema>;

export const barrierPositions = ['unknown', 'closed', 'opening', 'open', 'closing', 'stopped'] as const;
/** Where the arm is. After every start it is `unknown` until a limit switch says otherwise. */
export const barrierPositionSchema = z.enum(barrierPositions);
export type BarrierPosition = z.infer<typeof barrierPositionSchema>;

export const laneModes = ['automatic', 'hold-open', 'locked', 'fire'] as const;
/** How a lane is being run. `fire` comes from the fire input and beats every other. */
export const laneModeSchema = z.enum(laneModes);
export type LaneMode = z.infer<typeof laneModeSchema>;

export const denialReasons = [
  'full',
  'blocked',
  'no-permit',
  'already-inside',
  'closed',
  'locked',
  'exit-not-authorised',
  'recovering',
  'no-allowance',
  'allowance-used-up',
  'operator',
] as const;
/** Why a vehicle was turned away. */
export const denialReasonSchema = z.enum(denialReasons);
export type DenialReason = z.infer<typeof denialReasonSchema>;

export const admissionBases = ['decision', 'allowance', 'operator', 'exit-alone', 'opted-in', 'none'] as const;
/**
 * On whose word a vehicle went through: the aggregator's `decision`, the edge's `allowance`, an `operator`, the edge alone at an
 * exit (`exit-alone`), the edge alone because a setting lets it admit without an allowance (`opted-in`), or nobody's (`none`).
 */
export const admissionBasisSchema = z
  .enum(admissionBases)
  .describe(
    'On whose word it was let through: decision of the aggregator, allowance of the edge, operator; exit-alone, the edge alone at an exit; opted-in, the edge alone because it is set to; none, nobody’s.',
  );
export type AdmissionBasis = z.infer<typeof admissionBasisSchema>;
