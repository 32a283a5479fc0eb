/** What a start has to tell of the run before it. */
import type { LaneMode } from '@gatehouse/shared';
import type { OrderedMode } from '../domain/lane/vocabulary.js';
import { gateOfArrivalNote, oneEvent, parseArrivalNote } from './lane-events.js';
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
 * fails at the start: an arrival would stay open for ever.
 */
export function recoveryDrafts(snapshot: OutboxSnapshot, stamp: () => EventStamp): Draft[] {
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
    if (gateId !== undefined) drafts.push(unresolved(name, gateId, text, snapshot.epoch, stamp));
    else if (name.startsWith(commandPrefix)) drafts.push(unknownCommand(name, text, stamp));
  }
  return drafts;
}

function unresolved(name: string, gateId: string, text: string, epoch: string, stamp: () => EventStamp): Draft {
  const note = parseArrivalNote(text);
  const notes = (): ReadonlyMap<string, null> => new Map([[name, null]]);
  // A note of another epoch is of an outbox that was lost: its arrivals are frozen at the aggregator.
  if (note?.epoch !== epoch) return { kind: 'notes', notes };
  return {
    kind: 'arrival-unresolved',
    ofFormerRun: true,
    loss: oneEvent,
    notes,
    event: () => ({
      kind: 'arrival-unresolved',
      ...stamp(),
      gateId,
      arrival: note.seq,
      slotId: note.slotId,
      basis: note.basis,
    }),
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
