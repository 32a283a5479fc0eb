/** Everything an edge reports. */
import type { EdgeEventOf } from '@gatehouse/shared';
import { allowanceAccepted, claimedSlot, putAside } from './decide-allowance.js';
import { arrivalRef, decidePassed, uninvitedFacts } from './decide-passage.js';
import type { PassedInput } from './decide-entry.js';
import { decideArrival } from './decide-arrival.js';
import type { ArrivalInput } from './decide-arrival.js';
import type { SiteFact } from './facts.js';
import { newReview, newSession, reported, slotReturned } from './facts-build.js';
import type { Context, EdgeEventInput } from './inputs.js';
import type { ArrivalKey, ArrivalRow, SlotRow } from './rows.js';
import type { SiteState } from './state.js';

export function decideEdgeEvent(state: SiteState, input: EdgeEventInput, context: Context): SiteFact[] {
  const { event } = input;
  switch (event.kind) {
    case 'vehicle-arrived':
      return decideArrival(state, input as ArrivalInput, context);
    case 'vehicle-passed':
      return decidePassed(state, input as PassedInput, context);
    case 'vehicle-admitted':
      return admittedAlone(state, input, event, context);
    case 'vehicle-denied':
      return deniedAlone(state, input, event);
    case 'vehicle-backed-out':
      return endedWithoutPassage(state, input, event.arrival, 'backed-out');
    case 'arrival-void':
      return endedWithoutPassage(state, input, event.arrival, 'void');
    case 'arrival-unresolved':
      return unresolved(state, input, event, context);
    case 'vehicle-tailgated': {
      const { facts, sessionId } = uninvitedFacts(
        state,
        input,
        { direction: event.direction, gateId: event.gateId, basis: 'none' },
        context,
      );
      const detail = `followed another vehicle ${event.direction === 'entry' ? 'in' : 'out'}`;
      return [
        ...facts,
        newReview(state, context, {
          kind: 'tailgating',
          atMs: input.atMs,
          gateId: event.gateId,
          edgeId: input.edgeId,
          sessionId,
          detail,
        }),
      ];
    }
    case 'wrong-way':
      return wrongWay(state, input, event, context);
    case 'barrier-forced':
      return [
        newReview(state, context, {
          kind: 'barrier-forced',
          atMs: input.atMs,
          gateId: event.gateId,
          edgeId: input.edgeId,
          detail: 'the arm opened and nobody had asked for it',
        }),
      ];
    case 'free-flow-passed':
      return freeFlow(state, input, event, context);
    case 'mode-changed':
      return [
        ...(event.mode === 'automatic' || event.mode === 'locked'
          ? [{ type: 'free-flow-ended', gateId: event.gateId } as const]
          : []),
        reported('mode-changed', event.gateId, `${event.mode}, by ${event.by}`),
      ];
    case 'fault-raised':
      return [
        reported('fault-raised', event.gateId, event.detail === '' ? event.fault : `${event.fault}: ${event.detail}`),
      ];
    case 'fault-cleared':
      return [reported('fault-cleared', event.gateId, event.fault)];
    case 'command-completed':
      return [reported('command-ended', event.gateId, event.result)];
    case 'command-unknown':
      return [reported('command-ended', event.gateId, 'unknown')];
    case 'allowance-accepted':
      return allowanceAccepted(state, input, event, context);
    case 'events-lost':
      return eventsLost(state, input, event, context);
  }
}

/** Gives back what the aggregator had reserved for an arrival. */
function reservationReturned(state: SiteState, key: ArrivalKey): SiteFact[] {
  const slotId = state.reservedFor.get(key);
  const slot = slotId === undefined ? undefined : state.slots.get(slotId);
  return slot === undefined || slot.frozen ? [] : slotReturned(state, slot);
}

