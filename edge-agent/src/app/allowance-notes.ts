/** How the allowance and the access list stand among the notes of the outbox. */
import {
  accessPageSchema,
  hex128Schema,
  parseValue,
  seqSchema,
  slotRefSchema,
  slugSchema,
  wireLimits,
} from '@gatehouse/shared/edge';
import { z } from 'zod';
import { listOf } from '../domain/admission/access-list.js';
import type { AccessList, CollectedPages } from '../domain/admission/access-list.js';
import { maxHeldSlots, maxPartings } from '../domain/admission/allowance.js';
import type { AllowanceState } from '../domain/admission/allowance.js';
import type { OutboxNotes } from './ports.js';

const allowanceNote = 'allowance';
const accessNote = 'access';

const allowanceSchema = z.strictObject({
  epoch: hex128Schema,
  version: z.int().min(1),
  slots: z.array(slotRefSchema).max(maxHeldSlots),
  parted: z.array(z.strictObject({ slotId: slugSchema, seq: seqSchema })).max(maxPartings),
  forgottenUpTo: z.int().min(0),
});

const { version, pages, unlisted } = accessPageSchema.shape;
const accessHeadSchema = z.strictObject({ version, pages, unlisted });

export type ChangedNotes = Map<string, string | null>;

export function allowanceNotes(epoch: string, state: AllowanceState): ChangedNotes {
  return new Map([[allowanceNote, JSON.stringify({ epoch, ...state })]]);
}

/** All pages of a list, in place of those of the one before. */
export function accessNotes(list: CollectedPages): ChangedNotes {
  const notes: ChangedNotes = new Map([[accessNote, JSON.stringify(list.head)]]);
  for (const page of pageNumbers) notes.set(pageNote(page), list.pages.get(page) ?? null);
  return notes;
}

/** Takes allowance and list away. */
export function emptyNotes(): ChangedNotes {
  return new Map([allowanceNote, accessNote, ...pageNumbers.map(pageNote)].map((name) => [name, null]));
}

export interface StoredAllowance {
  readonly state: AllowanceState;
  readonly access: AccessList;
}

/** What the notes hold of this epoch: undefined if nothing, or the reason why it cannot be used. */
export function storedAllowance(notes: OutboxNotes, epoch: string): StoredAllowance | string | undefined {
  const text = notes.get(allowanceNote);
  if (text === undefined) return undefined;
  const stored = parseNote(allowanceSchema, text);
  const head = parseNote(accessHeadSchema, notes.get(accessNote) ?? '');
  if (!stored.ok) return stored.error;
  if (!head.ok) return head.error;
  const { epoch: storedEpoch, ...state } = stored.value;
  if (storedEpoch !== epoch) return 'it is of another epoch';
  const pages = pageNumbers.slice(0, head.value.pages).map((page) => notes.get(pageNote(page)));
  const access = listOf(
    head.value,
    pages.map((page) => page ?? 'missing'),
  );
  return access === undefined ? 'the access list cannot be read' : { state, access };
}

const pageNumbers = Array.from({ length: wireLimits.maxAccessPages }, (_unused, index) => index + 1);

function pageNote(page: number): string {
  return `${accessNote}/${String(page)}`;
}

function parseNote<T>(schema: z.ZodType<T>, text: string) {
  try {
    return parseValue(schema, JSON.parse(text));
  } catch {
    return { ok: false, error: 'it is not JSON' } as const;
  }
}
