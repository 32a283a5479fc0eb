/** Tells the agent that starts after this one how recent an open arrival is, so that it may know the vehicle again. */
import { hex128Schema, parseValue, seqSchema } from '@gatehouse/shared/edge';
import { z } from 'zod';
import type { MachineUptime, OutboxNotes } from './ports.js';

const noteSchema = z.strictObject({
  epoch: hex128Schema,
  seq: seqSchema,
  machineBootId: z.string().max(64),
  machineUpMs: z.number().min(0),
});

export function standingNoteName(gateId: string): string {
  return `standing/${gateId}`;
}

/** The note that goes with the one about the arrival; nothing where time cannot be compared after a restart. */
export function standingNotes(
  machine: MachineUptime | undefined,
  gateId: string,
  arrival: { readonly epoch: string; readonly seq: number },
): readonly (readonly [string, string])[] {
  if (machine === undefined) return [];
  const { epoch, seq } = arrival;
  const note: z.infer<typeof noteSchema> = {
    ...{ epoch, seq },
    machineBootId: machine.bootId,
    machineUpMs: Math.floor(machine.upMs()),
  };
  return [[standingNoteName(gateId), JSON.stringify(note)]];
}

/** Whether the arrival was noted on this boot of the machine, and at most `withinMs` ago. */
export function wasThereJustNow(
  notes: OutboxNotes,
  { gateId, epoch, seq }: { readonly gateId: string; readonly epoch: string; readonly seq: number },
  machine: MachineUptime | undefined,
  withinMs: number,
): boolean {
  const text = notes.get(standingNoteName(gateId));
  if (machine === undefined || text === undefined) return false;
  const parsed = parseValue(noteSchema, parseJson(text));
  if (!parsed.ok) return false;
  const note = parsed.value;
  const agoMs = machine.upMs() - note.machineUpMs;
  const isOfThisArrival = note.epoch === epoch && note.seq === seq;
  return isOfThisArrival && note.machineBootId === machine.bootId && agoMs >= 0 && agoMs <= withinMs;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
