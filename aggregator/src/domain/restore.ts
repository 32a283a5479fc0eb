/** This store is older than what edges have been told: what they hold and have written is found out again. */
import type { SiteFact } from './facts.js';
import { newReview, openReviewOf } from './facts-build.js';
import type { Context } from './inputs.js';
import { edgesToDrain } from './retired-gates.js';
import { entryEdges } from './room.js';
import type { SiteState } from './state.js';

/** `edgeId` has shown it; null: who restored the store says so. */
export function storeRestored(state: SiteState, edgeId: string | null, context: Context): SiteFact[] {
  const wanted = new Set([...entryEdges(state), ...edgesToDrain(state)]);
  const review = openReviewOf(state, 'store-restored', {});
  const already = state.ledger.recoveringEdges;
  // A second edge that finds the same restored store must not undo what others have reported since. But the copy may be of a
  // store that was recovering itself: what this edge has answered since may be an answer to the one that is lost.
  const concerned = edgeId !== null && wanted.has(edgeId) ? [edgeId] : [];
  // A review that nobody has resolved says nothing about this restore when the recovery was over as this state was read. Who
  // restores on purpose always begins anew: the copy may be of a store that was recovering itself.
  const isAnother = edgeId === null || review === undefined || (already.length === 0 && !state.hasNoticedRestore);
  const edges = isAnother ? wanted : new Set([...already, ...concerned]);
  const doubted = isAnother ? new Set([...wanted, ...state.allowances.keys()]) : concerned;
  const facts: SiteFact[] = [{ type: 'recovery-changed', edges: [...edges] }];
  for (const holder of doubted) facts.push({ type: 'allowance-doubted', edgeId: holder });
  if (review !== undefined) return facts;
  const detail =
    'this store is older than what edges have been told; no free slot is given out until every entry edge has reported';
  return [...facts, newReview(state, context, { kind: 'store-restored', atMs: context.nowMs, edgeId, detail })];
}

/**
 * The edge has sent all that it has written. What it holds is known too once it has accepted an empty set, and what it was told
 * before the restore once the vehicles at its gates have gone in or away. Where its outbox was replaced as well, nobody is left who
 * knows what it gave out: a person looks, and says so by resolving the review.
 */
export function edgeRecovered(state: SiteState, edgeId: string): SiteFact[] {
  const { recoveringEdges } = state.ledger;
  if (!recoveringEdges.includes(edgeId) || state.allowances.get(edgeId)?.mustReport === true) return [];
  if (openReviewOf(state, 'epoch-replaced', { edgeId }) !== undefined) return [];
  if (mayHaveBeenAdmitted(state, edgeId)) return [];
  return [{ type: 'recovery-changed', edges: recoveringEdges.filter((waitedFor) => waitedFor !== edgeId) }];
}

/** A vehicle at an entry of the edge that has no slot here and may be on its way to one: nobody has answered it as far as is known, or it was let in. */
function mayHaveBeenAdmitted(state: SiteState, edgeId: string): boolean {
  for (const [key, arrival] of state.arrivals) {
    const isAtEntry = arrival.edgeId === edgeId && arrival.state === 'open' && arrival.direction === 'entry';
    if (!isAtEntry) continue;
    if (arrival.decision === null && arrival.localOutcome === null) return true;
    if (state.admittedWithoutSlot.has(key)) return true;
  }
  return false;
}
