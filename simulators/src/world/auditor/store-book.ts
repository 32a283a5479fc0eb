/** The aggregator's rows as they were committed, kept apart from the engine, with the sums that checks need. */
import type { ChangeSet, CursorRow, ReviewRow, SessionRow } from '@gatehouse/aggregator';
import type { EdgeEvent, SiteLayout } from '@gatehouse/shared';
import { passageOf } from './event-facts.js';
import type { PassageCount } from './event-facts.js';

export type SlotRow = ChangeSet['slots'][number];
export type LedgerRow = ChangeSet['ledgers'][number];
export type ArrivalRow = ChangeSet['arrivals'][number];

export interface SiteBook {
  readonly siteId: string;
  layout: SiteLayout | null;
  ledger: LedgerRow | null;
  readonly slots: Map<string, SlotRow>;
  /** Open and uncertain ones. */
  readonly sessions: Map<string, SessionRow>;
  readonly sessionsBySlot: Map<string, Set<string>>;
  readonly reservedFor: Map<string, string>;
  inService: number;
  reserved: number;
  held: number;
  certain: number;
  /** Arrivals that were admitted without a slot and have not ended. */
  readonly admittedWithoutSlot: Set<string>;
  /** What moved the count without a passage: acts of operators, true number. */
  residual: number;
  /** The same without sign, since the start of the run. */
  explained: number;
  /** The largest capacity it ever had. */
  mostCapacity: number;
  /** Edges whose next states show more acknowledged than is stored, with the seq up to which they must be heard again. */
  readonly toHear: Map<string, ToHear>;
  restored: Restored | null;
}

/** What is awaited after the store was replaced. */
export interface Restored {
  readonly edges: Map<string, { readonly epoch: string; readonly upTo: number }>;
  /** When the last of them was heard again. */
  heardAtMs: number | null;
  /** It never heals: a person went on before everybody had reported, or an edge had left the epoch that the copy knows. */
  forGood: boolean;
}

export interface ToHear {
  readonly epoch: string;
  readonly upTo: number;
  readonly sinceMs: number;
  acks: number;
  /** The aggregator has answered the state that shows it. */
  noticed: boolean;
  /** A person said to go on all the same. */
  overridden: boolean;
}

export interface StoredEpoch {
  upTo: number;
  hash: string;
  everUpTo: number;
  readonly hashes: Map<number, string>;
}

export interface StoreBook {
  readonly sites: Map<string, SiteBook>;
  readonly cursors: Map<string, CursorRow>;
  /** By arrival key; open and frozen ones. */
  readonly arrivals: Map<string, ArrivalRow>;
  /** Decisions ever stored for arrivals, those of ended arrivals for a while. */
  readonly decisions: Map<string, Set<string>>;
  readonly credentials: Map<string, string>;
  readonly commands: Set<string>;
  readonly openReviews: Map<string, ReviewRow>;
  /** Reviews about edges, ever: kind, edge, and when they were stored. */
  readonly alarms: { readonly kind: string; readonly edgeId: string; readonly atMs: number }[];
  /** Passages stored, by gate. */
  readonly passages: Map<string, PassageCount>;
  /** `site/slot` that were held and an operator took back: their edge may not know it yet, however they are held later. */
  readonly releasedByHand: Set<string>;
  /** `site/slot` and for whom it was held last, and until when. */
  readonly lastHeld: Map<string, { readonly edgeId: string; readonly epoch: string; readonly untilMs: number }>;
  /** Edges that have to report their holdings after a restore, by their allowance. */
  readonly mustReport: Map<string, string>;
  readonly origins: Map<string, string>;
  readonly revoked: Set<string>;
  /** `edge:epoch` of epochs that were replaced. */
  readonly retired: Set<string>;
  /** Passages counted as lost, by edge. */
  readonly lost: Map<string, PassageCount>;
  /** The site of each gate there ever was. */
  readonly gateSites: Map<string, string>;
  lastNoticeId: number;
  audit: { auditId: number; hash: string } | null;
  replacedAtMs: number | null;
  site(siteId: string): SiteBook;
  slot(siteId: string, slotId: string): SlotRow | undefined;
  siteOfEdge(edgeId: string): string | undefined;
  epoch(edgeId: string, epoch: string): StoredEpoch;
  storedUpTo(edgeId: string, epoch: string): number;
  everStoredUpTo(edgeId: string, epoch: string): number;
  /** It was replaced, and not everybody has reported since. */
  isRestored(siteId: string): boolean;
  /** Forgets all rows. */
  clear(): void;
  /** Takes the rows over; checks are made before and after. */
  apply(changes: ChangeSet, atMs: number): void;
}

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

