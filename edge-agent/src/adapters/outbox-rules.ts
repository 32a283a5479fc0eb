/** What every outbox store has in common: its bounds, the check of a write, and when acknowledgements came. */
import { OutboxError } from '../app/ports.js';
import type { LossCount, OutboxNotes, OutboxWrite } from '../app/ports.js';

export interface OutboxBounds {
  /** Events that are not acknowledged. */
  readonly maxEvents: number;
  /** UTF-8 bytes of the canonical JSON of all events kept. */
  readonly maxBytes: number;
}

export const outboxBoundsDefaults: OutboxBounds = { maxEvents: 1_000_000, maxBytes: 512 * 1024 * 1024 };

export const maxNotes = 256;
export const maxNotesBytes = 512 * 1024;

export const noLoss: LossCount = { events: 0, entries: 0, exits: 0 };

export function applyLoss(count: LossCount, change: LossCount, sign: 1 | -1): LossCount {
  return {
    events: Math.max(0, count.events + sign * change.events),
    entries: Math.max(0, count.entries + sign * change.entries),
    exits: Math.max(0, count.exits + sign * change.exits),
  };
}

export interface OutboxFill {
  readonly next: number;
  readonly unacknowledgedEvents: number;
  readonly keptBytes: number;
  readonly notes: OutboxNotes;
}

/**
 * Refuses a write that has no room or does not continue the sequence; answers its size.
 * @throws OutboxError `full` beyond a bound; RangeError for a seq out of order, which only a programming error can cause.
 */
export function checkWrite(write: OutboxWrite, fill: OutboxFill, bounds: OutboxBounds): { readonly bytes: number } {
  let bytes = 0;
  let expected = fill.next;
  for (const event of write.events) {
    if (event.seq !== expected) throw new RangeError(`event ${String(event.seq)} where ${String(expected)} is next`);
    expected += 1;
    bytes += Buffer.byteLength(event.json);
  }
  if (write.events.length > 0 && fill.unacknowledgedEvents + write.events.length > bounds.maxEvents) {
    throw new OutboxError('full', `the outbox holds its ${String(bounds.maxEvents)} unacknowledged events`);
  }
  if (write.events.length > 0 && fill.keptBytes + bytes > bounds.maxBytes) {
    throw new OutboxError('full', `the outbox holds its ${String(bounds.maxBytes)} bytes`);
  }
  if (write.notes !== undefined && write.notes.size > 0) checkNotes(fill.notes, write.notes);
  return { bytes };
}

function checkNotes(present: OutboxNotes, changes: ReadonlyMap<string, string | null>): void {
  const after = new Map<string, string | null>([...present, ...changes]);
  let entries = 0;
  let bytes = 0;
  for (const [name, value] of after) {
    if (value === null) continue;
    entries += 1;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (entries > maxNotes || bytes > maxNotesBytes) {
    throw new OutboxError(
      'full',
      `notes take ${String(entries)} entries of ${String(bytes)} bytes; at most ${String(maxNotes)} of ${String(maxNotesBytes)}`,
    );
  }
}

/** Everything up to `upTo` was acknowledged at `atMs` or before. */
export interface AcknowledgementMark {
  readonly id: number;
  readonly startedMs: number;
  readonly atMs: number;
  readonly upTo: number;
}

/** Acknowledgements within this time share a mark, so that a week of them stays small; retention is late by at most as much. */
export const markWidthMs = 60_000;

/** More marks than a fortnight's are merged into the newest. */
export const maxMarks = 20_160;

export interface Acknowledgements {
  add(upTo: number, atMs: number): AcknowledgementMark;
  /** The highest seq that was acknowledged before `beforeMs`; 0 if none. */
  upToBefore(beforeMs: number): number;
  rewind(upTo: number): void;
  /** Forgets what lies wholly below `oldest`. */
  forgetBelow(oldest: number): void;
  /** The time of the newest one; 0 if there is none. */
  newestMs(): number;
  marks(): readonly AcknowledgementMark[];
}

export function createAcknowledgements(initial: readonly AcknowledgementMark[]): Acknowledgements {
  let marks = [...initial];
  return {
    add(upTo, atMs) {
      const last = marks.at(-1);
      const shared = last !== undefined && (Math.abs(atMs - last.startedMs) < markWidthMs || marks.length >= maxMarks);
      const mark = shared
        ? { id: last.id, startedMs: last.startedMs, atMs: Math.max(last.atMs, atMs), upTo: Math.max(last.upTo, upTo) }
        : { id: (last?.id ?? 0) + 1, startedMs: atMs, atMs, upTo };
      if (shared) marks[marks.length - 1] = mark;
      else marks.push(mark);
      return mark;
    },
    upToBefore(beforeMs) {
      let upTo = 0;
      for (const mark of marks) if (mark.atMs < beforeMs) upTo = Math.max(upTo, mark.upTo);
      return upTo;
    },
    rewind(upTo) {
      marks = marks.filter((mark) => mark.upTo <= upTo);
    },
    forgetBelow(oldest) {
      marks = marks.filter((mark, index) => mark.upTo >= oldest || index === marks.length - 1);
    },
    newestMs: () => marks.at(-1)?.atMs ?? 0,
    marks: () => marks,
  };
}
