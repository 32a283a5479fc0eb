/** What people ask for. Whatever cannot be granted is refused with a reason, before anything changes. */
import { fittingClasses } from '@gatehouse/shared';
import { decideLayout } from './decide-layout.js';
import { decided, placeFor } from './decide-arrival.js';
import { settleMark } from './unmatched-exits.js';
import { decideReview } from './decide-review.js';
import type { SiteFact } from './facts.js';
import { counted, newReview, newSession, reported, sessionEnded, slotReturned } from './facts-build.js';
import type { Context, OperatorInput } from './inputs.js';
import { Refusal } from './refusal.js';
import { hasGatesToDrain } from './retired-gates.js';
import { freeSlotOrRefuse, slotOrRefuse } from './slot-lookup.js';
import { decideSession } from './decide-session.js';
import type { ArrivalRow, DecisionRecord, SlotRow } from './rows.js';
import { arrivalKey } from './rows.js';
import { engineLimits } from './state.js';
import type { SiteState } from './state.js';

type InputOf<T extends OperatorInput['type']> = Extract<OperatorInput, { type: T }>;

export function decideOperator(state: SiteState, input: OperatorInput, context: Context): SiteFact[] {
  switch (input.type) {
    case 'put-layout':
      return decideLayout(state, input, context);
    case 'assign-slot':
      return assignSlot(state, input, context);
    case 'release-slot':
      return releaseSlot(state, input, context);
    case 'set-out-of-service':
      return setOutOfService(state, input);
    case 'admit-arrival':
      return admitArrival(state, input, context);
    case 'move-session':
    case 'close-session':
    case 'correct-session':
    case 'merge-sessions':
    case 'authorise-exit':
    case 'unlink-vehicle':
      return decideSession(state, input, context);
    case 'correct-count':
      return correctCount(state, input, context);
    case 'resolve-review':
      return decideReview(state, input, context);
    case 'release-holdings':
      return releaseHoldings(state, input, context);
    case 'override-recovery':
      if (state.ledger.recoveringEdges.length === 0)
        throw new Refusal('nothing-to-release', 'the site is not recovering');
      return [{ type: 'recovery-changed', edges: [] }];
    case 'erase-credential':
      return [{ type: 'credential-forgotten', credentialId: input.credentialId }];
  }
}

// ---------------------------------------------------------------- slots by hand

function assignSlot(state: SiteState, input: InputOf<'assign-slot'>, context: Context): SiteFact[] {
  refuseIfParked(state, input);
  if (state.ledger.recoveringEdges.length > 0) {
    throw new Refusal(
      'recovering',
      'the store was restored: wait until every entry edge has reported, or override the recovery',
    );
  }
  const session = newSession(state, {
    sessionId: context.newId(),
    atMs: context.nowMs,
    gateId: null,
    basis: 'operator',
    slotId: null,
    slotClass: input.slotClass,
    credential: input.credential,
    vehicleId: input.vehicle?.vehicleId ?? null,
    eventKey: null,
  });
  const wish = { gateId: null, slotClass: input.slotClass, vehicle: input.vehicle, nowMs: context.nowMs };
  if (input.slotId === null) {
    const place = placeFor(state, wish);
    if (place === undefined)
      throw new Refusal('site-full', `no free slot for the class ${input.slotClass} at site "${state.siteId}"`);
    return [...place.facts, ...parked(session, place.slot.slotId, input)];
  }
  const slot = slotOrRefuse(state, input.slotId);
  if (!fittingClasses[input.slotClass].includes(slot.slotClass)) {
    throw new Refusal(
      'class-does-not-fit',
      `slot ${slot.slotId} is ${slot.slotClass}, the vehicle needs ${input.slotClass}`,
      'slotId',
    );
  }
  if (slot.state === 'occupied') throw new Refusal('slot-not-free', `slot ${slot.slotId} is occupied`, 'slotId');
  if (slot.outOfService !== null)
    throw new Refusal('slot-out-of-service', `slot ${slot.slotId} is out of service: ${slot.outOfService}`, 'slotId');
  if (slot.state === 'free') return parked(session, slot.slotId, input);
  if (slot.recall !== null)
    throw new Refusal('slot-reserved', `slot ${slot.slotId} is ${slot.state} and already recalled`, 'slotId');
  return [
    { type: 'session-opened', session, credential: input.credential },
    counted('entry', null, session.sessionId, null),
    {
      type: 'slot-recall-changed',
      slotId: slot.slotId,
      recall: { kind: 'assign', by: input.by, reason: input.reason, sessionId: session.sessionId },
    },
  ];
}

