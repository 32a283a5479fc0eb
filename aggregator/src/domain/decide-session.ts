/** What operators do with sessions: move, close, correct, merge, authorise. */
import { decided } from './decide-arrival.js';
import { settleMark } from './unmatched-exits.js';
import type { SessionChange, SiteFact } from './facts.js';
import { sessionEnded, slotReturned } from './facts-build.js';
import type { Context, OperatorInput } from './inputs.js';
import { Refusal } from './refusal.js';
import type { SessionRow } from './rows.js';
import { matchSession } from './session-matching.js';
import { freeSlotOrRefuse } from './slot-lookup.js';
import type { SiteState } from './state.js';

type InputOf<T extends OperatorInput['type']> = Extract<OperatorInput, { type: T }>;
export type SessionInput = InputOf<
  'move-session' | 'close-session' | 'correct-session' | 'merge-sessions' | 'authorise-exit' | 'unlink-vehicle'
>;

export function decideSession(state: SiteState, input: SessionInput, context: Context): SiteFact[] {
  switch (input.type) {
    case 'move-session':
      return moveSession(state, input);
    case 'close-session':
      return closeSession(state, input, context);
    case 'correct-session':
      return correctSession(state, input);
    case 'merge-sessions':
      return mergeSessions(state, input, context);
    case 'authorise-exit':
      return authoriseExit(state, input, context);
    case 'unlink-vehicle':
      return [...state.sessions.values()]
        .filter((session) => session.vehicleId === input.vehicleId)
        .map((session) => ({ type: 'session-changed', sessionId: session.sessionId, change: { vehicleId: null } }));
  }
}

function insideOrRefuse(state: SiteState, sessionId: string, field = 'sessionId'): SessionRow {
  const session = state.sessions.get(sessionId);
  if (session === undefined)
    throw new Refusal('session-not-open', `no session "${sessionId}" is open at site "${state.siteId}"`, field);
  return session;
}

function moveSession(state: SiteState, input: InputOf<'move-session'>): SiteFact[] {
  const session = insideOrRefuse(state, input.sessionId);
  if (session.slotId === input.slotId) return [];
  const target = freeSlotOrRefuse(state, input.slotId);
  const former = session.slotId === null ? undefined : state.slots.get(session.slotId);
  return [
    ...(former?.sessionId === session.sessionId ? slotReturned(state, former) : []),
    { type: 'slot-occupied', slotId: target.slotId, sessionId: session.sessionId, key: null, confirmed: true },
    { type: 'session-changed', sessionId: session.sessionId, change: { slotId: target.slotId } },
  ];
}

/** A person says that the vehicle is gone. Its exit was not seen, unless the session was marked for one that was. */
function closeSession(state: SiteState, input: InputOf<'close-session'>, context: Context): SiteFact[] {
  const session = insideOrRefuse(state, input.sessionId);
  if (input.exitAtMs < session.entryAtMs)
    throw new Refusal('time-order', 'the exit would be before the entry', 'exitAt');
  return [
    ...gone(state, session, context),
    ...sessionEnded(state, session, { atMs: input.exitAtMs, gateId: null, basis: 'correction' }),
  ];
}

/** Takes a session that is about to end out of the count, if it is in it. */
function gone(state: SiteState, session: SessionRow, context: Context): SiteFact[] {
  if (session.state === 'uncertain') return settleMark(state, session.sessionId, context);
  const slot = session.slotId === null ? undefined : state.slots.get(session.slotId);
  return slot?.confirmed === false ? [] : [{ type: 'count-adjusted', by: -1, entries: 0, exits: 0 }];
}

function correctSession(state: SiteState, input: InputOf<'correct-session'>): SiteFact[] {
  const inside = state.sessions.get(input.sessionId);
  if (inside !== undefined) {
    if (input.exitAtMs !== undefined)
      throw new Refusal('session-open', 'the session is open: close it to give it an exit', 'exitAt');
    const change: SessionChange = {
      ...(input.entryAtMs === undefined ? {} : { entryAtMs: input.entryAtMs }),
      ...(input.credential === undefined ? {} : { credentialId: input.credential?.credentialId ?? null }),
      ...(input.vehicle === undefined ? {} : { vehicleId: input.vehicle?.vehicleId ?? null }),
    };
    return [
      {
        type: 'session-changed',
        sessionId: input.sessionId,
        change,
        ...(input.credential === undefined ? {} : { credential: input.credential }),
      },
    ];
  }
  if (input.stored?.siteId !== state.siteId)
    throw new Refusal('session-unknown', `no session "${input.sessionId}" at site "${state.siteId}"`, 'sessionId');
  return [{ type: 'session-rewritten', session: rewritten(input.stored, input) }];
}

