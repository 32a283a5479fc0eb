/** What goes over into a new epoch, and how references between events follow. Done step by step, so that a long backlog fits. */
import { genesisHash } from '@gatehouse/shared/edge';
import type { EdgeEvent, EventOrigin, Sha256 } from '@gatehouse/shared/edge';
import { chainEvent, endAfter } from './chain.js';
import type { ChainEnd, OutboxEvent } from './chain.js';

/** How far the carrying over has come. */
export interface CarryOver {
  readonly end: ChainEnd;
  /** Where events went: each run of seqs of the old epoch became a run of the new one. */
  readonly moved: readonly Run[];
}

interface Run {
  readonly oldFirst: number;
  readonly newFirst: number;
  readonly count: number;
}

export function beginCarryOver(sha256: Sha256, newEpoch: string): CarryOver {
  return { end: { next: 1, lastHash: genesisHash(sha256, newEpoch) }, moved: [] };
}

/** The arrivals up to `acked`, by old seq, that these events speak of: they have to go along. */
export function arrivalsSpokenOf(events: readonly OutboxEvent[], acked: number): number[] {
  return events.flatMap(({ json }) => referencesOf(JSON.parse(json) as EdgeEvent).filter((seq) => seq <= acked));
}

/**
 * Chains more events (rising, of the old epoch) behind what was carried over before. Each names where it stood in the first epoch
 * it was in, so that an aggregator that has it already knows it. One that means nothing without an arrival that is not kept any
 * more is replaced by the report of its loss, under its own origin: who has it counts no loss.
 */
export function carryOver(
  sha256: Sha256,
  oldEpoch: string,
  before: CarryOver,
  events: readonly OutboxEvent[],
): { readonly after: CarryOver; readonly events: readonly OutboxEvent[] } {
  let { end } = before;
  const moved = [...before.moved];
  const carried: OutboxEvent[] = [];
  for (const old of events) {
    const event = JSON.parse(old.json) as EdgeEvent;
    const origin: EventOrigin = event.origin ?? { epoch: oldEpoch, seq: old.seq, hash: old.hash };
    const following = withNewReferences(event, (seq) => seqAfter(moved, seq)) ?? lossOf(event);
    const chained = chainEvent(sha256, end, { ...following, origin });
    carried.push(chained);
    addTo(moved, old.seq, chained.seq);
    end = endAfter(chained);
  }
  return { after: { end, moved }, events: carried };
}

/** Where an event of the old epoch stands in the new one; undefined if it did not go over. */
export function seqAfter(moved: readonly Run[], oldSeq: number): number | undefined {
  const run = moved.find(({ oldFirst, count }) => oldSeq >= oldFirst && oldSeq < oldFirst + count);
  return run === undefined ? undefined : run.newFirst + oldSeq - run.oldFirst;
}

function addTo(moved: Run[], oldSeq: number, newSeq: number): void {
  const last = moved.at(-1);
  const goesOn = last !== undefined && oldSeq === last.oldFirst + last.count && newSeq === last.newFirst + last.count;
  if (goesOn) moved[moved.length - 1] = { ...last, count: last.count + 1 };
  else moved.push({ oldFirst: oldSeq, newFirst: newSeq, count: 1 });
}

function lossOf({ atMs, monoMs, bootId }: EdgeEvent): EdgeEvent {
  return {
    ...{ kind: 'events-lost', atMs, monoMs, bootId },
    ...{ reason: 'arrival-not-kept', lost: 1, entries: 0, exits: 0 },
  };
}

function referencesOf(event: EdgeEvent): number[] {
  const references: (number | null)[] = [];
  if ('arrival' in event) references.push(event.arrival);
  if (event.kind === 'vehicle-arrived') references.push(event.supersedes);
  if (event.kind === 'vehicle-tailgated') references.push(event.leader);
  return references.filter((seq) => seq !== null);
}

/** null for an event that means nothing without its arrival. */
function withNewReferences(event: EdgeEvent, seqOf: (oldSeq: number) => number | undefined): EdgeEvent | null {
  const follow = (seq: number | null): number | null => (seq === null ? null : (seqOf(seq) ?? null));
  switch (event.kind) {
    case 'vehicle-arrived':
      return { ...event, supersedes: follow(event.supersedes) };
    case 'vehicle-tailgated':
      return { ...event, leader: follow(event.leader) };
    case 'vehicle-passed':
      return { ...event, arrival: follow(event.arrival) };
    case 'vehicle-admitted':
    case 'vehicle-denied':
    case 'vehicle-backed-out':
    case 'arrival-void':
    case 'arrival-unresolved': {
      const arrival = follow(event.arrival);
      return arrival === null ? null : { ...event, arrival };
    }
    default:
      return event;
  }
}
