/** What goes over into a new epoch, and how references between events follow. */
import { genesisHash } from '@gatehouse/shared';
import type { EdgeEvent, EventOrigin, Sha256 } from '@gatehouse/shared';
import { chainEvent, endAfter } from './chain.js';
import type { ChainEnd, OutboxEvent } from './chain.js';

export interface CarryOver {
  readonly events: readonly OutboxEvent[];
  readonly end: ChainEnd;
  /** Old seq → new seq of every event that was carried over. */
  readonly seqs: ReadonlyMap<number, number>;
  /** Events that named an arrival that is not kept any more, and mean nothing without it. */
  readonly dropped: number;
}

/** The arrivals, by old seq, that these events speak of and that are not among them. */
export function arrivalsSpokenOf(events: readonly OutboxEvent[]): number[] {
  const present = new Set(events.map((event) => event.seq));
  const missing = new Set<number>();
  for (const { json } of events) {
    for (const seq of referencesOf(JSON.parse(json) as EdgeEvent)) if (!present.has(seq)) missing.add(seq);
  }
  return [...missing].sort((a, b) => a - b);
}

/**
 * Chains `events` (rising, of the old epoch) from the start of the new epoch. Each names where it stood in the first epoch it was
 * in, so that an aggregator that has it already knows it.
 */
export function carryOver(
  sha256: Sha256,
  oldEpoch: string,
  newEpoch: string,
  events: readonly OutboxEvent[],
): CarryOver {
  const seqs = new Map<number, number>();
  const carried: OutboxEvent[] = [];
  let end: ChainEnd = { next: 1, lastHash: genesisHash(sha256, newEpoch) };
  let dropped = 0;
  for (const old of events) {
    const event = withNewReferences(JSON.parse(old.json) as EdgeEvent, seqs);
    if (event === null) {
      dropped += 1;
      continue;
    }
    const origin: EventOrigin = event.origin ?? { epoch: oldEpoch, seq: old.seq, hash: old.hash };
    const chained = chainEvent(sha256, end, { ...event, origin });
    carried.push(chained);
    seqs.set(old.seq, chained.seq);
    end = endAfter(chained);
  }
  return { events: carried, end, seqs, dropped };
}

function referencesOf(event: EdgeEvent): number[] {
  const references: (number | null)[] = [];
  if ('arrival' in event) references.push(event.arrival);
  if (event.kind === 'vehicle-arrived') references.push(event.supersedes);
  if (event.kind === 'vehicle-tailgated') references.push(event.leader);
  return references.filter((seq) => seq !== null);
}

/** null for an event that means nothing without its arrival. */
function withNewReferences(event: EdgeEvent, seqs: ReadonlyMap<number, number>): EdgeEvent | null {
  const follow = (seq: number | null): number | null => (seq === null ? null : (seqs.get(seq) ?? null));
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
