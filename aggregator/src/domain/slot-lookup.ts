/** Slots that a person names: found, or refused with a reason. */
import { Refusal } from './refusal.js';
import type { SlotRow } from './rows.js';
import type { SiteState } from './state.js';

/** @throws Refusal `slot-unknown` */
export function slotOrRefuse(state: SiteState, slotId: string): SlotRow {
  const slot = state.slots.get(slotId);
  if (slot === undefined) throw new Refusal('slot-unknown', `no slot "${slotId}" at site "${state.siteId}"`, 'slotId');
  return slot;
}

/** @throws Refusal `slot-unknown`, `slot-not-free`, `slot-out-of-service` */
export function freeSlotOrRefuse(state: SiteState, slotId: string): SlotRow {
  const slot = slotOrRefuse(state, slotId);
  if (slot.state !== 'free') throw new Refusal('slot-not-free', `slot ${slotId} is ${slot.state}`, 'slotId');
  if (slot.outOfService !== null)
    throw new Refusal('slot-out-of-service', `slot ${slotId} is out of service: ${slot.outOfService}`, 'slotId');
  return slot;
}
