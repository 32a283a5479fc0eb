/**
 * The state of one site in memory, with the indices that make a decision cost the same in a site of a hundred slots and of a
 * hundred thousand. Only `evolve` changes it. Outside the domain, read it through the queries.
 */
import { hasUnknown, skeleton } from '@gatehouse/shared';
import type { LayoutGate, SlotClass } from '@gatehouse/shared';
import type { KnownCredential } from './inputs.js';
import { createRankedSet } from './ranked-set.js';
import type { RankedSet } from './ranked-set.js';
import type {
  AllowanceRow,
  ArrivalKey,
  ArrivalRow,
  LedgerRow,
  ReviewRow,
  SessionRow,
  SiteRow,
  SlotRow,
} from './rows.js';
import { arrivalKey } from './rows.js';
import { tallySlot } from './slot-tally.js';
import type { SlotTally } from './slot-tally.js';

/** Bounds of the engine. */
export const engineLimits = {
  /** Unmatched exits kept for late entries; the oldest are dropped first, their marks stay. */
  maxUnmatchedExits: 64,
  /** Sessions named in one review. */
  maxCandidates: 10,
  /** An entry this close before an unmatched exit is another vehicle's: nobody parks and leaves again so quickly. */
  minStayMs: 10_000,
  /** Sessions that wait for one slot which a restored store believes to be somebody else's. */
  maxClaims: 64,
  /** Gates kept after a layout took them away. The oldest are forgotten first, those before that have nothing left to tell. */
  maxRetiredGates: 1_000,
  /** Sessions that one correction of the count may open or close. */
  maxCorrection: 100_000,
} as const;

export interface SiteState {
  readonly siteId: string;
  /** null until a layout was put. */
  site: SiteRow | null;
  ledger: LedgerRow;
  readonly slots: Map<string, SlotRow>;
  /** By edge. */
  readonly allowances: Map<string, AllowanceRow>;
  /** Open and uncertain ones, in the order they were recorded. */
  readonly sessions: Map<string, SessionRow>;
  /** Open and frozen ones. */
  readonly arrivals: Map<ArrivalKey, ArrivalRow>;
  /** Unresolved ones. */
  readonly reviews: Map<string, ReviewRow>;
  readonly credentials: Map<string, KnownCredential>;
  readonly gates: Map<string, LayoutGate>;

  /** Free slots in service, by zone and class. */
  readonly free: Map<string, RankedSet>;
  readonly slotByRank: Map<number, string>;
  /** Of all slots in code-unit order, made when it is asked for; null again when a slot was added or removed. */
  slotIdsInOrder: readonly string[] | null;
  /** All slots, counted by zone and class, under the same keys as the free ones. */
  readonly tallies: Map<string, SlotTally>;
  readonly counts: {
    free: number;
    reserved: number;
    occupied: number;
    held: number;
    /** Of the held ones, those that only an operator may release. */
    heldFrozen: number;
    outOfService: number;
    inService: number;
  };
  /** Edge → the slots that are set aside for it. */
  readonly holdings: Map<string, Holdings>;
  /** Arrivals that a slot is reserved for. */
  readonly reservedFor: Map<ArrivalKey, string>;
  /** Arrivals admitted without a slot: they take room too. */
  readonly admittedWithoutSlot: Set<ArrivalKey>;
  /** Open sessions without a readable credential, oldest first. */
  readonly anonymous: Set<string>;
  readonly uncertain: Set<string>;
  readonly sessionsByCredential: Map<string, Set<string>>;
  readonly sessionsBySkeleton: Map<string, Set<string>>;
  /** Sessions whose plate has characters that could not be made out. */
  readonly sessionsWithUnknown: Set<string>;
  /** Gate → the review of its present period of free flow. */
  readonly freeFlowReviews: Map<string, string>;
  /** Entry edges of which everything they have written is known here. */
  readonly currentEdges: Set<string>;
  /** Since this state was read from the store, a restore was noticed, or went on. */
  hasNoticedRestore: boolean;

