/** What the edge decides when nobody else does. */
import type { Direction, SlotClass, SlotRef } from '@gatehouse/shared/edge';
import type { LocalChoice } from '../lane/vocabulary.js';
import type { Access } from './access-list.js';
import { slotFor } from './allowance.js';

export interface AdmissionPolicies {
  /** Entries admit although no slot is set aside. */
  readonly openWhenNoAllowance: boolean;
  /** Exits turn vehicles away when the aggregator does not answer. */
  readonly holdUnansweredAtExit: boolean;
}

export interface LocalCase {
  readonly direction: Direction;
  readonly vehicleClass: SlotClass | null;
  /** What the access list says of it. */
  readonly access: Access;
  /** An admission can be made durable now. */
  readonly canRecord: boolean;
}

/** What may be given out now. */
export interface Choosable {
  readonly version: number;
  readonly slots: readonly SlotRef[];
}

/** Exits let people out; entries give out slots that were set aside to those whom the access list lets in, or turn away. */
export function chooseLocally(held: Choosable, policies: AdmissionPolicies, arrival: LocalCase): LocalChoice {
  if (arrival.direction === 'exit') {
    if (policies.holdUnansweredAtExit) return { outcome: 'deny', reason: 'exit-not-authorised' };
    return { outcome: 'admit', basis: 'exit-alone', slotId: null, slotLabel: null };
  }
  if (arrival.access === 'blocked') return { outcome: 'deny', reason: 'blocked' };
  if (arrival.access === 'not-permitted') return { outcome: 'deny', reason: 'no-permit' };
  if (!arrival.canRecord) return { outcome: 'deny', reason: 'closed' };
  const slot = slotFor(held.slots, arrival.vehicleClass);
  if (slot !== undefined) {
    return { outcome: 'admit', basis: 'allowance', slotId: slot.slotId, slotLabel: slot.label };
  }
  if (policies.openWhenNoAllowance) return { outcome: 'admit', basis: 'opted-in', slotId: null, slotLabel: null };
  return { outcome: 'deny', reason: held.version === 0 ? 'no-allowance' : 'allowance-used-up' };
}
