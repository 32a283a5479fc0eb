/** How many slots of a zone and class there are in each condition: kept while slots change, so that nobody has to look at all of them. */
import type { SlotClass } from '@gatehouse/shared';
import type { SlotRow } from './rows.js';

export const slotConditions = ['free', 'reserved', 'occupied', 'held', 'outOfService'] as const;
/** How a slot is counted where each counts once. `outOfService`: it would be free, and is not given out. */
export type SlotCondition = (typeof slotConditions)[number];

export type SlotCounts = Record<SlotCondition, number>;

export interface SlotTally {
  readonly zoneId: string;
  readonly slotClass: SlotClass;
  readonly counts: SlotCounts;
  /** All of them. */
  slots: number;
  inService: number;
  /** Of those in service, what some vehicle may still be given: by the site, or by the edge that holds it. */
  onOffer: number;
}

/** Counts a slot in (`by` 1), or out (-1); what was counted in has to be counted out as it was. */
export function tallySlot(tallies: Map<string, SlotTally>, key: string, slot: SlotRow, by: 1 | -1): void {
  let tally = tallies.get(key);
  if (tally === undefined) {
    const { zoneId, slotClass } = slot;
    tally = { zoneId, slotClass, counts: noSlots(), slots: 0, inService: 0, onOffer: 0 };
    tallies.set(key, tally);
  }
  tally.slots += by;
  tally.counts[slot.state === 'free' && slot.outOfService !== null ? 'outOfService' : slot.state] += by;
  if (slot.outOfService === null) {
    tally.inService += by;
    if (isOnOffer(slot)) tally.onOffer += by;
  }
  if (tally.slots === 0) tallies.delete(key);
}

export function noSlots(): SlotCounts {
  return { free: 0, reserved: 0, occupied: 0, held: 0, outOfService: 0 };
}

function isOnOffer(slot: SlotRow): boolean {
  return slot.state === 'free' || (slot.state === 'held' && !slot.frozen && slot.recall === null);
}
