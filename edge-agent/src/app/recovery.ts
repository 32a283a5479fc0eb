/** What a start has to tell of the run before it. */
import type { LaneMode } from '@gatehouse/shared/edge';
import { formerArrivalId } from '../domain/lane/vocabulary.js';
import type { OrderedMode } from '../domain/lane/vocabulary.js';
import {
  arrivalName,
  arrivalNoteName,
  arrivalNoteText,
  gateOfArrivalNote,
  oneEvent,
  parseArrivalNote,
} from './lane-events.js';
import type { ArrivalNote } from './lane-events.js';
import type { OutboxNotes, OutboxSnapshot } from './ports.js';
import type { Draft, EventStamp } from './draft.js';

const modePrefix = 'mode/';
const commandPrefix = 'command/';

export function modeNoteName(gateId: string): string {
  return `${modePrefix}${gateId}`;
}

export function commandNoteName(commandId: string): string {
  return `${commandPrefix}${commandId}`;
}

/** The mode an operator left the lane in. */
export function modeOfNote(notes: OutboxNotes, gateId: string): OrderedMode {
  const mode = notes.get(modeNoteName(gateId)) as LaneMode | undefined;
  return mode === 'hold-open' || mode === 'locked' ? mode : 'automatic';
}

/**
 * One terminal event for each arrival that was open, one answer for each command that was begun. None may be lost to a store that
 * fails at the start: an arrival would stay open for ever. Of vehicles that may still stand there, their lanes tell.
 */
export function recoveryDrafts(
  snapshot: OutboxSnapshot,
  stamp: () => EventStamp,
  mayStandThere: ReadonlyMap<string, unknown>,
): Draft[] {
  const drafts: Draft[] = [];
  if (snapshot.damaged !== null) {
    drafts.push({
      kind: 'events-lost',
      ofFormerRun: true,
      event: () => ({ kind: 'events-lost', ...stamp(), reason: 'outbox-damaged', lost: 0, entries: 0, exits: 0 }),
    });
  }
  for (const [name, text] of snapshot.notes) {
    const gateId = gateOfArrivalNote(name);
    if (gateId !== undefined && mayStandThere.has(gateId)) continue;
    if (gateId !== undefined) drafts.push(unresolved(name, gateId, parseArrivalNote(text), snapshot.epoch, stamp));
    else if (name.startsWith(commandPrefix)) drafts.push(unknownCommand(name, text, stamp));
  }
  return drafts;
}

/** An arrival that the former run left open, by the name under which the recorder finds it until it is told of. */
export interface FormerArrival extends ArrivalNote {
  readonly gateId: string;
  readonly name: string;
}

export function formerArrivals({ notes, epoch }: OutboxSnapshot): FormerArrival[] {
  return [...notes].flatMap(([noteName, text]) => {
    const gateId = gateOfArrivalNote(noteName);
    const note = gateId === undefined ? undefined : parseArrivalNote(text);
    return gateId === undefined || note?.epoch !== epoch ? [] : [{ ...note, gateId, name: formerName(gateId) }];
  });
}

/** So that they can still be told of. `seqNow`: where an arrival stands now if it is open; `seqOf`: where that is then. */
export function formerNotesForNewEpoch(
  former: readonly FormerArrival[],
  epoch: string,
  seqNow: (name: string) => number | undefined,
  seqOf: (oldSeq: number) => number | undefined,
): ReadonlyMap<string, string> {
  const notes = new Map<string, string>();
  for (const { gateId, name, slotId, basis } of former) {
    const oldSeq = seqNow(name);
    const seq = oldSeq === undefined ? undefined : seqOf(oldSeq);
    if (seq !== undefined) notes.set(arrivalNoteName(gateId), arrivalNoteText({ epoch, seq, slotId, basis }));
  }
  return notes;
}

function formerName(gateId: string): string {
  return arrivalName(gateId, formerArrivalId);
}

function unresolved(
  name: string,
  gateId: string,
  note: ArrivalNote | undefined,
  epoch: string,
  stamp: () => EventStamp,
): Draft {
  const notes = (): ReadonlyMap<string, null> => new Map([[name, null]]);
  // A note of another epoch is of an outbox that was lost: its arrivals are frozen at the aggregator.
  if (note?.epoch !== epoch) return { kind: 'notes', notes };
  return {
    kind: 'arrival-unresolved',
    ofFormerRun: true,
    ends: formerName(gateId),
    loss: oneEvent,
    notes,
    // A new epoch may begin before it is told: it has another seq then, or none if its beginning is not kept any more.
    event: (seqs) => {
      const arrival = seqs(formerName(gateId));
      if (arrival === undefined) return null;
      const { slotId, basis } = note;
      return { kind: 'arrival-unresolved', ...stamp(), gateId, arrival, slotId, basis };
    },
  };
}

function unknownCommand(name: string, gateId: string, stamp: () => EventStamp): Draft {
  return {
    kind: 'command-unknown',
    ofFormerRun: true,
    loss: oneEvent,
    notes: () => new Map([[name, null]]),
    event: () => ({ kind: 'command-unknown', ...stamp(), gateId, commandId: name.slice(commandPrefix.length) }),
  };
}
