/**
 * Exits that no session could be closed for. Each marks the most plausible session uncertain, until a late entry, the session
 * itself, a person or time explains it.
 */
import type { SiteFact } from './facts.js';
import { slotReturned } from './facts-build.js';
import type { Context } from './inputs.js';
import type { SessionRow, UnmatchedExit } from './rows.js';
import { mostPlausible } from './session-matching.js';
import { engineLimits } from './state.js';
import type { SiteState } from './state.js';

/** An exit that was recorded before this entry, because the entry's edge was behind. */
export function lateExit(state: SiteState, session: SessionRow): UnmatchedExit | undefined {
  return state.ledger.unmatchedExits.find(
    (exit) =>
      exit.atMs >= session.entryAtMs + engineLimits.minStayMs &&
      (exit.credentialId === null
        ? session.credentialId === null && exit.markedSessionId === null
        : exit.credentialId === session.credentialId),
  );
}

export function lateExitFacts(
  state: SiteState,
  session: SessionRow,
  exit: UnmatchedExit,
  context: Context,
): SiteFact[] {
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

/** An uncertain session left for certain: the unexplained exit it was marked for belongs to another one. */
export function markAnother(state: SiteState, sessionId: string, atMs: number): SiteFact[] {
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
