/**
 * The site engine: one pure, single-threaded state machine a site. `decide` turns an input into facts, `evolve` applies a fact
 * to the state in place. No clock, no chance, no I/O.
 */
import type { Occupancy } from '@gatehouse/shared';
import type { Context, KnownCredential, SiteInput } from './inputs.js';
import type {
  ArrivalKey,
  ArrivalRow,
  DecisionRecord,
  LedgerRow,
  Notice,
  ReviewRow,
  SessionRow,
  SiteRow,
  SlotRow,
} from './rows.js';

/** A fact of the engine; `type` names it. */
export interface SiteFact {
  readonly type: string;
}

/** Rows that changed since they were last taken. The rows are copies. */
export interface SiteChanges {
  readonly sites: SiteRow[];
  readonly ledgers: LedgerRow[];
  readonly slots: SlotRow[];
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
  readonly sessions: readonly SessionRow[];
  readonly arrivals: readonly ArrivalRow[];
  readonly reviews: readonly ReviewRow[];
  /** Credentials that its open sessions and arrivals refer to. */
  readonly credentials: ReadonlyMap<string, KnownCredential>;
}

/** Opaque outside the domain: read it through the queries below. */
export interface SiteState {
  readonly siteId: string;
}

/** A decision to be sent to an edge. */
export interface DecisionToSend {
  readonly arrival: ArrivalRow;
  readonly decision: DecisionRecord;
}

/** The two ledgers and what is left. */
export interface SiteSummary {
  readonly capacity: number;
  /** By passages; never below zero here. */
  readonly vehiclesInside: number;
  readonly sessionsOpen: number;
  readonly sessionsUncertain: number;
  /** count minus sessions open. */
  readonly drift: number;
  readonly slots: Readonly<Record<'free' | 'reserved' | 'occupied' | 'held' | 'outOfService', number>>;
  /** Vehicles that would still be admitted. */
  readonly free: number;
  readonly entriesTotal: number;
  readonly exitsTotal: number;
  readonly reviewsOpen: number;
  readonly recovering: boolean;
}

declare const notYet: never;

/** A site that has no layout yet: apply `put-layout` to it. */
export function newSite(siteId: string): SiteState {
  void siteId;
  return notYet;
}
/** The state as it was when `stored` was committed. */
export function restoreSite(stored: StoredSite): SiteState {
  void stored;
  return notYet;
}
/** @throws Refusal for an operator's input that cannot be granted. */
export function decide(state: SiteState, input: SiteInput, context: Context): readonly SiteFact[] {
  void [state, input, context];
  return notYet;
}
export function evolve(state: SiteState, fact: SiteFact): void {
  void [state, fact];
}
export function takeChanges(state: SiteState): SiteChanges {
  void state;
  return notYet;
}
/** What followers of the site hear of these facts. `atMs` is the time of the turn. */
export function noticesOf(state: SiteState, facts: readonly SiteFact[], atMs: number): Notice[] {
  void [state, facts, atMs];
  return notYet;
}
/** Decisions among these facts that an edge has to be sent. */
export function decisionsOf(facts: readonly SiteFact[]): DecisionToSend[] {
  void facts;
  return notYet;
}

// ---------------------------------------------------------------- queries

export function summaryOf(state: SiteState): SiteSummary {
  void state;
  return notYet;
}
export function occupancyOf(state: SiteState, atMs: number): Occupancy {
  void [state, atMs];
  return notYet;
}
export function siteRowOf(state: SiteState): SiteRow {
  void state;
  return notYet;
}
export function slotsOf(state: SiteState): IterableIterator<Readonly<SlotRow>> {
  void state;
  return notYet;
}
export function slotOf(state: SiteState, slotId: string): Readonly<SlotRow> | undefined {
  void [state, slotId];
  return notYet;
}
export function sessionOf(state: SiteState, sessionId: string): Readonly<SessionRow> | undefined {
  void [state, sessionId];
  return notYet;
}
/** Sessions that are open or uncertain. */
export function sessionsInside(state: SiteState): IterableIterator<Readonly<SessionRow>> {
  void state;
  return notYet;
}
export function arrivalOf(state: SiteState, key: ArrivalKey): Readonly<ArrivalRow> | undefined {
  void [state, key];
  return notYet;
}
/** Arrivals that have not ended, of one edge or of all. */
export function openArrivals(state: SiteState, edgeId?: string): IterableIterator<Readonly<ArrivalRow>> {
  void [state, edgeId];
  return notYet;
}
export function openReviews(state: SiteState): IterableIterator<Readonly<ReviewRow>> {
  void state;
  return notYet;
}
