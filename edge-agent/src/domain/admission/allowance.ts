/**
 * Slots the aggregator has set aside for this edge. The edge never takes from a set a slot that it gave out or returned after the
 * last of its events that the aggregator knew when it made the set (`asOf`).
 */
import type { Allowance, SlotClass, SlotRef } from '@gatehouse/shared';

export interface AllowanceState {
  readonly version: number;
  readonly asOf: number;
  /** Slots that may be given out. */
  readonly slots: readonly SlotRef[];
  /** Slots given out or returned, each with the seq of the event that says so. */
  readonly parted: readonly { readonly slotId: string; readonly seq: number }[];
}

export const noAllowance: AllowanceState = { version: 0, asOf: 0, slots: [], parted: [] };

/** Slots returned in one event, at most: an event has a bound in bytes. What is left over is kept until the next set. */
export const maxReturnedSlots = 100;

/** The state after a new set, and what goes back; null for a set that is not newer. */
export function acceptAllowance(
  held: AllowanceState,
  offered: Allowance,
): { readonly state: AllowanceState; readonly returned: readonly string[] } | null {
  if (offered.version <= held.version) return null;
  const partedSince = new Set(held.parted.filter((parting) => parting.seq > offered.asOf).map(({ slotId }) => slotId));
  const fresh = offered.slots.filter((slot) => !partedSince.has(slot.slotId));
  const offeredIds = new Set(offered.slots.map((slot) => slot.slotId));
  const surplus = held.slots.filter((slot) => !offeredIds.has(slot.slotId));
  return {
    state: {
      version: offered.version,
      asOf: offered.asOf,
      slots: [...fresh, ...surplus.slice(maxReturnedSlots)],
      parted: held.parted.filter((parting) => parting.seq > offered.asOf),
    },
    returned: surplus.slice(0, maxReturnedSlots).map((slot) => slot.slotId),
  };
}

/** The slot to give to a vehicle of this class; undefined if none fits. Nobody needs a special bay unless the lane says so. */
export function slotFor(held: AllowanceState, vehicleClass: SlotClass | null): SlotRef | undefined {
  const wanted = vehicleClass ?? 'standard';
  return held.slots.find((slot) => slot.slotClass === wanted);
}

/** The slot is given out. `part` adds under which event, once that is known. */
export function takeSlot(held: AllowanceState, slotId: string): AllowanceState {
  return { ...held, slots: held.slots.filter((slot) => slot.slotId !== slotId) };
}

/** These slots went out of the edge's hands with the event `seq`. */
export function part(held: AllowanceState, slotIds: readonly string[], seq: number): AllowanceState {
  return { ...held, parted: [...held.parted, ...slotIds.map((slotId) => ({ slotId, seq }))] };
}