  readonly dirty: Dirty;
}

export interface Holdings {
  readonly slotIds: Set<string>;
  /** How many of them the edge may give out: neither frozen nor wanted back. */
  readonly usable: Map<SlotClass, number>;
}

export interface Dirty {
  site: boolean;
  ledger: boolean;
  slots: Map<string, SlotRow>;
  allowances: Map<string, AllowanceRow>;
  removedSlots: Set<string>;
  sessions: Map<string, SessionRow>;
  arrivals: Map<ArrivalKey, ArrivalRow>;
  reviews: Map<string, ReviewRow>;
}

/** Rows that changed since they were last taken. The rows are copies. */
export interface SiteChanges {
  readonly sites: SiteRow[];
  readonly ledgers: LedgerRow[];
  readonly slots: SlotRow[];
  readonly allowances: AllowanceRow[];
  readonly sessions: SessionRow[];
  readonly arrivals: ArrivalRow[];
  readonly reviews: ReviewRow[];
  readonly removedSlots: { siteId: string; slotId: string }[];
}

/** What the store kept of one site. */
export interface StoredSite {
  readonly site: SiteRow;
  readonly ledger: LedgerRow;
  readonly slots: readonly SlotRow[];
  readonly allowances: readonly AllowanceRow[];
  readonly sessions: readonly SessionRow[];
  readonly arrivals: readonly ArrivalRow[];
  readonly reviews: readonly ReviewRow[];
  /** Credentials that its open sessions and arrivals refer to. */
  readonly credentials: ReadonlyMap<string, KnownCredential>;
}

/** A site that has no layout yet: apply `put-layout` to it. */
export function newSite(siteId: string): SiteState {
  return {
    siteId,
    site: null,
    ledger: {
      siteId,
      count: 0,
      entriesTotal: 0,
      exitsTotal: 0,
      ticketsIssued: 0,
      recoveringEdges: [],
      unmatchedExits: [],
    },
    slots: new Map(),
    allowances: new Map(),
    sessions: new Map(),
    arrivals: new Map(),
    reviews: new Map(),
    credentials: new Map(),
    gates: new Map(),
    free: new Map(),
    slotByRank: new Map(),
    slotIdsInOrder: null,
    tallies: new Map(),
    counts: { free: 0, reserved: 0, occupied: 0, held: 0, heldFrozen: 0, outOfService: 0, inService: 0 },
    holdings: new Map(),
    reservedFor: new Map(),
    admittedWithoutSlot: new Set(),
    anonymous: new Set(),
    uncertain: new Set(),
    sessionsByCredential: new Map(),
    sessionsBySkeleton: new Map(),
    sessionsWithUnknown: new Set(),
    freeFlowReviews: new Map(),
    currentEdges: new Set(),
    hasNoticedRestore: false,
    dirty: {
      site: false,
      ledger: false,
      slots: new Map(),
      allowances: new Map(),
      removedSlots: new Set(),
      sessions: new Map(),
      arrivals: new Map(),
      reviews: new Map(),
    },
  };
}

/** The state as it was when `stored` was committed. */
export function restoreSite(stored: StoredSite): SiteState {
  const state = newSite(stored.site.siteId);
  // Layouts are replaced as a whole, never changed.
  state.site = { ...stored.site };
  state.ledger = structuredClone(stored.ledger);
  for (const gate of state.site.layout.gates) state.gates.set(gate.gateId, gate);
  for (const [credentialId, credential] of stored.credentials) state.credentials.set(credentialId, credential);
  for (const allowance of stored.allowances) state.allowances.set(allowance.edgeId, structuredClone(allowance));
  for (const slot of stored.slots) {
    const row = { ...slot, recall: slot.recall === null ? null : structuredClone(slot.recall) };
    state.slots.set(row.slotId, row);
    indexSlot(state, row);
  }
  for (const session of [...stored.sessions].sort((a, b) => a.entryAtMs - b.entryAtMs || a.ticket - b.ticket)) {
    const row = { ...session };
    state.sessions.set(row.sessionId, row);
    indexSession(state, row);
  }
  for (const arrival of stored.arrivals) {
    const row = structuredClone(arrival);
    state.arrivals.set(arrivalKey(row), row);
    indexArrival(state, arrivalKey(row));
  }
  for (const review of stored.reviews) {
    state.reviews.set(review.reviewId, structuredClone(review));
    if (review.kind === 'free-flow' && review.gateId !== null)
      state.freeFlowReviews.set(review.gateId, review.reviewId);
  }
  return state;
}

