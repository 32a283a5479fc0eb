/** A vehicle presented itself: admit or deny. */
import type { DenialReason, EdgeEventOf } from '@gatehouse/shared';
import type { SiteFact } from './facts.js';
import type { Context, EdgeEventInput } from './inputs.js';
import { isOpen } from './opening-hours.js';
import { bestFreeSlot, canGiveItsOwn, hasPermit, lastResortSlot, roomLeft } from './room.js';
import type { Wish } from './room.js';
import type { ArrivalRow, DecisionRecord, SlotRow } from './rows.js';
import { arrivalKey } from './rows.js';
import { matchSession } from './session-matching.js';
import type { SiteState } from './state.js';

export type ArrivalInput = EdgeEventInput & { readonly event: EdgeEventOf<'vehicle-arrived'> };

export function decideArrival(state: SiteState, input: ArrivalInput, context: Context): SiteFact[] {
  const arrival = newArrival(state, input, context);
  if (state.arrivals.has(arrivalKey(arrival))) return [];
  const opened: SiteFact = { type: 'arrival-opened', arrival, credential: input.credential };
  if (!input.waiting) return [opened];
  const answer =
    arrival.direction === 'entry' ? decideEntry(state, input, arrival, context) : decideExit(state, input, context);
  return [opened, ...decided(arrival, answer)];
}

function newArrival(state: SiteState, input: ArrivalInput, context: Context): ArrivalRow {
  const { event } = input;
  return {
    siteId: state.siteId,
    edgeId: input.edgeId,
    epoch: input.epoch,
    seq: input.seq,
    gateId: event.gateId,
    direction: event.direction,
    credentialId: input.credential?.credentialId ?? null,
    vehicleId: input.vehicle?.vehicleId ?? null,
    slotClass: event.vehicleClass ?? input.vehicle?.slotClass ?? 'standard',
    atMs: input.atMs,
    receivedAtMs: context.nowMs,
    state: 'open',
    decision: null,
    localOutcome: null,
    endedAtMs: null,
  };
}

/** An answer, and what has to be true for it: facts that go before the decision. */
export interface Answer {
  readonly decision: DecisionRecord;
  readonly facts: readonly SiteFact[];
}

/** The facts of a decision for an arrival that is open, or opened just before. */
export function decided(arrival: ArrivalRow, answer: Answer): SiteFact[] {
  const key = arrivalKey(arrival);
  return [
    ...answer.facts,
    { type: 'arrival-decided', key, decision: answer.decision, arrival: { ...arrival, decision: answer.decision } },
  ];
}

function decideEntry(state: SiteState, input: ArrivalInput, arrival: ArrivalRow, context: Context): Answer {
  const reason = refusalByRule(state, input, context);
  if (reason !== null) return deny(reason, context);
  const wish: Wish = {
    gateId: arrival.gateId,
    slotClass: arrival.slotClass,
    vehicle: input.vehicle,
    nowMs: context.nowMs,
  };
  const place = placeFor(state, wish);
  if (place === undefined) {
    return canGiveItsOwn(state, input.edgeId, wish.slotClass) ? own(context) : deny('full', context);
  }
  const sessionId = context.newId();
  return {
    facts: [...place.facts, { type: 'slot-reserved', slotId: place.slot.slotId, key: arrivalKey(arrival), sessionId }],
    decision: { ...admission(context), sessionId, slotId: place.slot.slotId },
  };
}

/** Rules of the site and of the vehicle that have nothing to do with how full it is. */
function refusalByRule(state: SiteState, input: ArrivalInput, context: Context): DenialReason | null {
  const layout = state.site?.layout;
  if (layout === undefined) return 'closed';
  if (input.vehicle?.blocked === true) return 'blocked';
  if (!isOpen(layout, context.nowMs)) return 'closed';
  if (layout.permitRequired && !hasPermit(state.siteId, input.vehicle, null, context.nowMs)) return 'no-permit';
  if (layout.antiPassback === 'hard' && isInside(state, input)) return 'already-inside';
  if (state.ledger.recoveringEdges.length > 0) return 'recovering';
  return null;
}

function isInside(state: SiteState, input: ArrivalInput): boolean {
  const sessions =
    input.credential === null ? undefined : state.sessionsByCredential.get(input.credential.credentialId);
  for (const sessionId of sessions ?? []) if (state.sessions.get(sessionId)?.state === 'open') return true;
  return false;
}

export interface Place {
  readonly slot: SlotRow;
  /** What has to happen before the slot can be given. */
  readonly facts: readonly SiteFact[];
}

/** A slot to give, if there is room by numbers and a slot that fits. */
export function placeFor(state: SiteState, wish: Wish): Place | undefined {
  if (roomLeft(state) <= 0) return undefined;
  const slot = bestFreeSlot(state, wish);
  if (slot !== undefined) return { slot, facts: [] };
  const last = lastResortSlot(state, wish);
  if (last === undefined) return undefined;
  return {
    slot: last.slot,
    facts: [
      { type: 'session-changed', sessionId: last.session.sessionId, change: { slotId: null } },
      { type: 'slot-freed', slotId: last.slot.slotId },
    ],
  };
}

/** Exits let people out; a site that asks for it lets out only those whose session was authorised. */
function decideExit(state: SiteState, input: ArrivalInput, context: Context): Answer {
  const match = input.credential === null ? undefined : matchSession(state, input.credential);
  const session = match?.kind === 'exact' || match?.kind === 'similar' ? match.session : undefined;
  if (state.site?.layout.exitAuthorisation === true && session?.exitAuthorised !== true)
    return deny('exit-not-authorised', context);
  return { facts: [], decision: { ...admission(context), sessionId: session?.sessionId ?? null } };
}

function admission(context: Context): DecisionRecord {
  return {
    revision: 1,
    outcome: 'admit',
    sessionId: null,
    slotId: null,
    basis: 'decision',
    reason: null,
    ttlMs: context.decisionTtlMs,
    atMs: context.nowMs,
  };
}

function own(context: Context): Answer {
  return { facts: [], decision: { ...admission(context), outcome: 'own' } };
}

function deny(reason: DenialReason, context: Context): Answer {
  return { facts: [], decision: { ...admission(context), outcome: 'deny', reason } };
}
