/** Admitting the vehicle that waits at a gate. */
import { arrivalOf, openArrivals, siteRowOf } from '../../domain/engine.js';
import { Refusal } from '../../domain/refusal.js';
import { arrivalKey } from '../../domain/rows.js';
import type { ArrivalRow } from '../../domain/rows.js';
import type { SiteState } from '../../domain/engine.js';
import type { Turn } from '../committer.js';
import type { Actor } from './actor.js';

export interface AdmitRequest {
  readonly siteId: string;
  readonly gateId: string;
  /** null: the one that waits. */
  readonly arrivalKey: string | null;
  /** null: the best free one. */
  readonly slotId: string | null;
  readonly ttlMs: number;
  readonly reason: string;
}

/** The decision as it was made; kept to answer a repeated request. */
export interface AdmissionRef {
  readonly arrivalKey: string;
  readonly gateId: string;
  readonly sessionId: string | null;
  readonly slotId: string | null;
  readonly revision: number;
}

/** @throws Refusal `gate-unknown`, `arrival-unknown`, `arrival-ended`, `already-admitted`, `slot-not-free` … */
export function admitArrival(turn: Turn, actor: Actor, request: AdmitRequest): AdmissionRef {
  const { siteId, gateId, slotId, ttlMs, reason } = request;
  const state = turn.site(siteId);
  const { edgeId } = knownGate(state, gateId);
  const arrival = waitingArrival(state, edgeId, request);
  const key = arrivalKey(arrival);
  turn.apply(siteId, { type: 'admit-arrival', by: actor.label, reason, arrival: key, slotId, ttlMs });
  const decision = arrivalOf(turn.site(siteId), key)?.decision;
  const admission = {
    arrivalKey: key,
    gateId,
    sessionId: decision?.sessionId ?? null,
    slotId: decision?.slotId ?? null,
    revision: decision?.revision ?? 1,
  };
  turn.audit({
    by: actor.label,
    action: 'gate.admit',
    siteId,
    target: gateId,
    reason,
    detail: { arrival: key, sessionId: admission.sessionId, slotId: admission.slotId },
  });
  return admission;
}

function waitingArrival(state: SiteState, edgeId: string, request: AdmitRequest): Readonly<ArrivalRow> {
  if (request.arrivalKey !== null) {
    const arrival = arrivalOf(state, request.arrivalKey);
    if (arrival === undefined) throw new Refusal('arrival-unknown', 'no such arrival is open', 'arrivalId');
    if (arrival.gateId !== request.gateId) {
      throw new Refusal('arrival-unknown', `that arrival is at gate "${arrival.gateId}"`, 'arrivalId');
    }
    if (arrival.edgeId !== edgeId) {
      throw new Refusal('arrival-unknown', `edge "${arrival.edgeId}" does not run that gate any more`, 'arrivalId');
    }
    return arrival;
  }
  const waiting = [...openArrivals(state, edgeId)].filter(
    (arrival) => arrival.gateId === request.gateId && arrival.state === 'open',
  );
  const [first, ...others] = waiting;
  if (first === undefined) throw new Refusal('arrival-unknown', `nobody waits at gate "${request.gateId}"`);
  if (others.length > 0) throw new Refusal('arrival-unknown', 'several arrivals are open: name one', 'arrivalId');
  return first;
}

/** @throws Refusal `gate-unknown` */
export function knownGate(state: SiteState, gateId: string) {
  const gate = siteRowOf(state).layout.gates.find((candidate) => candidate.gateId === gateId);
  if (gate === undefined) throw new Refusal('gate-unknown', `no gate "${gateId}" at site "${state.siteId}"`, 'gateId');
  return gate;
}
