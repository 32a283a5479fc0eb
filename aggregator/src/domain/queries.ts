/** Reading a site. Rows are given as they stand in memory: look, do not keep. */
import { slotClasses } from '@gatehouse/shared';
import type { LayoutGate, Occupancy, SlotClass } from '@gatehouse/shared';
import { isOpen } from './opening-hours.js';
import { capacityOf, entryEdges, roomWithHeld } from './room.js';
import { Refusal } from './refusal.js';
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
import { noSlots, slotConditions } from './slot-tally.js';
import type { SlotCounts } from './slot-tally.js';
import type { SiteState } from './state.js';

/** The two ledgers and what is left. */
export interface SiteSummary {
  readonly capacity: number;
  /** By passages; never below zero here. */
  readonly vehiclesInside: number;
  readonly sessionsOpen: number;
  readonly sessionsUncertain: number;
  /** Count by passages minus open sessions. */
  readonly drift: number;
  readonly slots: Readonly<Record<'free' | 'reserved' | 'occupied' | 'held' | 'outOfService', number>>;
  /** Vehicles that would still be admitted, by the site or by an edge that holds a slot. */
  readonly free: number;
  readonly entriesTotal: number;
  readonly exitsTotal: number;
  readonly reviewsOpen: number;
  readonly recovering: boolean;
}

export function summaryOf(state: SiteState): SiteSummary {
  const { counts, ledger } = state;
  const sessionsOpen = state.sessions.size - state.uncertain.size;
  return {
    capacity: capacityOf(state),
    vehiclesInside: Math.max(0, ledger.count),
    sessionsOpen,
    sessionsUncertain: state.uncertain.size,
    drift: ledger.count - sessionsOpen,
    slots: {
      free: counts.free,
      reserved: counts.reserved,
      occupied: counts.occupied,
      held: counts.held,
      outOfService: counts.outOfService,
    },
    free: ledger.recoveringEdges.length > 0 ? 0 : Math.max(0, Math.min(roomWithHeld(state), availableSlots(state))),
    entriesTotal: ledger.entriesTotal,
    exitsTotal: ledger.exitsTotal,
    reviewsOpen: state.reviews.size,
    recovering: ledger.recoveringEdges.length > 0,
  };
}

function availableSlots(state: SiteState): number {
  let available = 0;
  for (const ranks of state.free.values()) available += ranks.size;
  for (const { usable } of state.holdings.values()) for (const count of usable.values()) available += count;
  return available;
}

export interface SlotBreakdown {
  readonly all: SlotCounts;
  /** Every zone of the layout. */
  readonly zones: ReadonlyMap<string, SlotCounts>;
  /** Classes that the site has slots of. */
  readonly classes: ReadonlyMap<SlotClass, SlotCounts>;
}

/** Every slot counted once: as a whole, by zone and by class. */
export function slotBreakdownOf(state: SiteState): SlotBreakdown {
  const all = noSlots();
  const zones = new Map((state.site?.layout.zones ?? []).map(({ zoneId }) => [zoneId, noSlots()]));
  const classes = new Map<SlotClass, SlotCounts>();
  for (const { zoneId, slotClass, counts } of state.tallies.values()) {
    const ofZone = zones.get(zoneId) ?? noSlots();
    const ofClass = classes.get(slotClass) ?? noSlots();
    zones.set(zoneId, ofZone);
    classes.set(slotClass, ofClass);
    for (const sums of [all, ofZone, ofClass]) {
      for (const condition of slotConditions) sums[condition] += counts[condition];
    }
  }
  return { all, zones, classes };
}

/** Whether entries admit by the opening hours; a site without hours is always open. */
export function isSiteOpen(state: SiteState, atMs: number): boolean {
  return state.site !== null && isOpen(state.site.layout, atMs);
}

/** The gates of the layout as it is now, of one edge or of all. */
export function gatesOf(state: SiteState, edgeId?: string): LayoutGate[] {
  return [...state.gates.values()].filter((gate) => edgeId === undefined || gate.edgeId === edgeId);
}

/** How an edge stands with the slots that are set aside for it. */
export interface AllowanceSummary {
  readonly version: number;
  /** The edge has accepted the set that was made last. */
  readonly settled: boolean;
  /** What it holds is being found out. */
  readonly mustReport: boolean;
  /** Set aside for it, in the set or not; of these `frozen` ones wait for an operator. */
  readonly held: number;
  readonly inSet: number;
  readonly frozen: number;
}

