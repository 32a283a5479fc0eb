/** A vehicle that went out. */
import type { SiteFact } from './facts.js';
import { counted, newReview, sessionEnded } from './facts-build.js';
import type { Context, KnownCredential } from './inputs.js';
import type { ReviewRow, SessionBasis, SessionRow, UnmatchedExit } from './rows.js';
import { matchSession, mostPlausible, oldestAnonymous } from './session-matching.js';
import type { SiteState } from './state.js';
import { markAnother } from './unmatched-exits.js';

export interface Exit {
  readonly atMs: number;
  readonly gateId: string | null;
  readonly edgeId: string;
  readonly credential: KnownCredential | null;
  readonly basis: SessionBasis;
  /** The session it was told to end while it stood at the gate; null for one that was decided without the aggregator. */
  readonly decidedSessionId: string | null;
  /** False for exits that have a review of their own (tailgating, wrong way, free flow). */
  readonly expected: boolean;
}

/** A vehicle left: the count moves, and the session it belonged to ends, or the most plausible one becomes uncertain. */
export function exitFacts(state: SiteState, exit: Exit, context: Context): SiteFact[] {
  if (exit.credential === null) return anonymousExitFacts(state, exit, context);
  const match = matchSession(state, exit.credential);
  if (match.kind === 'exact' || match.kind === 'similar') {
    return matchedExitFacts(state, match.session, exit, exit.basis, context);
  }
  const candidates = match.kind === 'ambiguous' ? match.candidates : [];
  return unmatchedExitFacts(state, exit, candidates, context);
}

function matchedExitFacts(
  state: SiteState,
  session: SessionRow,
  exit: Exit,
  basis: SessionBasis,
  context: Context,
): SiteFact[] {
  const slot = session.slotId === null ? undefined : state.slots.get(session.slotId);
  if (exit.atMs < session.entryAtMs && exit.decidedSessionId !== session.sessionId) {
    if (session.earlierExitDue) return earlierExitFacts(state, session, exit, context);
    // Clocks of two edges are compared, and nothing else says that it came in again: neither is believed.
    const isCertain = session.state === 'open' && slot?.confirmed !== false;
    if (isCertain && exit.credential !== null) return unmatchedExitFacts(state, exit, [session.sessionId], context);
  }
  const facts: SiteFact[] = [];
  if (slot?.confirmed === false && slot.sessionId === session.sessionId) {
    // It was not known whether the vehicle had come in; that it leaves proves it.
    facts.push(
      counted('entry', session.entryGateId, session.sessionId, session.slotId),
      ...resolveUnresolved(state, session.sessionId, context),
    );
  }
  facts.push(counted('exit', exit.gateId, session.sessionId, session.slotId));
  facts.push(...sessionEnded(state, session, { atMs: exit.atMs, gateId: exit.gateId, basis }));
  if (session.state === 'uncertain') facts.push(...markAnother(state, session.sessionId, exit.atMs));
  return facts;
}

function anonymousExitFacts(state: SiteState, exit: Exit, context: Context): SiteFact[] {
  const oldest = oldestAnonymous(state);
  if (oldest !== undefined) return matchedExitFacts(state, oldest, exit, 'inferred', context);
  return unmatchedExitFacts(state, exit, [], context);
}

function unmatchedExitFacts(state: SiteState, exit: Exit, candidates: string[], context: Context): SiteFact[] {
  const marked = isAtEntry(state, exit.credential) ? undefined : mostPlausible(state, null, candidates);
  const facts: SiteFact[] = [counted('exit', exit.gateId, null, null)];
  if (marked !== undefined) {
    facts.push({
      type: 'session-changed',
      sessionId: marked.sessionId,
      change: { state: 'uncertain', uncertainSinceMs: exit.atMs },
    });
  }
  let reviewId: string | null = null;
  if (exit.credential !== null && exit.expected) {
    const review = newReview(state, context, {
      kind: candidates.length > 0 ? 'ambiguous-exit' : 'unmatched-exit',
      atMs: exit.atMs,
      gateId: exit.gateId,
      edgeId: exit.edgeId,
      sessionId: marked?.sessionId ?? null,
      candidates: candidates.length > 0 ? candidates : marked === undefined ? [] : [marked.sessionId],
      credentialId: exit.credential.credentialId,
      detail: whyUnmatched(candidates),
    });
    reviewId = review.review.reviewId;
    facts.push(review);
  }
  const record: UnmatchedExit = {
    exitId: context.newId(),
    atMs: exit.atMs,
    gateId: exit.gateId,
    credentialId: exit.credential?.credentialId ?? null,
    markedSessionId: marked?.sessionId ?? null,
    reviewId,
  };
  facts.push({ type: 'unmatched-exit-added', exit: record });
  if (state.ledger.count <= 0 && !hasReview(state, 'count-below-zero')) {
    facts.push(
      newReview(state, context, {
        kind: 'count-below-zero',
        atMs: exit.atMs,
        gateId: exit.gateId,
        detail: 'more vehicles left than were seen to come in',
      }),
    );
  }
  return facts;
}

function whyUnmatched(candidates: readonly string[]): string {
  if (candidates.length === 0) return 'no session fits what it showed';
  return candidates.length === 1
    ? 'the only session that fits began later, as the clocks of its gates have it'
    : `${String(candidates.length)} sessions could be its own`;
}

/** Its admission is known and its entry has not been told yet: its own session comes late, and nobody else's has ended. */
function isAtEntry(state: SiteState, credential: KnownCredential | null): boolean {
  if (credential === null) return false;
  for (const arrival of state.arrivals.values()) {
    if (arrival.direction === 'entry' && arrival.credentialId === credential.credentialId) return true;
  }
  return false;
}

function hasReview(state: SiteState, kind: 'count-below-zero'): boolean {
  for (const review of state.reviews.values()) if (review.kind === kind) return true;
  return false;
}

/**
 * It left before it came in again, and its earlier session was closed then. Times of two edges are compared: only a session that was
 * opened while another was open bears them out.
 */
function earlierExitFacts(state: SiteState, session: SessionRow, exit: Exit, context: Context): SiteFact[] {
  const { sessionId } = session;
  const facts: SiteFact[] = [
    counted('exit', exit.gateId, null, null),
    { type: 'session-changed', sessionId, change: { earlierExitDue: false } },
  ];
  for (const review of state.reviews.values()) {
    if (review.kind !== 'already-inside' || review.sessionId !== sessionId) continue;
    facts.push(reviewResolved(review, 'it had left before it came in again; that was told later', context));
  }
  return facts;
}

function reviewResolved({ reviewId }: ReviewRow, resolution: string, context: Context): SiteFact {
  return { type: 'review-resolved', reviewId, atMs: context.nowMs, by: 'gatehouse', resolution };
}

function resolveUnresolved(state: SiteState, sessionId: string, context: Context): SiteFact[] {
  for (const review of state.reviews.values()) {
    if (review.kind === 'arrival-unresolved' && review.sessionId === sessionId) {
      return [reviewResolved(review, 'it was seen to leave', context)];
    }
  }
  return [];
}