function parked(session: ReturnType<typeof newSession>, slotId: string, input: InputOf<'assign-slot'>): SiteFact[] {
  return [
    { type: 'session-opened', session: { ...session, slotId }, credential: input.credential },
    { type: 'slot-occupied', slotId, sessionId: session.sessionId, key: null, confirmed: true },
    counted('entry', null, session.sessionId, slotId),
  ];
}

function refuseIfParked(state: SiteState, input: InputOf<'assign-slot'>): void {
  const sessions =
    input.credential === null ? undefined : state.sessionsByCredential.get(input.credential.credentialId);
  for (const sessionId of sessions ?? []) {
    const session = state.sessions.get(sessionId);
    if (session?.state !== 'open') continue;
    const where = session.slotId === null ? 'without a slot' : `in slot ${session.slotId}`;
    throw new Refusal('already-parked', `the vehicle is inside already, ${where} (session ${sessionId})`);
  }
}

function releaseSlot(state: SiteState, input: InputOf<'release-slot'>, context: Context): SiteFact[] {
  const slot = slotOrRefuse(state, input.slotId);
  switch (slot.state) {
    case 'free':
      throw new Refusal('slot-already-free', `slot ${slot.slotId} is free already`, 'slotId');
    case 'reserved':
      if (!input.force)
        throw new Refusal(
          'slot-reserved',
          `slot ${slot.slotId} is reserved for a vehicle at a gate; force releases it all the same`,
          'slotId',
        );
      return [...slotReturned(state, slot), ...frozenArrivalEnded(state, slot, context)];
    case 'held':
      if (!input.force)
        throw new Refusal(
          'slot-held',
          `slot ${slot.slotId} is set aside for edge ${slot.heldBy ?? ''}; force releases it all the same`,
          'slotId',
        );
      return [...slotReturned(state, slot), ...doubtedUnlessFrozen(slot)];
    case 'occupied': {
      const session = slot.sessionId === null ? undefined : state.sessions.get(slot.sessionId);
      if (session === undefined) return slotReturned(state, slot);
      const leaves = session.state === 'open' && slot.confirmed;
      return [
        ...(leaves ? [counted('exit', null, session.sessionId, slot.slotId)] : []),
        ...sessionEnded(state, session, { atMs: context.nowMs, gateId: null, basis: 'operator' }),
        ...(session.state === 'uncertain' ? settleMark(state, session.sessionId, context) : []),
      ];
    }
  }
}

/** An arrival that is frozen waits for nothing but the release of its slot. */
function frozenArrivalEnded(state: SiteState, slot: SlotRow, context: Context): SiteFact[] {
  const key = slot.arrivalKey ?? '';
  const arrival = state.arrivals.get(key);
  if (arrival?.state !== 'frozen') return [];
  return [{ type: 'arrival-ended', key, gateId: arrival.gateId, state: 'unresolved', atMs: context.nowMs }];
}

function setOutOfService(state: SiteState, input: InputOf<'set-out-of-service'>): SiteFact[] {
  const slot = slotOrRefuse(state, input.slotId);
  const { slotId } = slot;
  if (!input.outOfService) {
    const recalled = slot.recall?.kind === 'out-of-service';
    return [
      ...(recalled ? [{ type: 'slot-recall-changed', slotId, recall: null } as const] : []),
      ...(slot.outOfService === null ? [] : [{ type: 'slot-service-changed', slotId, outOfService: null } as const]),
    ];
  }
  if (slot.state === 'free' || slot.state === 'occupied')
    return [{ type: 'slot-service-changed', slotId, outOfService: input.reason }];
  return [
    {
      type: 'slot-recall-changed',
      slotId,
      recall: { kind: 'out-of-service', by: input.by, reason: input.reason, sessionId: null },
    },
  ];
}

// ---------------------------------------------------------------- the vehicle at the gate

function admitArrival(state: SiteState, input: InputOf<'admit-arrival'>, context: Context): SiteFact[] {
  const arrival = state.arrivals.get(input.arrival);
  if (arrival === undefined) throw new Refusal('arrival-unknown', 'no vehicle is waiting with this arrival', 'arrival');
  if (arrival.state !== 'open')
    throw new Refusal('arrival-ended', 'the vehicle is not at the gate any more', 'arrival');
  if (arrival.localOutcome === 'admitted' || arrival.decision?.outcome === 'admit') {
    throw new Refusal('already-admitted', 'the vehicle has been admitted already', 'arrival');
  }
  if (arrival.direction === 'exit')
    return decided(arrival, { facts: [], decision: byOperator(arrival, input, context, null, null) });
  return admitAtEntry(state, arrival, input, context);
}

