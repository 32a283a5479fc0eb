/** A vehicle that went in. */
import type { EdgeEventOf } from '@gatehouse/shared';
import { claimedSlot } from './decide-allowance.js';
import type { SiteFact } from './facts.js';
import { claimsOf, counted, newReview, newSession, sessionEnded } from './facts-build.js';
import type { Context, EdgeEventInput, KnownCredential } from './inputs.js';
import type { ArrivalKey, ArrivalRow, SessionRow } from './rows.js';
import { engineLimits } from './state.js';
import type { SiteState } from './state.js';
import { lateExit, lateExitFacts, settleMark } from './unmatched-exits.js';

export type PassedInput = EdgeEventInput & { readonly event: EdgeEventOf<'vehicle-passed'> };

export function entryFacts(
  state: SiteState,
  input: PassedInput,
  arrival: ArrivalRow | undefined,
  key: ArrivalKey | null,
  context: Context,
): SiteFact[] {
  const { event } = input;
  const reserved = key === null ? undefined : state.reservedFor.get(key);
  const slot = reserved === undefined ? claimedSlot(state, input.edgeId, event.slotId) : state.slots.get(reserved);
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
  const late = lateExit(state, session);
  const facts: SiteFact[] = [...staleSessionFacts(state, session, late?.atMs, context)];
  const earlierExitDue = facts.some((fact) => fact.type === 'session-closed' && fact.basis === 'anti-passback');
  facts.push({
    type: 'session-opened',
    session: { ...session, earlierExitDue },
    credential: credentialOf(state, arrival),
  });
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
    facts.push(...claimLater(state, session, event.slotId));
  }
  return facts;
}

/**
 * A restored store may still believe that the slot is taken by one who has left: when that is told, it is this vehicle's, or that of
 * the next one which is told to have gone in there since.
 */
function claimLater(state: SiteState, session: SessionRow, slotId: string | null): SiteFact[] {
  const slot = slotId === null ? undefined : state.slots.get(slotId);
  if (slot?.outOfService !== null || state.ledger.recoveringEdges.length === 0) return [];
  const { recall } = slot;
  if (recall !== null && recall.kind !== 'assign') return [];
  const { by, reason } = recall ?? { by: 'gatehouse', reason: 'given to it before this store was restored' };
  const claims = [...(recall === null ? [] : claimsOf(state, recall)), session.sessionId];
  const [sessionId = null, ...next] = claims.slice(-engineLimits.maxClaims);
  const claimed = { kind: 'assign', by, reason, sessionId, next } as const;
  return [{ type: 'slot-recall-changed', slotId: slot.slotId, recall: claimed }];
}

/**
 * A vehicle comes in that had not been seen to leave. Uncertain sessions are settled by it; open ones by the site's rule. Those of
 * its stays that began after this one is known to have ended (`leftAtMs`) are left alone: this entry is told late.
 */
function staleSessionFacts(
  state: SiteState,
  session: SessionRow,
  leftAtMs: number | undefined,
  context: Context,
): SiteFact[] {
  if (session.credentialId === null) return [];
  const facts: SiteFact[] = [];
  const stays = [...(state.sessionsByCredential.get(session.credentialId) ?? [])].flatMap((sessionId) => {
    const stay = state.sessions.get(sessionId);
    if (stay === undefined || (leftAtMs !== undefined && stay.entryAtMs >= leftAtMs)) return [];
    return stay.state === 'uncertain' || state.site?.layout.antiPassback !== 'off' ? [stay] : [];
  });
  const ending = new Set(stays.map(({ sessionId }) => sessionId));
  for (const stale of stays) {
    if (stale.state === 'uncertain') {
      const end = { atMs: stale.uncertainSinceMs ?? session.entryAtMs, gateId: null, basis: 'inferred' } as const;
      facts.push(...sessionEnded(state, stale, end, ending), ...settleMark(state, stale.sessionId, context));
    } else {
      const end = { atMs: session.entryAtMs, gateId: null, basis: 'anti-passback' } as const;
      facts.push(
        ...sessionEnded(state, stale, end, ending),
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

export function credentialOf(state: SiteState, arrival: ArrivalRow | undefined): KnownCredential | null {
  return arrival?.credentialId === null || arrival === undefined
    ? null
    : (state.credentials.get(arrival.credentialId) ?? null);
}