/** Takes the rows that changed since the last time, as copies. */
export function takeChanges(state: SiteState): SiteChanges {
  const { dirty, siteId } = state;
  const changes: SiteChanges = {
    sites: dirty.site && state.site !== null ? [structuredClone(state.site)] : [],
    ledgers: dirty.ledger ? [copyOfLedger(state.ledger)] : [],
    slots: [...dirty.slots.values()].map((row) => ({ ...row })),
    allowances: [...dirty.allowances.values()].map((row) => ({ ...row, slotIds: [...row.slotIds] })),
    sessions: [...dirty.sessions.values()].map((row) => ({ ...row })),
    arrivals: [...dirty.arrivals.values()].map((row) => ({
      ...row,
      decision: row.decision === null ? null : { ...row.decision },
    })),
    reviews: [...dirty.reviews.values()].map((row) => ({ ...row, candidates: [...row.candidates] })),
    removedSlots: [...dirty.removedSlots].map((slotId) => ({ siteId, slotId })),
  };
  dirty.site = false;
  dirty.ledger = false;
  // Anew instead of cleared: what a Map held before hangs on to what it holds later, until the next great collection of garbage.
  if (dirty.slots.size > 0) dirty.slots = new Map();
  if (dirty.allowances.size > 0) dirty.allowances = new Map();
  if (dirty.removedSlots.size > 0) dirty.removedSlots = new Set();
  if (dirty.sessions.size > 0) dirty.sessions = new Map();
  if (dirty.arrivals.size > 0) dirty.arrivals = new Map();
  if (dirty.reviews.size > 0) dirty.reviews = new Map();
  return changes;
}

/** Its lists are replaced when they change, never changed. */
function copyOfLedger(ledger: LedgerRow): LedgerRow {
  return { ...ledger };
}

// ---------------------------------------------------------------- indices

export function freeKey(zoneId: string, slotClass: SlotClass): string {
  return `${zoneId}/${slotClass}`;
}

/** Whether the slot can be given to the next vehicle. */
export function isAvailable(slot: SlotRow): boolean {
  return slot.state === 'free' && slot.outOfService === null;
}

export function indexSlot(state: SiteState, slot: SlotRow): void {
  state.counts[slot.state] += 1;
  if (slot.outOfService === null) state.counts.inService += 1;
  else state.counts.outOfService += 1;
  if (slot.state === 'reserved' && slot.arrivalKey !== null) state.reservedFor.set(slot.arrivalKey, slot.slotId);
  indexHolding(state, slot, 1);
  tallySlot(state.tallies, freeKey(slot.zoneId, slot.slotClass), slot, 1);
  indexRank(state, slot);
}

/** Notes a held slot (`by` 1), or strikes it out (-1). */
function indexHolding(state: SiteState, slot: SlotRow, by: 1 | -1): void {
  if (slot.state !== 'held' || slot.heldBy === null) return;
  let holdings = state.holdings.get(slot.heldBy);
  if (holdings === undefined) {
    holdings = { slotIds: new Set(), usable: new Map() };
    state.holdings.set(slot.heldBy, holdings);
  }
  if (by === 1) holdings.slotIds.add(slot.slotId);
  else holdings.slotIds.delete(slot.slotId);
  if (holdings.slotIds.size === 0) state.holdings.delete(slot.heldBy);
  if (slot.frozen) state.counts.heldFrozen += by;
  else if (slot.recall === null) {
    holdings.usable.set(slot.slotClass, (holdings.usable.get(slot.slotClass) ?? 0) + by);
  }
}