function admitAtEntry(
  state: SiteState,
  arrival: ArrivalRow,
  input: InputOf<'admit-arrival'>,
  context: Context,
): SiteFact[] {
  const wish = { gateId: arrival.gateId, slotClass: arrival.slotClass, vehicle: null, nowMs: context.nowMs };
  const place =
    input.slotId === null ? placeFor(state, wish) : { slot: freeSlotOrRefuse(state, input.slotId), facts: [] };
  const sessionId = context.newId();
  const decision = byOperator(arrival, input, context, sessionId, place?.slot.slotId ?? null);
  if (place === undefined) {
    const detail = 'admitted by an operator although no slot was free';
    const review = newReview(state, context, {
      kind: 'over-capacity',
      atMs: context.nowMs,
      gateId: arrival.gateId,
      edgeId: arrival.edgeId,
      detail,
    });
    return [...decided(arrival, { facts: [], decision }), review];
  }
  const reserved: SiteFact = { type: 'slot-reserved', slotId: place.slot.slotId, key: arrivalKey(arrival), sessionId };
  return decided(arrival, { facts: [...place.facts, reserved], decision });
}

function byOperator(
  arrival: ArrivalRow,
  input: { readonly ttlMs: number },
  context: Context,
  sessionId: string | null,
  slotId: string | null,
): DecisionRecord {
  return {
    // A decision that the edge overruled by itself was forgotten, not unsaid: stay above whatever it has seen.
    revision: (arrival.decision?.revision ?? 1) + 1,
    outcome: 'admit',
    sessionId,
    slotId,
    basis: 'operator',
    reason: null,
    ttlMs: input.ttlMs,
    atMs: context.nowMs,
  };
}

// ---------------------------------------------------------------- counts and holdings

function correctCount(state: SiteState, input: InputOf<'correct-count'>, context: Context): SiteFact[] {
  const difference = input.count - state.ledger.count;
  if (difference === 0) return [];
  if (Math.abs(difference) > engineLimits.maxCorrection) {
    throw new Refusal(
      'bound-reached',
      `a correction may move the count by at most ${String(engineLimits.maxCorrection)}`,
      'count',
    );
  }
  const facts: SiteFact[] = [{ type: 'count-adjusted', by: difference, entries: 0, exits: 0 }];
  for (let index = 0; index < difference; index++) {
    const session = newSession(state, {
      sessionId: context.newId(),
      atMs: context.nowMs,
      gateId: null,
      basis: 'correction',
      slotId: null,
      slotClass: 'standard',
      credential: null,
      vehicleId: null,
      eventKey: null,
      ticketOffset: index,
    });
    facts.push({ type: 'session-opened', session, credential: null });
  }
  const anonymous = [...state.anonymous].flatMap((sessionId) => state.sessions.get(sessionId) ?? []);
  const surplus = anonymous.slice(0, Math.max(0, -difference));
  const ending = new Set(surplus.map(({ sessionId }) => sessionId));
  for (const session of surplus) {
    facts.push(...sessionEnded(state, session, { atMs: context.nowMs, gateId: null, basis: 'correction' }, ending));
  }
  return facts;
}

function releaseHoldings(state: SiteState, input: InputOf<'release-holdings'>, context: Context): SiteFact[] {
  const { edgeId } = input;
  const reserved = [...state.reservedFor].filter(([key]) => key.startsWith(`${edgeId}:`));
  const slotIds = [...(state.holdings.get(edgeId)?.slotIds ?? []), ...reserved.map(([, slotId]) => slotId)];
  const facts = slotIds.flatMap((slotId) => {
    const slot = state.slots.get(slotId);
    return slot === undefined ? [] : slotReturned(state, slot);
  });
  for (const [key, arrival] of state.arrivals) {
    if (arrival.edgeId === edgeId)
      facts.push({ type: 'arrival-ended', key, gateId: arrival.gateId, state: 'unresolved', atMs: context.nowMs });
  }
  // Whoever releases them takes the edge for gone for good.
  if (hasGatesToDrain(state, edgeId)) facts.push({ type: 'gates-drained', edgeId });
  if (facts.length === 0)
    throw new Refusal('nothing-to-release', `edge "${edgeId}" holds and has reserved nothing`, 'edgeId');
  // Should it come back, it must learn first that nothing is its own any more.
  if (state.allowances.has(edgeId)) facts.push({ type: 'allowance-doubted', edgeId });
  const detail = `${edgeId}: ${String(slotIds.length)} slots released`;
  return [...facts, reported('allowance-changed', null, detail)];
}

/** An edge that lost a slot by force must tell what it holds before it is given another. */
function doubtedUnlessFrozen({ frozen, heldBy }: SlotRow): SiteFact[] {
  return frozen || heldBy === null ? [] : [{ type: 'allowance-doubted', edgeId: heldBy }];
}
