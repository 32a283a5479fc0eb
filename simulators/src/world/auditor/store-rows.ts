/** One row more in the books of the store, with the sums that follow it. */
import type { ChangeSet, CursorRow, ReviewRow, SessionRow } from '@gatehouse/aggregator';
import type { EdgeEvent } from '@gatehouse/shared';
import { passageOf } from './event-facts.js';
import type { PassageCount } from './event-facts.js';
import type { ArrivalRow, SiteBook, SlotRow, StoreBook } from './store-types.js';

/** Ended arrivals whose decisions are remembered. */
const maxDecided = 5_000;
/** Hashes remembered of one epoch. */
const maxHashes = 20_000;
const maxOrigins = 100_000;
const maxAlarms = 100_000;

export function keyOfArrival(row: { edgeId: string; epoch: string; seq: number }): string {
  return `${row.edgeId}:${row.epoch}:${String(row.seq)}`;
}

export function decisionText(decision: {
  revision: number;
  outcome: string;
  basis: string;
  slotId: string | null;
}): string {
  return `${String(decision.revision)} ${decision.outcome} ${decision.basis} ${decision.slotId ?? '-'}`;
}

/** Vehicles the site takes: what the layout says, or one a slot in service. */
export function capacityOf(site: SiteBook): number {
  return site.layout?.capacity ?? site.inService;
}

export function newSite(siteId: string): SiteBook {
  return {
    siteId,
    layout: null,
    ledger: null,
    slots: new Map(),
    sessions: new Map(),
    sessionsBySlot: new Map(),
    reservedFor: new Map(),
    inService: 0,
    reserved: 0,
    held: 0,
    certain: 0,
    admittedWithoutSlot: new Set(),
    residual: 0,
    explained: 0,
    mostCapacity: 0,
    toHear: new Map(),
    restored: null,
  };
}

export function noteHolding(book: StoreBook, row: SlotRow, atMs: number): void {
  const old = book.slot(row.siteId, row.slotId);
  if (old?.state !== 'held' || old.heldBy === null || old.heldEpoch === null) return;
  book.lastHeld.set(`${row.siteId}/${row.slotId}`, { edgeId: old.heldBy, epoch: old.heldEpoch, untilMs: atMs });
}

export function putSlot(site: SiteBook, slotId: string, row: SlotRow | undefined): void {
  const old = site.slots.get(slotId);
  if (old !== undefined) count(site, old, -1);
  if (row === undefined) site.slots.delete(slotId);
  else {
    site.slots.set(slotId, row);
    count(site, row, 1);
  }
}

function count(site: SiteBook, row: SlotRow, by: 1 | -1): void {
  if (row.outOfService === null) site.inService += by;
  if (row.state === 'held') site.held += by;
  if (row.state !== 'reserved') return;
  site.reserved += by;
  if (row.arrivalKey === null) return;
  if (by === 1) site.reservedFor.set(row.arrivalKey, row.slotId);
  else if (site.reservedFor.get(row.arrivalKey) === row.slotId) site.reservedFor.delete(row.arrivalKey);
}

export function putSession(site: SiteBook, row: SessionRow): void {
  const old = site.sessions.get(row.sessionId);
  if (old !== undefined) {
    if (old.state === 'open') site.certain -= 1;
    if (old.slotId !== null) site.sessionsBySlot.get(old.slotId)?.delete(old.sessionId);
  }
  if (row.state !== 'open' && row.state !== 'uncertain') {
    site.sessions.delete(row.sessionId);
    return;
  }
  site.sessions.set(row.sessionId, row);
  if (row.state === 'open') site.certain += 1;
  if (row.slotId === null) return;
  let there = site.sessionsBySlot.get(row.slotId);
  if (there === undefined) {
    there = new Set();
    site.sessionsBySlot.set(row.slotId, there);
  }
  there.add(row.sessionId);
}

export function putArrival(book: StoreBook, row: ArrivalRow): void {
  const key = keyOfArrival(row);
  const isWaiting = row.state === 'open' || row.state === 'frozen';
  if (isWaiting) book.arrivals.set(key, row);
  else book.arrivals.delete(key);
  const { decision } = row;
  const site = book.site(row.siteId);
  const withoutSlot =
    isWaiting && row.direction === 'entry' && decision?.outcome === 'admit' && decision.slotId === null;
  if (withoutSlot) site.admittedWithoutSlot.add(key);
  else site.admittedWithoutSlot.delete(key);
  if (decision === null) return;
  let texts = book.decisions.get(key);
  if (texts === undefined) {
    texts = new Set();
    book.decisions.set(key, texts);
    for (const oldest of book.decisions.keys()) {
      if (book.decisions.size <= maxDecided) break;
      if (!book.arrivals.has(oldest)) book.decisions.delete(oldest);
      else break;
    }
  }
  texts.add(decisionText(decision));
}

export function putReview(book: StoreBook, row: ReviewRow, atMs: number): void {
  if (row.resolvedAtMs === null) {
    if (!book.openReviews.has(row.reviewId) && row.edgeId !== null) {
      book.alarms.push({ kind: row.kind, edgeId: row.edgeId, atMs });
      if (book.alarms.length > maxAlarms) book.alarms.shift();
    }
    book.openReviews.set(row.reviewId, row);
  } else book.openReviews.delete(row.reviewId);
}

export function putCursor(book: StoreBook, row: CursorRow): void {
  book.cursors.set(row.edgeId, row);
  const stored = book.epoch(row.edgeId, row.epoch);
  stored.upTo = row.upTo;
  stored.hash = row.hash;
  stored.everUpTo = Math.max(stored.everUpTo, row.upTo);
  if (row.hash !== '') stored.hashes.set(row.upTo, row.hash);
}

export function putEvent(book: StoreBook, row: ChangeSet['events'][number]): void {
  const { hashes } = book.epoch(row.edgeId, row.epoch);
  hashes.set(row.seq, row.hash);
  forgetOldest(hashes, maxHashes);
  const place = `${row.edgeId}/${row.epoch}:${String(row.seq)}`;
  book.origins.set(originOfRow(row), place);
  forgetOldest(book.origins, maxOrigins);
  const event = JSON.parse(row.body) as EdgeEvent;
  const direction = passageOf(event);
  if (direction !== null && row.gateId !== null) passageCount(book.passages, row.gateId)[direction] += 1;
  if (event.kind !== 'events-lost') return;
  const lost = passageCount(book.lost, row.edgeId);
  lost.entry += event.entries;
  lost.exit += event.exits;
}

export function passageCount(counts: Map<string, PassageCount>, name: string): PassageCount {
  let passages = counts.get(name);
  if (passages === undefined) {
    passages = { entry: 0, exit: 0 };
    counts.set(name, passages);
  }
  return passages;
}

/** `edge/epoch:seq:hash` of where the event stood first. */
export function originOfRow(row: ChangeSet['events'][number]): string {
  return `${row.edgeId}/${row.origin ?? `${row.epoch}:${String(row.seq)}:${row.hash}`}`;
}

function forgetOldest<K, V>(map: Map<K, V>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return;
    map.delete(key);
  }
}
