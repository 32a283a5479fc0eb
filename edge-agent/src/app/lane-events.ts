/** Turns what a lane reports into drafts for the outbox: with times, with seqs for arrivals, with the notes that survive a restart. */
import { hex128Schema, parseValue, seqSchema, slugSchema, admissionBasisSchema } from '@gatehouse/shared/edge';
import type { AdmissionBasis, EdgeEvent } from '@gatehouse/shared/edge';
import { z } from 'zod';
import type { ArrivalId, LaneEvent } from '../domain/lane/vocabulary.js';
import type { LossCount, MachineUptime } from './ports.js';
import { standingNoteName, standingNotes } from './standing-note.js';
import type { ArrivalSeqs, Draft, EventStamp } from './draft.js';

const noteSchema = z.strictObject({
  epoch: hex128Schema,
  seq: seqSchema,
  slotId: slugSchema.nullable(),
  basis: admissionBasisSchema,
});
/** What the outbox remembers of an open arrival. */
export type ArrivalNote = z.infer<typeof noteSchema>;

const arrivalPrefix = 'arrival/';

export function arrivalNoteName(gateId: string): string {
  return `${arrivalPrefix}${gateId}`;
}

/** The gate that a note is about; undefined for notes of other kinds. */
export function gateOfArrivalNote(name: string): string | undefined {
  return name.startsWith(arrivalPrefix) ? name.slice(arrivalPrefix.length) : undefined;
}

export function parseArrivalNote(text: string): ArrivalNote | undefined {
  const parsed = parseValue(noteSchema, parseJson(text));
  return parsed.ok ? parsed.value : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function arrivalName(gateId: string, arrivalId: ArrivalId): string {
  return `${gateId}#${String(arrivalId)}`;
}

export interface LaneEventContext {
  readonly gateId: string;
  readonly stamp: EventStamp;
  /** The epoch at the time of writing. */
  readonly epoch: () => string;
  readonly machine?: MachineUptime | undefined;
}

/** The draft of one lane event. */
export function draftOf(event: LaneEvent, context: LaneEventContext): Draft {
  const { gateId, stamp } = context;
  const name = (id: ArrivalId): string => arrivalName(gateId, id);
  const at = { ...stamp, gateId };
  const note = (
    slotId: string | null,
    basis: AdmissionBasis,
    seqOf: (seq: number, seqs: ArrivalSeqs) => number | undefined,
  ) => {
    return (seq: number, seqs: ArrivalSeqs): ReadonlyMap<string, string | null> => {
      const arrival = seqOf(seq, seqs);
      if (arrival === undefined) return new Map();
      return arrivalNotes(context.machine, gateId, { epoch: context.epoch(), seq: arrival, slotId, basis });
    };
  };
  const names = [arrivalNoteName(gateId), ...(context.machine === undefined ? [] : [standingNoteName(gateId)])];
  const forget = (): ReadonlyMap<string, null> => new Map(names.map((noteName) => [noteName, null]));

  switch (event.kind) {
    case 'vehicle-arrived': {
      const { arrivalId, supersedes, ...rest } = event;
      return {
        kind: event.kind,
        begins: name(arrivalId),
        loss: oneEvent,
        event: (seqs) => ({
          ...rest,
          ...at,
          supersedes: supersedes === null ? null : (seqs(name(supersedes)) ?? null),
        }),
        notes: note(null, 'none', (seq) => seq),
      };
    }
    case 'vehicle-admitted': {
      const { arrivalId, ...rest } = event;
      return {
        kind: event.kind,
        loss: oneEvent,
        event: withArrival(name(arrivalId), (arrival) => ({ ...rest, ...at, arrival })),
        notes: note(event.slotId, event.basis, (_seq, seqs) => seqs(name(arrivalId))),
      };
    }
    case 'vehicle-denied': {
      const { arrivalId, ...rest } = event;
      return {
        kind: event.kind,
        loss: oneEvent,
        event: withArrival(name(arrivalId), (arrival) => ({ ...rest, ...at, arrival })),
      };
    }
    case 'vehicle-passed': {
      const { arrivalId, ...rest } = event;
      return {
        kind: event.kind,
        ...(arrivalId === null ? {} : { ends: name(arrivalId), notes: forget }),
        loss: onePassage(event.direction),
        event: (seqs) => ({ ...rest, ...at, arrival: arrivalId === null ? null : (seqs(name(arrivalId)) ?? null) }),
      };
    }
    case 'vehicle-backed-out':
    case 'arrival-void':
    case 'arrival-unresolved': {
      const { arrivalId, ...rest } = event;
      return {
        kind: event.kind,
        ends: name(arrivalId),
        notes: forget,
        loss: oneEvent,
        event: withArrival(name(arrivalId), (arrival) => ({ ...rest, ...at, arrival })),
      };
    }
    case 'vehicle-tailgated': {
      const { leaderId, ...rest } = event;
      return {
        kind: event.kind,
        loss: onePassage(event.direction),
        event: (seqs) => ({ ...rest, ...at, leader: leaderId === null ? null : (seqs(name(leaderId)) ?? null) }),
      };
    }
    case 'free-flow-passed':
      return { kind: event.kind, loss: onePassage(event.direction), event: () => ({ ...event, ...at }) };
    case 'wrong-way': {
      const loss = event.passed ? onePassage(event.direction) : oneEvent;
      return { kind: event.kind, loss, event: () => ({ ...event, ...at }) };
    }
    case 'barrier-forced':
    case 'mode-changed':
    case 'fault-raised':
    case 'fault-cleared':
      return { kind: event.kind, loss: oneEvent, event: () => ({ ...event, ...at }) };
  }
}

export function arrivalNoteText(note: ArrivalNote): string {
  return JSON.stringify(note);
}

/** What the outbox is to remember of an open arrival. */
export function arrivalNotes(
  machine: MachineUptime | undefined,
  gateId: string,
  note: ArrivalNote,
): ReadonlyMap<string, string> {
  return new Map([[arrivalNoteName(gateId), arrivalNoteText(note)], ...standingNotes(machine, gateId, note)]);
}

function withArrival(name: string, make: (arrival: number) => EdgeEvent): (seqs: ArrivalSeqs) => EdgeEvent | null {
  return (seqs) => {
    const arrival = seqs(name);
    return arrival === undefined ? null : make(arrival);
  };
}

export const oneEvent: LossCount = { events: 1, entries: 0, exits: 0 };

function onePassage(direction: 'entry' | 'exit'): LossCount {
  return { events: 1, entries: direction === 'entry' ? 1 : 0, exits: direction === 'exit' ? 1 : 0 };
}
