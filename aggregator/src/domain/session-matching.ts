/** Which session a vehicle belongs to. */
import { hasUnknown, plateDistance, skeleton } from '@gatehouse/shared';
import type { KnownCredential } from './inputs.js';
import type { SessionRow } from './rows.js';
import { engineLimits } from './state.js';
import type { SiteState } from './state.js';

export type Match =
  | { readonly kind: 'exact' | 'similar'; readonly session: SessionRow }
  /** Two or more would do: none is taken. */
  | { readonly kind: 'ambiguous'; readonly candidates: string[] }
  | { readonly kind: 'none' };

/**
 * The session of a credential: one that shows exactly the same, the oldest if there are several and certain ones before uncertain
 * ones; else, for plates, the only one within a small distance.
 */
export function matchSession(state: SiteState, credential: KnownCredential): Match {
  const exact = [...(state.sessionsByCredential.get(credential.credentialId) ?? [])].flatMap(
    (id) => state.sessions.get(id) ?? [],
  );
  const session = exact.find((candidate) => candidate.state === 'open') ?? exact[0];
  if (session !== undefined && !hasUnknown(credential.value)) return { kind: 'exact', session };
  if (credential.kind !== 'plate') return session === undefined ? { kind: 'none' } : { kind: 'exact', session };
  const similar = similarSessions(state, credential.value);
  const [only, ...others] = similar;
  if (only === undefined) return { kind: 'none' };
  return others.length === 0
    ? { kind: 'similar', session: only }
    : { kind: 'ambiguous', candidates: similar.slice(0, engineLimits.maxCandidates).map(({ sessionId }) => sessionId) };
}

function similarSessions(state: SiteState, plate: string): SessionRow[] {
  const found: SessionRow[] = [];
  const consider = (sessionId: string): void => {
    const session = state.sessions.get(sessionId);
    const known =
      session?.credentialId === null || session === undefined ? undefined : state.credentials.get(session.credentialId);
    if (session !== undefined && known !== undefined && plateDistance(plate, known.value) !== undefined)
      found.push(session);
  };
  if (hasUnknown(plate)) {
    for (const sessionIds of state.sessionsBySkeleton.values()) for (const sessionId of sessionIds) consider(sessionId);
  } else {
    for (const sessionId of state.sessionsBySkeleton.get(skeleton(plate)) ?? []) consider(sessionId);
  }
  for (const sessionId of state.sessionsWithUnknown) consider(sessionId);
  return found;
}

/** The oldest session without a credential that could be compared. */
export function oldestAnonymous(state: SiteState): SessionRow | undefined {
  for (const sessionId of state.anonymous) return state.sessions.get(sessionId);
  return undefined;
}

/**
 * The session that an unmatched exit most plausibly ends: one of `candidates`, else an anonymous one, else one whose plate was
 * read badly, else the oldest. `except` is not considered.
 */
export function mostPlausible(
  state: SiteState,
  except: string | null,
  candidates: readonly string[],
): SessionRow | undefined {
  for (const group of [candidates, state.anonymous, state.sessionsWithUnknown, state.sessions.keys()]) {
    for (const sessionId of group) {
      const session = state.sessions.get(sessionId);
      if (session?.state === 'open' && sessionId !== except) return session;
    }
  }
  return undefined;
}
