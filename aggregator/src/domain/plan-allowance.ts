/**
 * How many slots, and which, each edge may give out by itself. A set that was sent is never changed; a new one waits until the
 * last was accepted, unless slots are wanted back or the edge has to tell what it holds.
 */
import { fittingClasses } from '@gatehouse/shared';
import type { SlotClass } from '@gatehouse/shared';
import { newAllowance } from './evolve-allowance.js';
import type { SiteFact } from './facts.js';
import type { AllowanceEdge, Context, PlanAllowanceInput } from './inputs.js';
import { entryEdges, roomLeft, roomWithHeld } from './room.js';
import type { AllowanceRow, SlotRow } from './rows.js';
import { freeKey } from './state.js';
import type { SiteState } from './state.js';

export function planAllowance(state: SiteState, input: PlanAllowanceInput, context: Context): SiteFact[] {
  if (state.site === null) return [];
  const plan = newPlan(state, input, context);
  return input.edges.flatMap((edge) => planFor(plan, edge));
}

/** What is left to share while one plan is made. */
interface Plan {
  readonly state: SiteState;
  readonly context: Context;
  readonly isShort: boolean;
  readonly entries: ReadonlySet<string>;
  /** Edges that may be given slots. */
  readonly sharers: ReadonlySet<string>;
  /** Zones for everybody. */
  readonly openZones: readonly string[];
  /** Slots to share: free ones and those that are set aside, by class. */
  readonly shareable: ReadonlyMap<SlotClass, number>;
  /** Arrivals that were told to take one of the edge's own. */
  readonly owed: ReadonlyMap<string, readonly SlotClass[]>;
  /** Where the choice among the free slots of a zone and class goes on, from the last to the first. */
  readonly nextRank: Map<string, number>;
  room: number;
}

function newPlan(state: SiteState, input: PlanAllowanceInput, context: Context): Plan {
  const entries = entryEdges(state);
  const isGiving = state.ledger.recoveringEdges.length === 0;
  const sharers = input.edges
    .map(({ edgeId }) => edgeId)
    .filter((edgeId) => isGiving && entries.has(edgeId) && state.currentEdges.has(edgeId));
  const openZones = (state.site?.layout.zones ?? []).filter((zone) => !zone.permitOnly).map(({ zoneId }) => zoneId);
  return {
    state,
    context,
    isShort: input.isShort,
    entries,
    sharers: new Set(sharers),
    openZones,
    shareable: shareableSlots(state, openZones),
    owed: owedByEdges(state),
    nextRank: new Map(),
    room: roomLeft(state),
  };
}

function shareableSlots(state: SiteState, openZones: readonly string[]): Map<SlotClass, number> {
  const found = new Map<SlotClass, number>();
  const add = (slotClass: SlotClass, count: number): void => {
    found.set(slotClass, (found.get(slotClass) ?? 0) + count);
  };
  for (const zoneId of openZones) {
    for (const slotClass of Object.keys(fittingClasses) as SlotClass[]) {
      add(slotClass, state.free.get(freeKey(zoneId, slotClass))?.size ?? 0);
    }
  }
  for (const { usable } of state.holdings.values()) for (const [slotClass, count] of usable) add(slotClass, count);
  return found;
}

function owedByEdges(state: SiteState): Map<string, SlotClass[]> {
  const owed = new Map<string, SlotClass[]>();
  for (const arrival of state.arrivals.values()) {
    if (arrival.state !== 'open' || arrival.decision?.outcome !== 'own') continue;
    owed.set(arrival.edgeId, [...(owed.get(arrival.edgeId) ?? []), arrival.slotClass]);
  }
  return owed;
}

function planFor(plan: Plan, edge: AllowanceEdge): SiteFact[] {
  const { state } = plan;
  const present = state.allowances.get(edge.edgeId);
  const row =
    present?.epoch === edge.epoch
      ? present
      : { ...newAllowance(state.siteId, edge.edgeId, edge.epoch), mustReport: present?.mustReport ?? false };
  if (row.mustReport) {
    const isUnderWay = !row.settled && edge.reportedVersion <= row.version;
    return isUnderWay
      ? []
      : made(
          row,
          { ...edge, reportedVersion: Math.max(row.version, edge.reportedVersion) + leap(plan.context) },
          [],
          [],
        );
  }
  const slots = row.slotIds.flatMap((slotId) => state.slots.get(slotId) ?? []);
  const unrecalled = slots.filter(({ recall }) => recall === null);
  const isWantedBack = unrecalled.length < slots.length;
  if (!row.settled) return isWantedBack ? made(row, edge, unrecalled, []) : [];
  if (!plan.entries.has(edge.edgeId)) return slots.length > 0 ? made(row, edge, [], []) : [];
  if (!plan.sharers.has(edge.edgeId)) return isWantedBack ? made(row, edge, unrecalled, []) : [];
  const { kept, added } = share(plan, edge, unrecalled);
  plan.room -= added.length;
  const isChanged = kept.length < slots.length || added.length > 0 || row.accessVersion !== edge.accessVersion;
  return isChanged ? made(row, edge, kept, added) : [];
}

