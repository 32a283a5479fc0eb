/** What facts make of slots. */
import type { FactOf } from './facts.js';
import { InvariantError, known } from './invariant.js';
import type { SlotRow } from './rows.js';
import { indexArrival, indexSlot, unindexSlot } from './state.js';
import type { SiteState } from './state.js';

type SlotFact = FactOf<
  | 'slot-added'
  | 'slot-described'
  | 'slot-removed'
  | 'slot-held'
  | 'slot-reserved'
  | 'slot-occupied'
  | 'slot-freed'
  | 'slot-frozen'
  | 'slot-service-changed'
  | 'slot-recall-changed'
>;

export function evolveSlot(state: SiteState, fact: SlotFact): void {
  if (fact.type === 'slot-added') {
    state.slots.set(fact.slot.slotId, fact.slot);
    state.slotIdsInOrder = null;
    state.dirty.removedSlots.delete(fact.slot.slotId);
    state.dirty.slots.set(fact.slot.slotId, fact.slot);
    indexSlot(state, fact.slot);
    return;
  }
  const slot = known(state.slots.get(fact.slotId), 'slot', fact.slotId);
  unindexSlot(state, slot);
  if (slot.heldBy !== null) leaveAllowance(state, slot, fact);
  if (fact.type === 'slot-removed') {
    state.slots.delete(slot.slotId);
    state.slotIdsInOrder = null;
    state.dirty.slots.delete(slot.slotId);
    state.dirty.removedSlots.add(slot.slotId);
    return;
  }
  const arrivalBefore = slot.arrivalKey;
  changeSlot(slot, fact);
  indexSlot(state, slot);
  state.dirty.slots.set(slot.slotId, slot);
  for (const key of [arrivalBefore, slot.arrivalKey]) if (key !== null) indexArrival(state, key);
}

/** A slot that is no longer set aside for its edge, or frozen, is not in the edge's set either. */
function leaveAllowance(state: SiteState, slot: SlotRow, fact: SlotFact): void {
  if (fact.type === 'slot-described' || fact.type === 'slot-service-changed' || fact.type === 'slot-recall-changed') {
    return;
  }
  const allowance = state.allowances.get(slot.heldBy ?? '');
  if (allowance?.slotIds.includes(slot.slotId) !== true) return;
  allowance.slotIds = allowance.slotIds.filter((slotId) => slotId !== slot.slotId);
  state.dirty.allowances.set(allowance.edgeId, allowance);
}

function changeSlot(slot: SlotRow, fact: Exclude<SlotFact, { type: 'slot-added' | 'slot-removed' }>): void {
  switch (fact.type) {
    case 'slot-described':
      slot.zoneId = fact.zoneId;
      slot.label = fact.label;
      slot.slotClass = fact.slotClass;
      slot.rank = fact.rank;
      return;
    case 'slot-held':
      if (slot.state !== 'free' || slot.outOfService !== null)
        throw new InvariantError(`slot ${slot.slotId} is ${slot.state}, cannot be set aside`);
      Object.assign(slot, vacant, { state: 'held', heldBy: fact.edgeId, heldEpoch: fact.epoch });
      return;
    case 'slot-reserved':
      if (slot.state !== 'free' && slot.state !== 'held')
        throw new InvariantError(`slot ${slot.slotId} is ${slot.state}, cannot be reserved`);
      Object.assign(slot, vacant, { state: 'reserved', arrivalKey: fact.key, sessionId: fact.sessionId });
      return;
    case 'slot-occupied':
      if (slot.state === 'occupied' && slot.sessionId !== fact.sessionId) {
        throw new InvariantError(`slot ${slot.slotId} is occupied by another session`);
      }
      Object.assign(slot, vacant, {
        state: 'occupied',
        sessionId: fact.sessionId,
        arrivalKey: fact.key,
        confirmed: fact.confirmed,
      });
      return;
    case 'slot-freed':
      Object.assign(slot, vacant);
      return;
    case 'slot-frozen':
      slot.frozen = true;
      return;
    case 'slot-service-changed':
      slot.outOfService = fact.outOfService;
      return;
    case 'slot-recall-changed':
      slot.recall = fact.recall;
      return;
  }
}

const vacant = {
  state: 'free',
  sessionId: null,
  arrivalKey: null,
  heldBy: null,
  heldEpoch: null,
  confirmed: true,
  frozen: false,
} as const;