function admittedAlone(
  state: SiteState,
  input: EdgeEventInput,
  event: EdgeEventOf<'vehicle-admitted'>,
  context: Context,
): SiteFact[] {
  const key = arrivalRef(input, event.arrival);
  const claimed = claimedSlot(state, input.edgeId, event.slotId);
  const arrival = state.arrivals.get(key);
  if (arrival === undefined) return claimed === undefined ? [] : givenToNobody(state, input, event, claimed, context);
  const answered: SiteFact = { type: 'arrival-answered', key, outcome: 'admitted' };
  const reserved = state.slots.get(state.reservedFor.get(key) ?? '');
  if (reserved?.slotId === event.slotId) return [answered];
  const facts = [...reservationReturned(state, key), answered];
  if (claimed === undefined || arrival.direction === 'exit') return facts;
  // What was reserved under a replaced outbox stays this vehicle's; the other slot is in nobody's hands.
  if (reserved?.frozen === true) return [...facts, ...putAside(claimed, input.edgeId, input.epoch)];
  return [...facts, { type: 'slot-reserved', slotId: claimed.slotId, key, sessionId: context.newId() }];
}

/** The edge has given a slot out, and for which vehicle is not known here: it must not give it out again. */
function givenToNobody(
  state: SiteState,
  input: EdgeEventInput,
  event: EdgeEventOf<'vehicle-admitted'>,
  slot: SlotRow,
  context: Context,
): SiteFact[] {
  const detail = `slot ${slot.slotId} was given out for an arrival that is not known here; it stays set aside until it is released`;
  const about = { kind: 'no-slot', atMs: input.atMs, gateId: event.gateId, edgeId: input.edgeId, detail } as const;
  return [...putAside(slot, input.edgeId, input.epoch), newReview(state, context, about)];
}

function deniedAlone(state: SiteState, input: EdgeEventInput, event: EdgeEventOf<'vehicle-denied'>): SiteFact[] {
  const key = arrivalRef(input, event.arrival);
  if (!state.arrivals.has(key)) return [];
  const facts: SiteFact[] = [...reservationReturned(state, key), { type: 'arrival-answered', key, outcome: 'denied' }];
  if (event.reason !== 'allowance-used-up') return facts;
  return [...facts, reported('allowance-changed', event.gateId, `${input.edgeId}: used up`)];
}

function endedWithoutPassage(
  state: SiteState,
  input: EdgeEventInput,
  seq: number,
  outcome: 'backed-out' | 'void',
): SiteFact[] {
  const key = arrivalRef(input, seq);
  const arrival = state.arrivals.get(key);
  if (arrival === undefined) return [];
  // What was reserved under a replaced outbox stays until an operator releases it, and so does its arrival.
  const frozen = state.slots.get(state.reservedFor.get(key) ?? '')?.frozen === true;
  return [
    ...reservationReturned(state, key),
    { type: 'arrival-ended', key, gateId: arrival.gateId, state: frozen ? 'frozen' : outcome, atMs: input.atMs },
  ];
}

/** Nobody knows whether the vehicle came in: its slot is occupied, unconfirmed, until somebody looks or it is seen to leave. */
function unresolved(
  state: SiteState,
  input: EdgeEventInput,
  event: EdgeEventOf<'arrival-unresolved'>,
  context: Context,
): SiteFact[] {
  const key = arrivalRef(input, event.arrival);
  const arrival = state.arrivals.get(key);
  if (arrival === undefined) return [];
  const ended: SiteFact = { type: 'arrival-ended', key, gateId: arrival.gateId, state: 'unresolved', atMs: input.atMs };
  const slotId = state.reservedFor.get(key) ?? claimedSlot(state, input.edgeId, event.slotId)?.slotId;
  const sessionId = slotId === undefined ? undefined : state.slots.get(slotId)?.sessionId;
  if (arrival.direction === 'exit') return [...unresolvedExit(state, input, arrival, context), ended];
  if (slotId === undefined) return [ended];
  const session = newSession(state, {
    sessionId: sessionId ?? context.newId(),
    atMs: input.atMs,
    gateId: arrival.gateId,
    basis: event.basis,
    slotId,
    slotClass: arrival.slotClass,
    credential: arrival.credentialId === null ? null : (state.credentials.get(arrival.credentialId) ?? null),
    credentialId: arrival.credentialId,
    vehicleId: arrival.vehicleId,
    eventKey: `${input.edgeId}:${input.epoch}:${String(input.seq)}`,
  });
  return [
    { type: 'session-opened', session, credential: null },
    { type: 'slot-occupied', slotId, sessionId: session.sessionId, key, confirmed: false },
    newReview(state, context, {
      kind: 'arrival-unresolved',
      atMs: input.atMs,
      gateId: arrival.gateId,
      edgeId: input.edgeId,
      sessionId: session.sessionId,
      detail: 'the edge restarted while the vehicle was at the gate: did it come in?',
    }),
    ended,
  ];
}