/**
 * Versions that a store knew before it was restored must not come up again: an acceptance of one that is still on its way would
 * be taken for that of another set, and an old set for a newer one.
 */
function leap(context: Context): number {
  return Number.parseInt(context.newId().slice(-8), 16);
}

function made(row: AllowanceRow, edge: AllowanceEdge, kept: SlotRow[], added: SlotRow[]): SiteFact[] {
  const { edgeId, epoch, asOf, accessVersion } = edge;
  const allowance: AllowanceRow = {
    ...row,
    version: Math.max(row.version, edge.reportedVersion) + 1,
    asOf,
    slotIds: [...kept, ...added].map(({ slotId }) => slotId),
    settled: false,
    accessVersion,
  };
  return [
    ...added.map(({ slotId }) => ({ type: 'slot-held', slotId, edgeId, epoch }) as const),
    { type: 'allowance-made', allowance },
  ];
}

/** The edge's share: small differences are let be, so that not every vehicle makes a new set. */
function share(plan: Plan, edge: AllowanceEdge, had: SlotRow[]): { kept: SlotRow[]; added: SlotRow[] } {
  const classes = classesFor(edge);
  const suitable = had.filter((slot) => classes.includes(slot.slotClass) && plan.openZones.includes(slot.zoneId));
  const wanted = Math.max(targetFor(plan, classes), plan.owed.get(edge.edgeId)?.length ?? 0);
  const count = suitable.length;
  const isFarOff = count * 4 <= wanted * 3 || count * 4 > wanted * 5;
  if (count === wanted || (!isFarOff && !plan.isShort)) return { kept: suitable, added: [] };
  if (count > wanted) return { kept: leastWanted(suitable, wanted, plan.owed.get(edge.edgeId) ?? []), added: [] };
  return { kept: suitable, added: chooseFree(plan, edge, classes, Math.min(wanted - count, plan.room)) };
}

function targetFor(plan: Plan, classes: readonly SlotClass[]): number {
  const settings = plan.state.site?.layout.allowance ?? { sharePercent: 0, maxSlotsPerEdge: 0 };
  const slots = classes.reduce((sum, slotClass) => sum + (plan.shareable.get(slotClass) ?? 0), 0);
  const shareable = Math.max(0, Math.min(slots, roomWithHeld(plan.state)));
  const share = Math.floor((settings.sharePercent * shareable) / (100 * plan.sharers.size));
  return Math.min(settings.maxSlotsPerEdge, share);
}

/** Classes that vehicles at its entry gates may be given, best first. */
function classesFor(edge: AllowanceEdge): SlotClass[] {
  const classes = new Set<SlotClass>();
  const needed = edge.vehicleClasses.length === 0 ? [null] : edge.vehicleClasses;
  for (const slotClass of needed) for (const fitting of fittingClasses[slotClass ?? 'standard']) classes.add(fitting);
  return [...classes];
}

/** `count` of the slots: what waiting vehicles were promised, and else the least preferred, so that the best are free for all. */
function leastWanted(slots: readonly SlotRow[], count: number, owed: readonly SlotClass[]): SlotRow[] {
  const left = [...slots].sort((one, other) => other.rank - one.rank);
  const kept: SlotRow[] = [];
  for (const needed of owed) {
    const slotClass = fittingClasses[needed].find((fitting) => left.some((slot) => slot.slotClass === fitting));
    const at = left.findIndex((slot) => slot.slotClass === slotClass);
    if (at >= 0) kept.push(...left.splice(at, 1));
  }
  return [...kept, ...left.slice(0, Math.max(0, count - kept.length))];
}

/** Free slots from the end of the order of preference, of the class that fits best and the zones nearest to the edge's gates. */
function chooseFree(plan: Plan, edge: AllowanceEdge, classes: readonly SlotClass[], count: number): SlotRow[] {
  const { state, nextRank } = plan;
  const chosen: SlotRow[] = [];
  for (const slotClass of classes) {
    for (const zoneId of zonesByDistance(plan, edge)) {
      const key = freeKey(zoneId, slotClass);
      const ranks = state.free.get(key);
      while (ranks !== undefined && chosen.length < count) {
        const rank = ranks.below(nextRank.get(key) ?? Number.POSITIVE_INFINITY);
        const slot = state.slots.get(state.slotByRank.get(rank) ?? '');
        if (slot === undefined) break;
        nextRank.set(key, rank);
        chosen.push(slot);
      }
    }
  }
  return chosen;
}

function zonesByDistance({ state, openZones }: Plan, { edgeId }: AllowanceEdge): string[] {
  const open = new Set(openZones);
  const ordered = new Set<string>();
  for (const gate of state.gates.values()) {
    if (gate.edgeId !== edgeId || gate.direction === 'exit') continue;
    for (const zoneId of gate.nearestZones) if (open.has(zoneId)) ordered.add(zoneId);
  }
  for (const zoneId of openZones) ordered.add(zoneId);
  return [...ordered];
}