function indexRank(state: SiteState, slot: SlotRow): void {
  state.slotByRank.set(slot.rank, slot.slotId);
  if (!isAvailable(slot)) return;
  const key = freeKey(slot.zoneId, slot.slotClass);
  let ranks = state.free.get(key);
  if (ranks === undefined) {
    ranks = createRankedSet();
    state.free.set(key, ranks);
  }
  ranks.add(slot.rank);
}

/** Builds what goes by rank anew: while a layout changes, two slots may have one rank for a moment. */
export function indexRanks(state: SiteState): void {
  state.free.clear();
  state.slotByRank.clear();
  for (const slot of state.slots.values()) indexRank(state, slot);
}

export function unindexSlot(state: SiteState, slot: SlotRow): void {
  state.counts[slot.state] -= 1;
  if (slot.outOfService === null) state.counts.inService -= 1;
  else state.counts.outOfService -= 1;
  if (state.slotByRank.get(slot.rank) === slot.slotId) state.slotByRank.delete(slot.rank);
  if (slot.arrivalKey !== null && state.reservedFor.get(slot.arrivalKey) === slot.slotId)
    state.reservedFor.delete(slot.arrivalKey);
  indexHolding(state, slot, -1);
  const key = freeKey(slot.zoneId, slot.slotClass);
  tallySlot(state.tallies, key, slot, -1);
  state.free.get(key)?.delete(slot.rank);
}

export function indexSession(state: SiteState, session: SessionRow): void {
  const { sessionId } = session;
  const credential = session.credentialId === null ? undefined : state.credentials.get(session.credentialId);
  if (session.state === 'uncertain') state.uncertain.add(sessionId);
  else if (credential === undefined) state.anonymous.add(sessionId);
  if (credential === undefined) return;
  addTo(state.sessionsByCredential, credential.credentialId, sessionId);
  if (credential.kind !== 'plate') return;
  if (hasUnknown(credential.value)) state.sessionsWithUnknown.add(sessionId);
  else addTo(state.sessionsBySkeleton, skeleton(credential.value), sessionId);
}

export function unindexSession(state: SiteState, session: SessionRow): void {
  const { sessionId } = session;
  state.uncertain.delete(sessionId);
  state.anonymous.delete(sessionId);
  state.sessionsWithUnknown.delete(sessionId);
  const credential = session.credentialId === null ? undefined : state.credentials.get(session.credentialId);
  if (credential === undefined) return;
  removeFrom(state.sessionsByCredential, credential.credentialId, sessionId);
  if (credential.kind === 'plate') removeFrom(state.sessionsBySkeleton, skeleton(credential.value), sessionId);
}

/** An entry arrival that was admitted and has no slot reserved takes room until it ends. */
export function indexArrival(state: SiteState, key: ArrivalKey): void {
  const arrival = state.arrivals.get(key);
  const admitted = arrival?.decision?.outcome === 'admit' || arrival?.localOutcome === 'admitted';
  if (admitted && arrival.direction === 'entry' && !state.reservedFor.has(key)) state.admittedWithoutSlot.add(key);
  else state.admittedWithoutSlot.delete(key);
}

function addTo(index: Map<string, Set<string>>, key: string, member: string): void {
  const members = index.get(key);
  if (members === undefined) index.set(key, new Set([member]));
  else members.add(member);
}

function removeFrom(index: Map<string, Set<string>>, key: string, member: string): void {
  const members = index.get(key);
  members?.delete(member);
  if (members?.size === 0) index.delete(key);
}