function unresolvedExit(state: SiteState, input: EdgeEventInput, arrival: ArrivalRow, context: Context): SiteFact[] {
  const session = state.sessions.get(arrival.decision?.sessionId ?? '');
  const review = newReview(state, context, {
    kind: 'arrival-unresolved',
    atMs: input.atMs,
    gateId: arrival.gateId,
    edgeId: input.edgeId,
    sessionId: session?.sessionId ?? null,
    detail: 'the edge restarted while the vehicle was at the gate: did it leave?',
  });
  if (session?.state !== 'open') return [review];
  return [
    {
      type: 'session-changed',
      sessionId: session.sessionId,
      change: { state: 'uncertain', uncertainSinceMs: input.atMs },
    },
    review,
  ];
}

function wrongWay(
  state: SiteState,
  input: EdgeEventInput,
  event: EdgeEventOf<'wrong-way'>,
  context: Context,
): SiteFact[] {
  if (!event.passed) return [reported('arrival-ended', event.gateId, 'came the wrong way and turned back')];
  const { facts, sessionId } = uninvitedFacts(
    state,
    input,
    { direction: event.direction, gateId: event.gateId, basis: 'none' },
    context,
  );
  const detail = `a vehicle went ${event.direction === 'entry' ? 'in' : 'out'} the wrong way`;
  return [
    ...facts,
    newReview(state, context, {
      kind: 'wrong-way',
      atMs: input.atMs,
      gateId: event.gateId,
      edgeId: input.edgeId,
      sessionId,
      detail,
    }),
  ];
}

/** Passages while the arm is held open: counted, anonymous, one review for the period. */
function freeFlow(
  state: SiteState,
  input: EdgeEventInput,
  event: EdgeEventOf<'free-flow-passed'>,
  context: Context,
): SiteFact[] {
  const { facts } = uninvitedFacts(
    state,
    input,
    { direction: event.direction, gateId: event.gateId, basis: 'none' },
    context,
  );
  const reviewId = state.freeFlowReviews.get(event.gateId);
  const review = reviewId === undefined ? undefined : state.reviews.get(reviewId);
  if (review === undefined) {
    const detail = describeFreeFlow(1, event.mode);
    return [
      ...facts,
      newReview(state, context, {
        kind: 'free-flow',
        atMs: input.atMs,
        gateId: event.gateId,
        edgeId: input.edgeId,
        detail,
      }),
    ];
  }
  const passed = Number.parseInt(review.detail, 10) + 1;
  return [...facts, { type: 'review-noted', reviewId: review.reviewId, detail: describeFreeFlow(passed, event.mode) }];
}

function describeFreeFlow(passed: number, mode: string): string {
  return `${String(passed)} passed while the arm was open (${mode})`;
}

function eventsLost(
  state: SiteState,
  input: EdgeEventInput,
  event: EdgeEventOf<'events-lost'>,
  context: Context,
): SiteFact[] {
  const detail = `${String(event.lost)} events lost (${event.reason}); ${String(event.entries)} entries and ${String(event.exits)} exits counted`;
  return [
    { type: 'count-adjusted', by: event.entries - event.exits, entries: event.entries, exits: event.exits },
    newReview(state, context, { kind: 'events-lost', atMs: input.atMs, edgeId: input.edgeId, detail }),
  ];
}
