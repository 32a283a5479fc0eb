/** Vehicles that went in and out. What is reported has happened: it is recorded, and flagged where it does not fit. */
import type { Direction, EdgeEventOf } from '@gatehouse/shared';
import type { SiteFact } from './facts.js';
import { counted, newReview, newSession, sessionEnded, slotReturned } from './facts-build.js';
import type { Context, EdgeEventInput, KnownCredential } from './inputs.js';
import type { ArrivalKey, ArrivalRow, SessionBasis, SessionRow, UnmatchedExit } from './rows.js';
import { matchSession, mostPlausible, oldestAnonymous } from './session-matching.js';
import { engineLimits } from './state.js';
import type { SiteState } from './state.js';

export type PassedInput = EdgeEventInput & { readonly event: EdgeEventOf<'vehicle-passed'> };

/** The arrival an event speaks of. An event that is sent again under a new epoch speaks of arrivals of that epoch. */
export function arrivalRef(input: EdgeEventInput, seq: number): ArrivalKey {
  return `${input.edgeId}:${input.epoch}:${String(seq)}`;
}

export function decidePassed(state: SiteState, input: PassedInput, context: Context): SiteFact[] {
  const { event } = input;
  const key = event.arrival === null ? null : arrivalRef(input, event.arrival);
  const arrival = key === null ? undefined : state.arrivals.get(key);
  const ended: SiteFact[] =
    arrival === undefined || key === null
      ? []
      : [{ type: 'arrival-ended', key, gateId: arrival.gateId, state: 'passed', atMs: input.atMs }];
  const credential = credentialOf(state, arrival);
  if (event.direction === 'exit') {
    const exit: Exit = {
      atMs: input.atMs,
      gateId: event.gateId,
      edgeId: input.edgeId,
      credential,
      basis: event.basis,
      expected: true,
    };
    return [...exitFacts(state, exit, context), ...ended];
  }
  return [...entryFacts(state, input, arrival, key, context), ...ended];
}

function credentialOf(state: SiteState, arrival: ArrivalRow | undefined): KnownCredential | null {
  return arrival?.credentialId === null || arrival === undefined
    ? null
    : (state.credentials.get(arrival.credentialId) ?? null);
}

// ---------------------------------------------------------------- in

function entryFacts(
  state: SiteState,
  input: PassedInput,
  arrival: ArrivalRow | undefined,
  key: ArrivalKey | null,
  context: Context,
): SiteFact[] {
  const { event } = input;
  const reserved = key === null ? undefined : state.reservedFor.get(key);
  const slot = reserved === undefined ? undefined : state.slots.get(reserved);
  const sessionId = slot?.sessionId ?? arrival?.decision?.sessionId ?? context.newId();
  const session = newSession(state, {
    sessionId: state.sessions.has(sessionId) ? context.newId() : sessionId,
    atMs: input.atMs,
    gateId: event.gateId,
    basis: event.basis,
    slotId: slot?.slotId ?? null,
    slotClass: arrival?.slotClass ?? 'standard',
    credential: credentialOf(state, arrival),
    credentialId: arrival?.credentialId ?? null,
    vehicleId: arrival?.vehicleId ?? null,
    eventKey: `${input.edgeId}:${input.epoch}:${String(input.seq)}`,
  });
  const facts: SiteFact[] = [...staleSessionFacts(state, session, context)];
  facts.push({ type: 'session-opened', session, credential: credentialOf(state, arrival) });
  if (slot !== undefined) {
    facts.push({
      type: 'slot-occupied',
      slotId: slot.slotId,
      sessionId: session.sessionId,
      key: null,
      confirmed: true,
    });
  }
  facts.push(counted('entry', event.gateId, session.sessionId, session.slotId));
  const late = lateExit(state, session);
  if (late !== undefined) return [...facts, ...lateExitFacts(state, session, late, context)];
  if (slot === undefined) {
    const detail =
      event.slotId === null
        ? `admitted on the basis ${event.basis}, without a slot`
        : `slot ${event.slotId} was no longer reserved`;
    facts.push(
      newReview(state, context, {
        kind: 'no-slot',
        atMs: input.atMs,
        gateId: event.gateId,
        edgeId: input.edgeId,
        sessionId: session.sessionId,
        detail,
      }),
    );
  }
  return facts;
}

/** A vehicle comes in that had not been seen to leave. Uncertain sessions are settled by it; open ones by the site's rule. */
function staleSessionFacts(state: SiteState, session: SessionRow, context: Context): SiteFact[] {
  if (session.credentialId === null) return [];
  const facts: SiteFact[] = [];
  for (const sessionId of state.sessionsByCredential.get(session.credentialId) ?? []) {
    const stale = state.sessions.get(sessionId);
    if (stale === undefined) continue;
    if (stale.state === 'uncertain') {
      facts.push(
        ...sessionEnded(state, stale, {
          atMs: stale.uncertainSinceMs ?? session.entryAtMs,
          gateId: null,
          basis: 'inferred',
        }),
      );
      facts.push(...settleMark(state, stale.sessionId, context));
    } else if (state.site?.layout.antiPassback !== 'off') {
      facts.push(...sessionEnded(state, stale, { atMs: session.entryAtMs, gateId: null, basis: 'anti-passback' }));
      facts.push(
        newReview(state, context, {
          kind: 'already-inside',
          atMs: session.entryAtMs,
          gateId: session.entryGateId,
          sessionId: session.sessionId,
          candidates: [stale.sessionId],
          detail: 'came in although its earlier session was open; that one was closed',
        }),
      );
    }
  }
  return facts;
}

