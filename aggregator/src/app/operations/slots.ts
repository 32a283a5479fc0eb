/** Slots by hand: assign, release, out of service. */
import type { SlotClass } from '@gatehouse/shared';
import { slotOf } from '../../domain/engine.js';
import type { SiteFact } from '../../domain/engine.js';
import { Refusal } from '../../domain/refusal.js';
import type { SessionRow } from '../../domain/rows.js';
import type { Turn } from '../committer.js';
import type { Actor } from './actor.js';
import { recordCredential, resolveIdentity, vehicleViewOf } from './credentials.js';
import type { TypedCredential } from './credentials.js';

export interface AssignRequest {
  readonly siteId: string;
  /** null: the best free one. */
  readonly slotId: string | null;
  readonly slotClass: SlotClass | undefined;
  readonly vehicleId: string | undefined;
  readonly typed: TypedCredential | undefined;
  readonly reason: string;
}

/**
 * Gives a slot to a vehicle and opens its session.
 * @throws Refusal `slot-unknown`, `slot-not-free`, `slot-out-of-service`, `site-full`, `already-parked`, `vehicle-unknown` …
 */
export function assignSlot(turn: Turn, actor: Actor, request: AssignRequest): { siteId: string; sessionId: string } {
  const { siteId, slotId, reason } = request;
  const state = turn.site(siteId);
  const identity = resolveIdentity(turn, request);
  const slot = slotId === null ? undefined : slotOf(state, slotId);
  const facts = turn.apply(siteId, {
    type: 'assign-slot',
    by: actor.label,
    reason,
    credential: identity.credential,
    vehicle: identity.vehicle === null ? null : vehicleViewOf(identity.vehicle),
    slotClass: request.slotClass ?? identity.vehicle?.slotClass ?? slot?.slotClass ?? 'standard',
    slotId,
  });
  recordCredential(turn, identity.credential);
  const opened = openedSession(facts);
  turn.audit({
    by: actor.label,
    action: 'slot.assign',
    siteId,
    target: opened.slotId ?? slotId,
    reason,
    detail: { credentialId: identity.credential?.credentialId ?? null, sessionId: opened.sessionId },
  });
  return { siteId, sessionId: opened.sessionId };
}

function openedSession(facts: readonly SiteFact[]): SessionRow {
  const fact = facts.find(({ type }) => type === 'session-opened');
  if (fact === undefined) throw new Error('assigning a slot opened no session');
  return (fact as SiteFact & { readonly session: SessionRow }).session;
}

/** @throws Refusal `slot-unknown`, `slot-already-free`, `slot-reserved`, `slot-held` */
export function releaseSlot(
  turn: Turn,
  actor: Actor,
  request: { readonly siteId: string; readonly slotId: string; readonly force: boolean; readonly reason: string },
): { siteId: string; slotId: string } {
  const { siteId, slotId, force, reason } = request;
  const before = knownSlot(turn, siteId, slotId);
  const detail = { force, heldBy: before.heldBy, sessionId: before.sessionId, was: before.state };
  turn.apply(siteId, { type: 'release-slot', by: actor.label, reason, slotId, force });
  turn.audit({ by: actor.label, action: 'slot.release', siteId, target: slotId, reason, detail });
  return { siteId, slotId };
}

/** @throws Refusal `slot-unknown` */
export function setOutOfService(
  turn: Turn,
  actor: Actor,
  request: {
    readonly siteId: string;
    readonly slotId: string;
    readonly outOfService: boolean;
    readonly reason: string;
  },
): { siteId: string; slotId: string } {
  const { siteId, slotId, outOfService, reason } = request;
  knownSlot(turn, siteId, slotId);
  turn.apply(siteId, { type: 'set-out-of-service', by: actor.label, reason, slotId, outOfService });
  const action = outOfService ? 'slot.take-out-of-service' : 'slot.return-to-service';
  turn.audit({ by: actor.label, action, siteId, target: slotId, reason, detail: {} });
  return { siteId, slotId };
}

function knownSlot(turn: Turn, siteId: string, slotId: string) {
  const slot = slotOf(turn.site(siteId), slotId);
  if (slot === undefined) throw new Refusal('slot-unknown', `no slot "${slotId}" at site "${siteId}"`, 'slotId');
  return slot;
}
