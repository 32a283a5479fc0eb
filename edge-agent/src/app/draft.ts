/** What is to be recorded, before it has its place in the outbox, and how it gets it. */
import type { EdgeEvent, EdgeEventKind, Sha256 } from '@gatehouse/shared/edge';
import { chainEvent, endAfter } from '../domain/outbox/chain.js';
import type { ChainEnd } from '../domain/outbox/chain.js';
import type { LossCount, OutboxEvent } from './ports.js';

/** Answers the seq of the arrival that goes by this name; undefined if it was never recorded. */
export type ArrivalSeqs = (name: string) => number | undefined;

/** One thing to record: an event, notes, or both. */
export interface Draft {
  readonly kind: EdgeEventKind | 'notes';
  /** Called when the event is numbered, before `notes`; null if it came to nothing, as when its arrival could not be recorded. */
  readonly event?: (arrivals: ArrivalSeqs, seq: number) => EdgeEvent | null;
  /** Names the arrival that this event begins. */
  readonly begins?: string;
  /** Names the arrival that this event ends. */
  readonly ends?: string;
  readonly notes?: (seq: number, arrivals: ArrivalSeqs) => ReadonlyMap<string, string | null>;
  /** It tells of the run before, which nothing else will: kept while the store fails. */
  readonly ofFormerRun?: boolean;
  /** What to count if it cannot be kept. */
  readonly loss?: LossCount;
  /** It is durable. */
  readonly recorded?: (seq: number) => void;
  /** It is not, and will not be. */
  readonly lost?: () => void;
}

/** The notes that a new epoch begins with; null deletes. `seqOf` tells where an event of the old epoch stands in the new one. */
export type NotesOfEpoch = (
  epoch: string,
  seqOf: (oldSeq: number) => number | undefined,
) => ReadonlyMap<string, string | null>;

/** Times and boot of an event. */
export interface EventStamp {
  readonly atMs: number;
  readonly monoMs: number;
  readonly bootId: string;
}

export interface Numbered {
  readonly events: readonly OutboxEvent[];
  readonly notes: ReadonlyMap<string, string | null>;
  /** By draft; undefined for one that came to nothing. */
  readonly seqs: readonly (number | undefined)[];
  readonly arrivals: ReadonlyMap<string, number>;
  readonly end: ChainEnd;
}

/** Numbers and chains what the drafts say. `known` answers for arrivals that are in the outbox already. */
export function numberDrafts(sha256: Sha256, start: ChainEnd, drafts: readonly Draft[], known: ArrivalSeqs): Numbered {
  const arrivals = new Map<string, number>();
  const seqOf: ArrivalSeqs = (name) => arrivals.get(name) ?? known(name);
  const events: OutboxEvent[] = [];
  const notes = new Map<string, string | null>();
  const seqs: (number | undefined)[] = [];
  let end = start;
  for (const draft of drafts) {
    const seq = end.next;
    const event = draft.event?.(seqOf, seq);
    if (event === null) {
      seqs.push(undefined);
      continue;
    }
    if (event !== undefined) {
      const chained = chainEvent(sha256, end, event);
      events.push(chained);
      end = endAfter(chained);
      if (draft.begins !== undefined) arrivals.set(draft.begins, seq);
    }
    for (const [name, value] of draft.notes?.(seq, seqOf) ?? []) notes.set(name, value);
    seqs.push(seq);
  }
  return { events, notes, seqs, arrivals, end };
}