export function allowanceSummaryOf(state: SiteState, edgeId: string): AllowanceSummary {
  const row = state.allowances.get(edgeId);
  const slotIds = [...(state.holdings.get(edgeId)?.slotIds ?? [])];
  return {
    version: row?.version ?? 0,
    settled: row?.settled ?? true,
    mustReport: row?.mustReport ?? false,
    held: slotIds.length,
    inSet: row?.slotIds.length ?? 0,
    frozen: slotIds.filter((slotId) => state.slots.get(slotId)?.frozen === true).length,
  };
}

/** Edges that are given slots, and those that were once. */
export function allowanceEdges(state: SiteState): Set<string> {
  return new Set([...entryEdges(state), ...state.allowances.keys()]);
}

/** The set that was made last for an edge. */
export function allowanceOf(state: SiteState, edgeId: string): Readonly<AllowanceRow> | undefined {
  return state.allowances.get(edgeId);
}

export function occupancyOf(state: SiteState, atMs: number): Occupancy {
  const summary = summaryOf(state);
  const zones = new Map((state.site?.layout.zones ?? []).map(({ zoneId }) => [zoneId, { zoneId, free: 0, total: 0 }]));
  const classes = new Map(slotClasses.map((slotClass) => [slotClass, { slotClass, free: 0, total: 0 }]));
  for (const { zoneId, slotClass, inService, onOffer } of state.tallies.values()) {
    for (const group of [zones.get(zoneId), classes.get(slotClass)]) {
      if (group === undefined) continue;
      group.total += inService;
      group.free += onOffer;
    }
  }
  return {
    siteId: state.siteId,
    atMs: Math.floor(atMs),
    vehiclesInside: summary.vehiclesInside,
    capacity: summary.capacity,
    free: summary.free,
    zones: [...zones.values()],
    classes: [...classes.values()].filter(({ total }) => total > 0),
  };
}

/** @throws Refusal `site-unknown` while the site has no layout. */
export function siteRowOf(state: SiteState): SiteRow {
  if (state.site === null) throw new Refusal('site-unknown', `no site "${state.siteId}"`, 'siteId');
  return state.site;
}

/** The ledger as it stands, as a copy. */
export function ledgerOf(state: SiteState): LedgerRow {
  return structuredClone(state.ledger);
}

export { gateStanding } from './retired-gates.js';
export { slotConditions } from './slot-tally.js';
export type { SlotCondition, SlotCounts } from './slot-tally.js';

export function slotsOf(state: SiteState): IterableIterator<Readonly<SlotRow>> {
  return state.slots.values();
}

/** Slots in code-unit order of their ids: those after `afterId`, or from the first. What is not taken is not looked at. */
export function* slotsAfter(state: SiteState, afterId: string | null): IterableIterator<Readonly<SlotRow>> {
  const ids = (state.slotIdsInOrder ??= [...state.slots.keys()].sort());
  for (let index = afterId === null ? 0 : placeAfter(ids, afterId); index < ids.length; index += 1) {
    const slot = state.slots.get(ids[index] ?? '');
    if (slot !== undefined) yield slot;
  }
}

export function slotOf(state: SiteState, slotId: string): Readonly<SlotRow> | undefined {
  return state.slots.get(slotId);
}

export function sessionOf(state: SiteState, sessionId: string): Readonly<SessionRow> | undefined {
  return state.sessions.get(sessionId);
}

/** Sessions that are open or uncertain. */
export function sessionsInside(state: SiteState): IterableIterator<Readonly<SessionRow>> {
  return state.sessions.values();
}

export function arrivalOf(state: SiteState, key: ArrivalKey): Readonly<ArrivalRow> | undefined {
  return state.arrivals.get(key);
}

/** Arrivals that have not ended, of one edge or of all. */
export function* openArrivals(state: SiteState, edgeId?: string): IterableIterator<Readonly<ArrivalRow>> {
  for (const arrival of state.arrivals.values()) {
    if (arrival.state === 'open' && (edgeId === undefined || arrival.edgeId === edgeId)) yield arrival;
  }
}

export function openReviews(state: SiteState): IterableIterator<Readonly<ReviewRow>> {
  return state.reviews.values();
}

/** Index of the first of `ids`, which are in order, that is above `id`. */
function placeAfter(ids: readonly string[], id: string): number {
  let from = 0;
  let to = ids.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((ids[middle] ?? '') <= id) from = middle + 1;
    else to = middle;
  }
  return from;
}
