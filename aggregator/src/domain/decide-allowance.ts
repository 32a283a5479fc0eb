/** What an edge did with the slots that were set aside for it. */
import type { EdgeEventOf } from '@gatehouse/shared';
import type { SiteFact } from './facts.js';
import { slotReturned } from './facts-build.js';
import type { Context, EdgeEventInput } from './inputs.js';
import { storeRestored } from './restore.js';
import type { AllowanceRow, SlotRow } from './rows.js';
import type { SiteState } from './state.js';

/** The edge has stored a set. What it returned is free; of what it was not offered any more it may hold a rest. */
export function allowanceAccepted(
  state: SiteState,
  input: EdgeEventInput,
  event: EdgeEventOf<'allowance-accepted'>,
  context: Context,
): SiteFact[] {
  // What was accepted under an earlier outbox is frozen; its version says nothing of this one.
  if (event.origin !== undefined) return [];
  const allowance = state.allowances.get(input.edgeId);
  const isOurs = allowance?.epoch === input.epoch;
  const isOutstanding = isOurs && !allowance.settled && allowance.version === event.version;
  const isWhole = isOutstanding && event.remaining === 0;
  const offered = new Set(isOurs ? allowance.slotIds : []);
  const returned = new Set(event.returned);
  const facts: SiteFact[] = [];
  for (const slotId of state.holdings.get(input.edgeId)?.slotIds ?? []) {
    const slot = state.slots.get(slotId);
    if (slot === undefined || slot.frozen || slot.heldEpoch !== input.epoch) continue;
    if (returned.has(slotId) || (isWhole && !offered.has(slotId))) facts.push(...slotReturned(state, slot));
  }
  if (isWhole) return [...facts, { type: 'allowance-settled', edgeId: input.edgeId }];
  if (isOutstanding) return [...facts, sameAgain(allowance, input.seq, returned)];
  // A set that was never made here: this store is older than the one that made it.
  const isUnknown = event.version > (isOurs ? allowance.version : 0);
  return isUnknown ? [...facts, ...storeRestored(state, input.edgeId, context)] : facts;
}

/** The same set under a new version: the edge had no room to return everything at once. */
function sameAgain(allowance: AllowanceRow, asOf: number, returned: ReadonlySet<string>): SiteFact {
  const slotIds = allowance.slotIds.filter((slotId) => !returned.has(slotId));
  return { type: 'allowance-made', allowance: { ...allowance, version: allowance.version + 1, asOf, slotIds } };
}

/**
 * The slot that an edge says it gave out, if it is not somebody else's: set aside for this edge, or free, as in a store that was
 * restored or after its holdings were released; also out of service, for it is there that the vehicle is. While a store is recovering, what it believes of other edges' holdings is old.
 */
export function claimedSlot(state: SiteState, edgeId: string, slotId: string | null): SlotRow | undefined {
  const slot = slotId === null ? undefined : state.slots.get(slotId);
  if (slot === undefined) return undefined;
  if (slot.state === 'free') return slot;
  if (slot.state !== 'held') return undefined;
  const isOld = !slot.frozen && state.ledger.recoveringEdges.includes(slot.heldBy ?? '');
  return slot.heldBy === edgeId || isOld ? slot : undefined;
}

/** Takes a slot out of everybody's hands until an operator releases it, or the vehicle that has it passes. */
export function putAside(slot: SlotRow, edgeId: string, epoch: string): SiteFact[] {
  const { slotId } = slot;
  if (slot.outOfService !== null) return [];
  if (slot.state === 'held') return slot.frozen ? [] : [{ type: 'slot-frozen', slotId }];
  return [
    { type: 'slot-held', slotId, edgeId, epoch },
    { type: 'slot-frozen', slotId },
  ];
}