export function createStoreBook(): StoreBook {
  const epochs = new Map<string, StoredEpoch>();
  const edgeSites = new Map<string, string>();
  const book: StoreBook = {
    sites: new Map(),
    cursors: new Map(),
    arrivals: new Map(),
    decisions: new Map(),
    credentials: new Map(),
    commands: new Set(),
    openReviews: new Map(),
    alarms: [],
    passages: new Map(),
    releasedByHand: new Set(),
    lastHeld: new Map(),
    mustReport: new Map(),
    origins: new Map(),
    revoked: new Set(),
    retired: new Set(),
    lost: new Map(),
    gateSites: new Map(),
    lastNoticeId: 0,
    audit: null,
    replacedAtMs: null,
    site(siteId) {
      let site = book.sites.get(siteId);
      if (site === undefined) {
        site = newSite(siteId);
        book.sites.set(siteId, site);
      }
      return site;
    },
    slot: (siteId, slotId) => book.sites.get(siteId)?.slots.get(slotId),
    siteOfEdge: (edgeId) => edgeSites.get(edgeId),
    epoch(edgeId, epoch) {
      const key = `${edgeId}:${epoch}`;
      let stored = epochs.get(key);
      if (stored === undefined) {
        stored = { upTo: 0, hash: '', everUpTo: 0, hashes: new Map() };
        epochs.set(key, stored);
      }
      return stored;
    },
    storedUpTo: (edgeId, epoch) => epochs.get(`${edgeId}:${epoch}`)?.upTo ?? 0,
    everStoredUpTo: (edgeId, epoch) => epochs.get(`${edgeId}:${epoch}`)?.everUpTo ?? 0,
    isRestored: (siteId) => (book.sites.get(siteId)?.restored ?? null) !== null,
    clear() {
      const kept = [...book.sites.values()].map(({ siteId, layout, explained, mostCapacity }) => {
        return { siteId, layout, explained, mostCapacity };
      });
      book.sites.clear();
      for (const site of kept) Object.assign(book.site(site.siteId), site);
      for (const map of [book.cursors, book.arrivals, book.decisions, book.openReviews, book.passages]) map.clear();
      for (const map of [book.origins, book.lost, book.lastHeld, book.mustReport]) map.clear();
      for (const set of [book.commands, book.revoked, book.retired]) set.clear();
      for (const stored of epochs.values()) {
        stored.upTo = 0;
        stored.hash = '';
        stored.hashes.clear();
      }
      book.lastNoticeId = 0;
      book.audit = null;
    },
    apply(changes, atMs) {
      for (const edge of changes.edges) {
        edgeSites.set(edge.edgeId, edge.siteId);
        if (edge.revokedAtMs === null) book.revoked.delete(edge.edgeId);
        else book.revoked.add(edge.edgeId);
      }
      for (const row of changes.credentials) book.credentials.set(row.credentialId, row.value);
      for (const row of changes.commands) book.commands.add(row.commandId);
      for (const row of changes.sites) {
        book.site(row.siteId).layout = row.layout;
        for (const { gateId } of row.layout.gates) book.gateSites.set(gateId, row.siteId);
      }
      for (const { siteId, slotId } of changes.removedSlots) putSlot(book.site(siteId), slotId, undefined);
      for (const row of changes.slots) noteHolding(book, row, atMs);
      for (const row of changes.allowances) {
        if (row.mustReport) book.mustReport.set(row.edgeId, row.siteId);
        else book.mustReport.delete(row.edgeId);
      }
      for (const row of changes.slots) putSlot(book.site(row.siteId), row.slotId, { ...row });
      for (const { siteId } of [...changes.sites, ...changes.slots]) {
        const site = book.site(siteId);
        site.mostCapacity = Math.max(site.mostCapacity, capacityOf(site));
      }
      for (const row of changes.sessions) putSession(book.site(row.siteId), { ...row });
      for (const row of changes.arrivals) putArrival(book, { ...row });
      for (const row of changes.ledgers) book.site(row.siteId).ledger = { ...row };
      for (const row of changes.reviews) putReview(book, row, atMs);
      for (const row of changes.retiredEpochs) {
        book.epoch(row.edgeId, row.epoch).upTo = row.upTo;
        book.retired.add(`${row.edgeId}:${row.epoch}`);
      }
      for (const row of changes.removedRetiredEpochs) book.retired.delete(`${row.edgeId}:${row.epoch}`);
      for (const row of changes.cursors) putCursor(book, { ...row });
      for (const row of changes.events) putEvent(book, row);
      book.lastNoticeId = changes.notices.reduce((last, row) => Math.max(last, row.noticeId), book.lastNoticeId);
      book.audit = changes.audit.reduce(
        (last, row) => (last === null || row.auditId > last.auditId ? row : last),
        book.audit,
      );
    },
  };
  return book;
}

/** Vehicles the site takes: what the layout says, or one a slot in service. */
export function capacityOf(site: SiteBook): number {
  return site.layout?.capacity ?? site.inService;
}

function newSite(siteId: string): SiteBook {
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

function noteHolding(book: StoreBook, row: SlotRow, atMs: number): void {
  const old = book.slot(row.siteId, row.slotId);
  if (old?.state !== 'held' || old.heldBy === null || old.heldEpoch === null) return;
  book.lastHeld.set(`${row.siteId}/${row.slotId}`, { edgeId: old.heldBy, epoch: old.heldEpoch, untilMs: atMs });
}

function putSlot(site: SiteBook, slotId: string, row: SlotRow | undefined): void {
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

function putSession(site: SiteBook, row: SessionRow): void {
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

function putArrival(book: StoreBook, row: ArrivalRow): void {
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

function putReview(book: StoreBook, row: ReviewRow, atMs: number): void {
  if (row.resolvedAtMs === null) {
    if (!book.openReviews.has(row.reviewId) && row.edgeId !== null) {
      book.alarms.push({ kind: row.kind, edgeId: row.edgeId, atMs });
      if (book.alarms.length > maxAlarms) book.alarms.shift();
    }
    book.openReviews.set(row.reviewId, row);
  } else book.openReviews.delete(row.reviewId);
}

function putCursor(book: StoreBook, row: CursorRow): void {
  book.cursors.set(row.edgeId, row);
  const stored = book.epoch(row.edgeId, row.epoch);
  stored.upTo = row.upTo;
  stored.hash = row.hash;
  stored.everUpTo = Math.max(stored.everUpTo, row.upTo);
  if (row.hash !== '') stored.hashes.set(row.upTo, row.hash);
}

function putEvent(book: StoreBook, row: ChangeSet['events'][number]): void {
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
