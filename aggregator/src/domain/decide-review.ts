/** A person settles a review; some reviews decide what is true. */
import { settleMark } from './unmatched-exits.js';
import type { SiteFact } from './facts.js';
import { counted, sessionEnded } from './facts-build.js';
import type { Context, OperatorInput } from './inputs.js';
import { Refusal } from './refusal.js';
import type { ReviewRow } from './rows.js';
import type { SiteState } from './state.js';

type ResolveReview = Extract<OperatorInput, { type: 'resolve-review' }>;

/** Resolutions of `arrival-unresolved` that say what became of the vehicle. Any other text leaves things as they are. */
export const unresolvedResolutions = { passed: 'passed', turnedBack: 'turned-back' } as const;

export function decideReview(state: SiteState, input: ResolveReview, context: Context): SiteFact[] {
  const review = state.reviews.get(input.reviewId);
  if (review === undefined)
    throw new Refusal('review-unknown', `no review "${input.reviewId}" is open at site "${state.siteId}"`, 'reviewId');
  return [
    ...consequences(state, review, input, context),
    {
      type: 'review-resolved',
      reviewId: review.reviewId,
      atMs: context.nowMs,
      by: input.by,
      resolution: input.resolution,
    },
  ];
}

function consequences(state: SiteState, review: ReviewRow, input: ResolveReview, context: Context): SiteFact[] {
  switch (review.kind) {
    case 'arrival-unresolved':
      return whatBecameOfIt(state, review, input, context);
    case 'unmatched-exit':
    case 'ambiguous-exit':
      return exitSettled(state, review, input);
    default:
      return [];
  }
}

function whatBecameOfIt(state: SiteState, review: ReviewRow, input: ResolveReview, context: Context): SiteFact[] {
  const session = review.sessionId === null ? undefined : state.sessions.get(review.sessionId);
  if (session === undefined) return [];
  const slot = session.slotId === null ? undefined : state.slots.get(session.slotId);
  const cameIn = slot?.confirmed === false;
  if (input.resolution === unresolvedResolutions.passed) {
    if (!cameIn) {
      const leaving = [
        counted('exit', review.gateId, session.sessionId, session.slotId),
        ...sessionEnded(state, session, { atMs: review.openedAtMs, gateId: review.gateId, basis: 'correction' }),
      ];
      return session.state === 'uncertain' ? leaving : [];
    }
    return [
      { type: 'slot-occupied', slotId: slot.slotId, sessionId: session.sessionId, key: null, confirmed: true },
      counted('entry', session.entryGateId, session.sessionId, session.slotId),
    ];
  }
  if (input.resolution !== unresolvedResolutions.turnedBack) return [];
  if (cameIn)
    return sessionEnded(state, session, { atMs: context.nowMs, gateId: null, basis: 'correction', state: 'void' });
  if (session.state !== 'uncertain') return [];
  return [{ type: 'session-changed', sessionId: session.sessionId, change: { state: 'open', uncertainSinceMs: null } }];
}

/** Named: that session left then. Not named: the exit was nobody's that is known, and the marked session is inside after all. */
function exitSettled(state: SiteState, review: ReviewRow, input: ResolveReview): SiteFact[] {
  const exit = state.ledger.unmatchedExits.find(({ reviewId }) => reviewId === review.reviewId);
  const marked = state.sessions.get(exit?.markedSessionId ?? '');
  const facts: SiteFact[] = exit === undefined ? [] : [{ type: 'unmatched-exit-settled', exitId: exit.exitId }];
  if (marked?.state === 'uncertain' && marked.sessionId !== input.sessionId) {
    facts.push({
      type: 'session-changed',
      sessionId: marked.sessionId,
      change: { state: 'open', uncertainSinceMs: null },
    });
  }
  if (input.sessionId === null) return facts;
  const session = state.sessions.get(input.sessionId);
  if (session === undefined)
    throw new Refusal(
      'session-not-open',
      `no session "${input.sessionId}" is open at site "${state.siteId}"`,
      'sessionId',
    );
  return [
    ...facts,
    ...sessionEnded(state, session, { atMs: review.openedAtMs, gateId: review.gateId, basis: 'correction' }),
  ];
}

/** Time went by: sessions that have been uncertain for too long are taken to have left. */
export function decideTick(state: SiteState, context: Context): SiteFact[] {
  const limitMs = (state.site?.layout.uncertainAgeLimitHours ?? Number.POSITIVE_INFINITY) * 3_600_000;
  const due = [...state.uncertain].flatMap((sessionId) => {
    const session = state.sessions.get(sessionId);
    const sinceMs = session?.uncertainSinceMs ?? null;
    return session === undefined || sinceMs === null || context.nowMs - sinceMs < limitMs ? [] : [{ session, sinceMs }];
  });
  const ending = new Set(due.map(({ session }) => session.sessionId));
  return due.flatMap(({ session, sinceMs }) => [
    ...sessionEnded(state, session, { atMs: sinceMs, gateId: null, basis: 'age-limit' }, ending),
    ...settleMark(state, session.sessionId, context),
  ]);
}
