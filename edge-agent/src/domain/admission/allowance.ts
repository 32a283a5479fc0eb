/**
 * Slots the aggregator has set aside for this edge. The edge never takes from a set a slot that it gave out or returned after the
 * last of its events that the aggregator knew when it made the set (`asOf`).
 */
import { fittingClasses, wireLimits } from '@gatehouse/shared/edge';
import type { Allowance, SlotClass, SlotRef } from '@gatehouse/shared/edge';

/** A slot left the edge's hands with the event `seq`. */
export interface Parting {
  readonly slotId: string;
  readonly seq: number;
}

export interface AllowanceState {
  /** 0 before the first set of an epoch. */
  readonly version: number;
  /** Slots in the edge's hands, those of the set first. */
  readonly slots: readonly SlotRef[];
  /** The latest parting of each slot, rising by seq. */
  readonly parted: readonly Parting[];
  /** Partings up to this seq are forgotten: nothing new is taken from a set made before it. */
  readonly forgottenUpTo: number;
}

export const noAllowance: AllowanceState = { version: 0, slots: [], parted: [], forgottenUpTo: 0 };

/** Slots held at once, at most: what has no room is left where it is, set aside and out of the edge's hands. */
export const maxHeldSlots = 2 * wireLimits.maxAllowanceSlots;
/** Partings remembered, at most. */
export const maxPartings = 512;

export interface Acceptance {
  readonly state: AllowanceState;
  readonly returned: readonly string[];
  /** Slots held that are not in the set. */
  readonly remaining: number;
}

export type Offer = Pick<Allowance, 'version' | 'asOf' | 'slots'>;

/**
 * The state after a newer set was stored with the event `seq`, and what goes back; null for a set that is not newer. Slots in
 * `promised` are being given out at this moment: none of them is returned.
 */
export function acceptAllowance(
  held: AllowanceState,
  offer: Offer,
  seq: number,
  promised: ReadonlySet<string>,
): Acceptance | null {
  if (offer.version <= held.version) return null;
  const offered = new Map(offer.slots.map((slot) => [slot.slotId, slot]));
  const mine = new Set(held.slots.map((slot) => slot.slotId));
  const partedSince = new Set(held.parted.filter((parting) => parting.seq > offer.asOf).map(({ slotId }) => slotId));
  const knowsPartings = offer.asOf >= held.forgottenUpTo;
  const kept = held.slots.filter((slot) => offered.has(slot.slotId));
  const surplus = held.slots.filter((slot) => !offered.has(slot.slotId));
  const returned = surplus
    .map((slot) => slot.slotId)
    .filter((slotId) => !promised.has(slotId))
    .slice(0, wireLimits.maxReturnedSlots);
  const goesBack = new Set(returned);
  const remaining = surplus.filter((slot) => !goesBack.has(slot.slotId));
  const fresh = [...offered.values()].filter(
    ({ slotId }) => knowsPartings && !mine.has(slotId) && !partedSince.has(slotId),
  );
  const room = Math.max(0, maxHeldSlots - kept.length - remaining.length);
  return {
    state: remember(
      {
        version: offer.version,
        slots: [...kept, ...fresh.slice(0, room), ...remaining],
        parted: held.parted.filter((parting) => parting.seq > offer.asOf),
        forgottenUpTo: Math.max(held.forgottenUpTo, offer.asOf),
      },
      returned,
      seq,
    ),
    returned,
    remaining: remaining.length,
  };
}

/** The state after the slot was given out with the event `seq`. */
export function giveOut(held: AllowanceState, slotId: string, seq: number): AllowanceState {
  return remember({ ...held, slots: held.slots.filter((slot) => slot.slotId !== slotId) }, [slotId], seq);
}

/** The best of these slots for a vehicle of this class; undefined if none fits. */
export function slotFor(slots: readonly SlotRef[], vehicleClass: SlotClass | null): SlotRef | undefined {
  for (const slotClass of fittingClasses[vehicleClass ?? 'standard']) {
    const found = slots.find((slot) => slot.slotClass === slotClass);
    if (found !== undefined) return found;
  }
  return undefined;
}

function remember(held: AllowanceState, slotIds: readonly string[], seq: number): AllowanceState {
  const again = new Set(slotIds);
  const parted = [
    ...held.parted.filter((parting) => !again.has(parting.slotId)),
    ...slotIds.map((slotId) => ({ slotId, seq })),
  ];
  const forgotten = parted.slice(0, Math.max(0, parted.length - maxPartings));
  return {
    ...held,
    parted: parted.slice(forgotten.length),
    forgottenUpTo: Math.max(held.forgottenUpTo, forgotten.at(-1)?.seq ?? 0),
  };
}
