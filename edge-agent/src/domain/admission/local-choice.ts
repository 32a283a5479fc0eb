/** What the edge decides when nobody else does. */
import type { Direction, SlotClass } from '@gatehouse/shared';
import type { LocalChoice } from '../lane/vocabulary.js';
import type { AllowanceState } from './allowance.js';
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
  /** An admission can be made durable now. */
  readonly canRecord: boolean;
}

/** Exits let people out; entries give out slots that were set aside, or turn away. */
export function chooseLocally(held: AllowanceState, policies: AdmissionPolicies, arrival: LocalCase): LocalChoice {
  if (arrival.direction === 'exit') {
    if (policies.holdUnansweredAtExit) return { outcome: 'deny', reason: 'exit-not-authorised' };
    return { outcome: 'admit', basis: 'exit-alone', slotId: null, slotLabel: null };
  }
  if (!arrival.canRecord) return { outcome: 'deny', reason: 'closed' };
  const slot = slotFor(held, arrival.vehicleClass);
  if (slot !== undefined) {
    return { outcome: 'admit', basis: 'allowance', slotId: slot.slotId, slotLabel: slot.label };
  }
  if (policies.openWhenNoAllowance) return { outcome: 'admit', basis: 'opted-in', slotId: null, slotLabel: null };
  return { outcome: 'deny', reason: held.version === 0 ? 'no-allowance' : 'allowance-used-up' };
}