function rewritten(stored: Readonly<SessionRow>, input: InputOf<'correct-session'>): SessionRow {
  const entryAtMs = input.entryAtMs ?? stored.entryAtMs;
  const exitAtMs = input.exitAtMs ?? stored.exitAtMs;
  if (exitAtMs !== null && exitAtMs < entryAtMs)
    throw new Refusal('time-order', 'the exit would be before the entry', 'exitAt');
  return {
    ...stored,
    entryAtMs,
    exitAtMs,
    durationMs: exitAtMs === null ? null : exitAtMs - entryAtMs,
    credentialId: input.credential === undefined ? stored.credentialId : (input.credential?.credentialId ?? null),
    vehicleId: input.vehicle === undefined ? stored.vehicleId : (input.vehicle?.vehicleId ?? null),
  };
}

/** One vehicle was taken for two: the duplicate becomes void and gives up its slot, unless the other has none. */
function mergeSessions(state: SiteState, input: InputOf<'merge-sessions'>, context: Context): SiteFact[] {
  const kept = insideOrRefuse(state, input.sessionId);
  const duplicate = insideOrRefuse(state, input.duplicateSessionId, 'duplicateSessionId');
  if (kept === duplicate)
    throw new Refusal('session-open', 'a session cannot be merged with itself', 'duplicateSessionId');
  const takesSlot = kept.slotId === null && duplicate.slotId !== null;
  const change: SessionChange = {
    entryAtMs: Math.min(kept.entryAtMs, duplicate.entryAtMs),
    ...(kept.credentialId === null ? { credentialId: duplicate.credentialId } : {}),
    ...(kept.vehicleId === null ? { vehicleId: duplicate.vehicleId } : {}),
    ...(takesSlot ? { slotId: duplicate.slotId } : {}),
  };
  const facts: SiteFact[] = [
    ...gone(state, duplicate, context),
    ...sessionEnded(state, duplicate, { atMs: context.nowMs, gateId: null, basis: 'merge', state: 'void' }),
  ];
  const isRecalled = (state.slots.get(duplicate.slotId ?? '')?.recall ?? null) !== null;
  if (takesSlot && duplicate.slotId !== null && !isRecalled) {
    facts.push({
      type: 'slot-occupied',
      slotId: duplicate.slotId,
      sessionId: kept.sessionId,
      key: null,
      confirmed: true,
    });
  } else delete change.slotId;
  const credential = duplicate.credentialId === null ? null : (state.credentials.get(duplicate.credentialId) ?? null);
  return [
    ...facts,
    {
      type: 'session-changed',
      sessionId: kept.sessionId,
      change,
      credential: kept.credentialId === null ? credential : null,
    },
  ];
}

/** Lets a session leave; a vehicle that is waiting at an exit for just that is answered anew. */
function authoriseExit(state: SiteState, input: InputOf<'authorise-exit'>, context: Context): SiteFact[] {
  const session = insideOrRefuse(state, input.sessionId);
  const facts: SiteFact[] = [
    { type: 'session-changed', sessionId: session.sessionId, change: { exitAuthorised: true } },
  ];
  for (const arrival of state.arrivals.values()) {
    if (
      arrival.direction !== 'exit' ||
      arrival.decision?.reason !== 'exit-not-authorised' ||
      arrival.credentialId === null
    )
      continue;
    const credential = state.credentials.get(arrival.credentialId);
    const match = credential === undefined ? undefined : matchSession(state, credential);
    if ((match?.kind !== 'exact' && match?.kind !== 'similar') || match.session !== session) continue;
    const decision = {
      ...arrival.decision,
      revision: arrival.decision.revision + 1,
      outcome: 'admit' as const,
      sessionId: session.sessionId,
      reason: null,
      ttlMs: context.nowMs - arrival.receivedAtMs + context.decisionTtlMs,
      basis: 'operator' as const,
      atMs: context.nowMs,
    };
    facts.push(...decided(arrival, { facts: [], decision }));
  }
  return facts;
}
