/** Sessions by hand: correct, move, close, merge, authorise the exit. */
import { sessionOf } from '../../domain/engine.js';
import type { KnownCredential } from '../../domain/inputs.js';
import { Refusal } from '../../domain/refusal.js';
import type { SessionRow, VehicleRow } from '../../domain/rows.js';
import type { Turn } from '../committer.js';
import type { AggregatorStore } from '../ports.js';
import type { Actor } from './actor.js';
import { credentialFor, recordCredential, vehicleViewOf } from './credentials.js';
import type { TypedCredential } from './credentials.js';
import type { SiteState } from '../../domain/engine.js';

export interface SessionRef {
  readonly siteId: string;
  readonly sessionId: string;
}

/** A session, inside or from the store; null when there is none. */
export async function findSession(
  store: AggregatorStore,
  state: SiteState,
  sessionId: string,
): Promise<Readonly<SessionRow> | null> {
  return sessionOf(state, sessionId) ?? (await store.getSession(state.siteId, sessionId));
}

export interface CorrectRequest extends SessionRef {
  /** As the store has it; null when it knows no such session. */
  readonly stored: Readonly<SessionRow> | null;
  readonly entryAtMs: number | undefined;
  readonly exitAtMs: number | undefined;
  /** null: anonymous from now on. */
  readonly typed: TypedCredential | null | undefined;
  readonly vehicleId: string | null | undefined;
  readonly reason: string;
}

/** @throws Refusal `session-unknown`, `vehicle-unknown`, `time-order` … */
export function correctSession(turn: Turn, actor: Actor, request: CorrectRequest): SessionRef {
  const { siteId, sessionId, reason } = request;
  const current = sessionOf(turn.site(siteId), sessionId);
  const stored = current === undefined ? request.stored : null;
  if (current === undefined && stored === null) throw unknownSession(sessionId);
  const changes = correctedMembers(turn, request);
  turn.apply(siteId, {
    type: 'correct-session',
    by: actor.label,
    reason,
    sessionId,
    ...(stored === null ? {} : { stored }),
    ...(request.entryAtMs === undefined ? {} : { entryAtMs: request.entryAtMs }),
    ...(request.exitAtMs === undefined ? {} : { exitAtMs: request.exitAtMs }),
    ...(changes.credential === undefined ? {} : { credential: changes.credential }),
    ...(changes.vehicle === undefined
      ? {}
      : { vehicle: changes.vehicle === null ? null : vehicleViewOf(changes.vehicle) }),
  });
  recordCredential(turn, changes.credential);
  turn.audit({
    by: actor.label,
    action: 'session.correct',
    siteId,
    target: sessionId,
    reason,
    detail: {
      ...(request.entryAtMs === undefined ? {} : { entryAtMs: request.entryAtMs }),
      ...(request.exitAtMs === undefined ? {} : { exitAtMs: request.exitAtMs }),
      ...(changes.credential === undefined ? {} : { credentialId: changes.credential?.credentialId ?? null }),
      ...(changes.vehicle === undefined ? {} : { vehicleId: changes.vehicle?.vehicleId ?? null }),
    },
  });
  return { siteId, sessionId };
}

function correctedMembers(
  turn: Turn,
  request: CorrectRequest,
): { credential?: KnownCredential | null; vehicle?: VehicleRow | null } {
  const vehicle = typeof request.vehicleId === 'string' ? turn.directory.vehicle(request.vehicleId) : request.vehicleId;
  if (typeof request.vehicleId === 'string' && vehicle === undefined) {
    throw new Refusal('vehicle-unknown', 'no such vehicle', 'vehicleId');
  }
  const { typed } = request;
  return {
    ...(vehicle === undefined ? {} : { vehicle }),
    ...(typed === undefined ? {} : { credential: typed === null ? null : credentialFor(turn, typed) }),
  };
}

/** @throws Refusal `session-unknown`, `slot-unknown`, `slot-not-free` … */
export function moveSession(
  turn: Turn,
  actor: Actor,
  request: SessionRef & { readonly slotId: string; readonly reason: string },
): SessionRef {
  const { siteId, sessionId, slotId, reason } = request;
  const before = sessionOf(turn.site(siteId), sessionId)?.slotId ?? null;
  turn.apply(siteId, { type: 'move-session', by: actor.label, reason, sessionId, slotId });
  return audited(turn, actor, 'session.move', request, { from: before, to: slotId });
}

/** @throws Refusal `session-unknown`, `session-not-open`, `time-order` */
export function closeSession(
  turn: Turn,
  actor: Actor,
  request: SessionRef & { readonly exitAtMs: number | undefined; readonly reason: string },
): SessionRef {
  const { siteId, sessionId, reason } = request;
  const exitAtMs = request.exitAtMs ?? turn.nowMs;
  turn.apply(siteId, { type: 'close-session', by: actor.label, reason, sessionId, exitAtMs });
  return audited(turn, actor, 'session.close', request, { exitAtMs });
}

/** @throws Refusal `session-unknown`, `session-not-open` … */
export function mergeSessions(
  turn: Turn,
  actor: Actor,
  request: SessionRef & { readonly duplicateSessionId: string; readonly reason: string },
): SessionRef {
  const { siteId, sessionId, duplicateSessionId, reason } = request;
  turn.apply(siteId, { type: 'merge-sessions', by: actor.label, reason, sessionId, duplicateSessionId });
  return audited(turn, actor, 'session.merge', request, { duplicateSessionId });
}

/** @throws Refusal `session-unknown`, `session-not-open` */
export function authoriseExit(turn: Turn, actor: Actor, request: SessionRef & { readonly reason: string }): SessionRef {
  const { siteId, sessionId, reason } = request;
  turn.apply(siteId, { type: 'authorise-exit', by: actor.label, reason, sessionId });
  return audited(turn, actor, 'session.authorise-exit', request, {});
}

function audited(
  turn: Turn,
  actor: Actor,
  action: string,
  request: SessionRef & { readonly reason: string },
  detail: Readonly<Record<string, unknown>>,
): SessionRef {
  const { siteId, sessionId, reason } = request;
  turn.audit({ by: actor.label, action, siteId, target: sessionId, reason, detail });
  return { siteId, sessionId };
}

function unknownSession(sessionId: string): Refusal {
  return new Refusal('session-unknown', `no session ${sessionId}`, 'sessionId');
}
