/** How much room there is, and which slot is the best one to give. */
import { fittingClasses } from '@gatehouse/shared';
import type { SlotClass } from '@gatehouse/shared';

import { edgesToDrain } from './retired-gates.js';
import type { SessionRow, SlotRow, VehicleView } from './rows.js';
import { freeKey } from './state.js';
import type { SiteState } from './state.js';

/** Vehicles the site takes: what the layout says, or one a slot in service. */
export function capacityOf(state: SiteState): number {
  return state.site?.layout.capacity ?? state.counts.inService;
}

/**
 * Vehicles that may still be admitted, by numbers: capacity above the larger of the two ledgers and what is promised. A vehicle
 * without a slot (a tailgater) takes room through the count.
 */
export function roomLeft(state: SiteState): number {
  const certain = state.sessions.size - state.uncertain.size;
  const promised = state.counts.reserved + state.admittedWithoutSlot.size + state.counts.held;
  return capacityOf(state) - Math.max(state.ledger.count, certain) - promised;
}

export interface Wish {
  readonly gateId: string | null;
  readonly slotClass: SlotClass;
  readonly vehicle: VehicleView | null;
  readonly nowMs: number;
}

/** Whether the vehicle has a permit for the site, or for one zone of it, now. */
export function hasPermit(siteId: string, vehicle: VehicleView | null, zoneId: string | null, nowMs: number): boolean {
  return (
    vehicle?.permits.some(
      (permit) =>
        permit.siteId === siteId &&
        (zoneId === null || permit.zoneId === null || permit.zoneId === zoneId) &&
        (permit.fromMs === null || permit.fromMs <= nowMs) &&
        (permit.toMs === null || nowMs < permit.toMs),
    ) ?? false
  );
}

/** Vehicles that may still be admitted if edges give out what they hold. */
export function roomWithHeld(state: SiteState): number {
  return roomLeft(state) + state.counts.held - state.counts.heldFrozen;
}

/** Whether the edge itself holds a slot that fits; and the site is not beyond its capacity already. */
export function canGiveItsOwn(state: SiteState, edgeId: string, slotClass: SlotClass): boolean {
  const usable = state.holdings.get(edgeId)?.usable;
  if (usable === undefined || roomLeft(state) < 0) return false;
  return fittingClasses[slotClass].some((fitting) => (usable.get(fitting) ?? 0) > 0);
}

/** The best free slot: the class that fits best, zones reserved for permits first, then the zone nearest to the gate. */
export function bestFreeSlot(state: SiteState, wish: Wish): SlotRow | undefined {
  const zones = zonesFor(state, wish);
  for (const slotClass of fittingClasses[wish.slotClass]) {
    for (const zoneId of zones) {
      const rank = state.free.get(freeKey(zoneId, slotClass))?.first() ?? -1;
      const slotId = rank < 0 ? undefined : state.slotByRank.get(rank);
      if (slotId !== undefined) return state.slots.get(slotId);
    }
  }
  return undefined;
}

/**
 * A slot whose session is believed to have left, the longest-standing first: given out when no other is free, and never while an
 * entry edge may still report what would explain the exit.
 */
export function lastResortSlot(
  state: SiteState,
  wish: Wish,
): { readonly slot: SlotRow; readonly session: SessionRow } | undefined {
  if (!everyEntryEdgeIsCurrent(state)) return undefined;
  const zones = new Set(zonesFor(state, wish));
  const classes = new Set(fittingClasses[wish.slotClass]);
  for (const sessionId of state.uncertain) {
    const session = state.sessions.get(sessionId);
    const slot = session?.slotId === null || session === undefined ? undefined : state.slots.get(session.slotId);
    if (session === undefined || slot === undefined) continue;
    if (slot.outOfService === null && slot.recall === null && zones.has(slot.zoneId) && classes.has(slot.slotClass)) {
      return { slot, session };
    }
  }
  return undefined;
}

/** Edges that run an entry gate of the site. */
export function entryEdges(state: SiteState): Set<string> {
  const edges = new Set<string>();
  for (const gate of state.gates.values()) if (gate.direction !== 'exit') edges.add(gate.edgeId);
  return edges;
}

function everyEntryEdgeIsCurrent(state: SiteState): boolean {
  for (const edgeId of entryEdges(state)) if (!state.currentEdges.has(edgeId)) return false;
  return edgesToDrain(state).size === 0;
}

/** Zones that the vehicle may use: those it has a permit for first, then the open ones, each by distance from the gate. */
function zonesFor(state: SiteState, wish: Wish): string[] {
  const layout = state.site?.layout;
  if (layout === undefined) return [];
  const nearest = wish.gateId === null ? [] : (state.gates.get(wish.gateId)?.nearestZones ?? []);
  const known = new Set(nearest);
  const byDistance = [...nearest, ...layout.zones.map(({ zoneId }) => zoneId).filter((zoneId) => !known.has(zoneId))];
  const permitOnly = new Set(layout.zones.filter((zone) => zone.permitOnly).map(({ zoneId }) => zoneId));
  const permitted = byDistance.filter(
    (zoneId) => permitOnly.has(zoneId) && hasPermit(state.siteId, wish.vehicle, zoneId, wish.nowMs),
  );
  return [...permitted, ...byDistance.filter((zoneId) => !permitOnly.has(zoneId))];
}
