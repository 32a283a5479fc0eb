/** What facts make of the sets of slots that edges may give out by themselves. */
import type { FactOf } from './facts.js';
import { known } from './invariant.js';
import type { AllowanceRow } from './rows.js';
import type { SiteState } from './state.js';

type AllowanceFact = FactOf<'allowance-made' | 'allowance-settled' | 'allowance-doubted' | 'allowance-ended'>;

export function evolveAllowance(state: SiteState, fact: AllowanceFact): void {
  if (fact.type === 'allowance-made') {
    put(state, fact.allowance);
    return;
  }
  const { siteId } = state;
  if (fact.type === 'allowance-ended') {
    put(state, { ...newAllowance(siteId, fact.edgeId, fact.epoch), mustReport: fact.mustReport });
    return;
  }
  const present = state.allowances.get(fact.edgeId);
  if (fact.type === 'allowance-doubted') {
    // No acceptance of a set that is under way settles what is to be found out now.
    put(state, { ...(present ?? newAllowance(siteId, fact.edgeId, '')), mustReport: true, settled: true });
    return;
  }
  const allowance = known(present, 'allowance', fact.edgeId);
  const { accessVersion } = allowance;
  put(state, { ...allowance, settled: true, mustReport: false, acceptedAccessVersion: accessVersion });
}

/** An edge that was given nothing in this epoch. */
export function newAllowance(siteId: string, edgeId: string, epoch: string): AllowanceRow {
  return {
    siteId,
    edgeId,
    epoch,
    version: 0,
    asOf: 0,
    slotIds: [],
    settled: true,
    mustReport: false,
    accessVersion: 0,
    acceptedAccessVersion: 0,
  };
}

function put(state: SiteState, allowance: AllowanceRow): void {
  state.allowances.set(allowance.edgeId, allowance);
  state.dirty.allowances.set(allowance.edgeId, allowance);
}