/** An exit that was recorded before this entry, because the entry's edge was behind. */
function lateExit(state: SiteState, session: SessionRow): UnmatchedExit | undefined {
  return state.ledger.unmatchedExits.find(
    (exit) =>
      exit.atMs >= session.entryAtMs + engineLimits.minStayMs &&
      (exit.credentialId === null
        ? session.credentialId === null && exit.markedSessionId === null
        : exit.credentialId === session.credentialId),
  );
}

function lateExitFacts(state: SiteState, session: SessionRow, exit: UnmatchedExit, context: Context): SiteFact[] {
  const closing: SiteFact[] = [
    {
      type: 'session-closed',
      sessionId: session.sessionId,
      state: 'closed',
      exitAtMs: exit.atMs,
      exitGateId: exit.gateId,
      basis: exit.credentialId === null ? 'inferred' : 'decision',
      durationMs: exit.atMs - session.entryAtMs,
      slotId: session.slotId,
    },
  ];
  const slot = session.slotId === null ? undefined : state.slots.get(session.slotId);
  if (slot !== undefined) closing.push(...slotReturned(state, slot));
  const marked = exit.markedSessionId === null ? undefined : state.sessions.get(exit.markedSessionId);
  if (marked?.state === 'uncertain') {
    closing.push({
      type: 'session-changed',
      sessionId: marked.sessionId,
      change: { state: 'open', uncertainSinceMs: null },
    });
  }
  return [...closing, ...settleExit(state, exit, 'the entry arrived later and explains it', context)];
}

// ---------------------------------------------------------------- out

export interface Exit {
  readonly atMs: number;
  readonly gateId: string | null;
  readonly edgeId: string;
  readonly credential: KnownCredential | null;
  readonly basis: SessionBasis;
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
  const facts: SiteFact[] = [];
  const slot = session.slotId === null ? undefined : state.slots.get(session.slotId);
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
  const marked = mostPlausible(state, null, candidates);
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
      detail:
        candidates.length > 0
          ? `${String(candidates.length)} sessions could be its own`
          : 'no session fits what it showed',
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

function hasReview(state: SiteState, kind: 'count-below-zero'): boolean {
  for (const review of state.reviews.values()) if (review.kind === kind) return true;
  return false;
}

/** An uncertain session left for certain: the unexplained exit it was marked for belongs to another one. */
function markAnother(state: SiteState, sessionId: string, atMs: number): SiteFact[] {
  const next = mostPlausible(state, sessionId, []);
  const facts: SiteFact[] = [];
  if (next !== undefined) {
    facts.push({
      type: 'session-changed',
      sessionId: next.sessionId,
      change: { state: 'uncertain', uncertainSinceMs: atMs },
    });
  }
  const exit = state.ledger.unmatchedExits.find(({ markedSessionId }) => markedSessionId === sessionId);
  if (exit !== undefined)
    facts.push({ type: 'unmatched-exit-marked', exitId: exit.exitId, sessionId: next?.sessionId ?? null });
  return facts;
}

/** The exit for which `sessionId` was marked is explained: nothing waits for it any more. */
export function settleMark(state: SiteState, sessionId: string, context: Context): SiteFact[] {
  const exit = state.ledger.unmatchedExits.find((candidate) => candidate.markedSessionId === sessionId);
  return exit === undefined ? [] : settleExit(state, exit, 'the session was settled', context);
}

/** Takes an exit off the list of unmatched ones and resolves its review. */
export function settleExit(state: SiteState, exit: UnmatchedExit, resolution: string, context: Context): SiteFact[] {
  const facts: SiteFact[] = [{ type: 'unmatched-exit-settled', exitId: exit.exitId }];
  if (exit.reviewId !== null && state.reviews.has(exit.reviewId)) {
    facts.push({ type: 'review-resolved', reviewId: exit.reviewId, atMs: context.nowMs, by: 'gatehouse', resolution });
  }
  return facts;
}

function resolveUnresolved(state: SiteState, sessionId: string, context: Context): SiteFact[] {
  for (const review of state.reviews.values()) {
    if (review.kind === 'arrival-unresolved' && review.sessionId === sessionId) {
      return [
        {
          type: 'review-resolved',
          reviewId: review.reviewId,
          atMs: context.nowMs,
          by: 'gatehouse',
          resolution: 'it was seen to leave',
        },
      ];
    }
  }
  return [];
}

// ---------------------------------------------------------------- without a decision

export interface Uninvited {
  readonly direction: Direction;
  readonly gateId: string;
  readonly basis: SessionBasis;
}

/** A vehicle that went through without a decision of its own: counted, and anonymous. */
export function uninvitedFacts(
  state: SiteState,
  input: EdgeEventInput,
  passage: Uninvited,
  context: Context,
): { facts: SiteFact[]; sessionId: string | null } {
  if (passage.direction === 'exit') {
    const exit: Exit = {
      atMs: input.atMs,
      gateId: passage.gateId,
      edgeId: input.edgeId,
      credential: null,
      basis: passage.basis,
      expected: false,
    };
    return { facts: exitFacts(state, exit, context), sessionId: null };
  }
  const session = newSession(state, {
    sessionId: context.newId(),
    atMs: input.atMs,
    gateId: passage.gateId,
    basis: passage.basis,
    slotId: null,
    slotClass: 'standard',
    credential: null,
    vehicleId: null,
    eventKey: `${input.edgeId}:${input.epoch}:${String(input.seq)}`,
  });
  const facts: SiteFact[] = [
    { type: 'session-opened', session, credential: null },
    counted('entry', passage.gateId, session.sessionId, null),
  ];
  const late = lateExit(state, session);
  if (late !== undefined) facts.push(...lateExitFacts(state, session, late, context));
  return { facts, sessionId: session.sessionId };
}
