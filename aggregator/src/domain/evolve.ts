/** Applies one fact to the state, in place, and notes which rows have to be stored. */
import { evolveAllowance } from './evolve-allowance.js';
import { evolveSlot } from './evolve-slot.js';
import type { FactOf, SiteFact } from './facts.js';
import type { KnownCredential } from './inputs.js';
import { known } from './invariant.js';
import { drainedGates } from './retired-gates.js';
import type { ReviewRow, SessionRow } from './rows.js';
import { arrivalKey } from './rows.js';
import {
  engineLimits,
  indexArrival,
  indexRanks,
  indexSession,
  indexSlot,
  unindexSession,
  unindexSlot,
} from './state.js';
import type { SiteState } from './state.js';

export function evolve(state: SiteState, fact: SiteFact): void {
  switch (fact.type) {
    case 'layout-changed':
      state.site = {
        siteId: state.siteId,
        layout: fact.layout,
        version: fact.version,
        retiredGates: fact.retiredGates,
      };
      state.gates.clear();
      for (const gate of fact.layout.gates) state.gates.set(gate.gateId, gate);
      indexRanks(state);
      state.dirty.site = true;
      state.dirty.ledger = true;
      return;
    case 'gates-drained':
      if (state.site === null) return;
      state.site.retiredGates = drainedGates(state.site.retiredGates, fact.edgeId);
      state.dirty.site = true;
      return;
    case 'gate-retired':
      if (state.site === null) return;
      state.site.retiredGates = [...state.site.retiredGates, fact.gate];
      state.dirty.site = true;
      return;
    case 'slot-added':
    case 'slot-described':
    case 'slot-removed':
    case 'slot-held':
    case 'slot-reserved':
    case 'slot-occupied':
    case 'slot-freed':
    case 'slot-frozen':
    case 'slot-service-changed':
    case 'slot-recall-changed':
      evolveSlot(state, fact);
      return;
    case 'allowance-made':
    case 'allowance-settled':
    case 'allowance-doubted':
    case 'allowance-ended':
      evolveAllowance(state, fact);
      return;
    case 'arrival-opened':
    case 'arrival-decided':
    case 'arrival-answered':
    case 'arrival-ended':
      evolveArrival(state, fact);
      return;
    case 'arrival-carried-over':
      carryArrivalOver(state, fact);
      return;
    case 'session-opened':
    case 'session-changed':
    case 'session-closed':
    case 'session-rewritten':
      evolveSession(state, fact);
      return;
    case 'passage-counted':
      state.ledger.count += fact.direction === 'entry' ? 1 : -1;
      if (fact.direction === 'entry') state.ledger.entriesTotal += 1;
      else state.ledger.exitsTotal += 1;
      state.dirty.ledger = true;
      return;
    case 'count-adjusted':
      state.ledger.count += fact.by;
      state.ledger.entriesTotal += fact.entries;
      state.ledger.exitsTotal += fact.exits;
      state.dirty.ledger = true;
      return;
    case 'unmatched-exit-added':
      state.ledger.unmatchedExits = [...state.ledger.unmatchedExits, fact.exit].slice(-engineLimits.maxUnmatchedExits);
      state.dirty.ledger = true;
      return;
    case 'unmatched-exit-marked':
      state.ledger.unmatchedExits = state.ledger.unmatchedExits.map((exit) =>
        exit.exitId === fact.exitId ? { ...exit, markedSessionId: fact.sessionId } : exit,
      );
      state.dirty.ledger = true;
      return;
    case 'unmatched-exit-settled':
      state.ledger.unmatchedExits = state.ledger.unmatchedExits.filter(({ exitId }) => exitId !== fact.exitId);
      state.dirty.ledger = true;
      return;
    case 'recovery-changed':
      state.ledger.recoveringEdges = fact.edges;
      state.hasNoticedRestore = true;
      state.dirty.ledger = true;
      return;
    case 'edge-currency-changed':
      if (fact.current) state.currentEdges.add(fact.edgeId);
      else state.currentEdges.delete(fact.edgeId);
      return;
    case 'review-opened':
    case 'review-noted':
    case 'review-resolved':
      evolveReview(state, fact);
      return;
    case 'free-flow-ended':
      state.freeFlowReviews.delete(fact.gateId);
      return;
    case 'credential-forgotten':
      forgetCredential(state, fact.credentialId);
      return;
    case 'reported':
      return;
  }
}

type ArrivalFact = FactOf<'arrival-opened' | 'arrival-decided' | 'arrival-answered' | 'arrival-ended'>;

function evolveArrival(state: SiteState, fact: ArrivalFact): void {
  if (fact.type === 'arrival-opened') {
    const key = arrivalKey(fact.arrival);
    remember(state, fact.credential);
    state.arrivals.set(key, fact.arrival);
    state.dirty.arrivals.set(key, fact.arrival);
    indexArrival(state, key);
    return;
  }
  const arrival = known(state.arrivals.get(fact.key), 'arrival', fact.key);
  state.dirty.arrivals.set(fact.key, arrival);
  switch (fact.type) {
    case 'arrival-decided':
      arrival.decision = fact.decision;
      break;
    case 'arrival-answered':
      arrival.localOutcome = fact.outcome;
      arrival.decision = null;
      break;
    case 'arrival-ended':
      arrival.state = fact.state;
      arrival.endedAtMs = fact.atMs;
      if (fact.state !== 'frozen') state.arrivals.delete(fact.key);
      break;
  }
  indexArrival(state, fact.key);
  if (fact.type === 'arrival-ended') forgetUnused(state, arrival.credentialId);
}

function carryArrivalOver(state: SiteState, fact: FactOf<'arrival-carried-over'>): void {
  const key = arrivalKey(fact.arrival);
  const slot = state.slots.get(state.reservedFor.get(fact.from) ?? '');
  evolveArrival(state, { type: 'arrival-opened', arrival: fact.arrival, credential: null });
  if (slot !== undefined) {
    unindexSlot(state, slot);
    slot.arrivalKey = key;
    indexSlot(state, slot);
    state.dirty.slots.set(slot.slotId, slot);
  }
  evolveArrival(state, {
    type: 'arrival-ended',
    key: fact.from,
    gateId: fact.arrival.gateId,
    state: 'void',
    atMs: fact.atMs,
  });
  indexArrival(state, key);
}

type SessionFact = FactOf<'session-opened' | 'session-changed' | 'session-closed' | 'session-rewritten'>;

function evolveSession(state: SiteState, fact: SessionFact): void {
  if (fact.type === 'session-rewritten') {
    state.dirty.sessions.set(fact.session.sessionId, fact.session);
    return;
  }
  if (fact.type === 'session-opened') {
    const { session } = fact;
    remember(state, fact.credential);
    state.sessions.set(session.sessionId, session);
    state.dirty.sessions.set(session.sessionId, session);
    indexSession(state, session);
    state.ledger.ticketsIssued = Math.max(state.ledger.ticketsIssued, session.ticket);
    state.dirty.ledger = true;
    return;
  }
  const session = known(state.sessions.get(fact.sessionId), 'session', fact.sessionId);
  unindexSession(state, session);
  state.dirty.sessions.set(session.sessionId, session);
  if (fact.type === 'session-changed') {
    remember(state, fact.credential ?? null);
    Object.assign(session, fact.change);
    indexSession(state, session);
    return;
  }
  close(session, fact);
  state.sessions.delete(session.sessionId);
  forgetUnused(state, session.credentialId);
}

function close(session: SessionRow, fact: FactOf<'session-closed'>): void {
  session.state = fact.state;
  session.exitAtMs = fact.exitAtMs;
  session.exitGateId = fact.exitGateId;
  session.exitBasis = fact.basis;
  session.durationMs = fact.durationMs;
}

function evolveReview(state: SiteState, fact: FactOf<'review-opened' | 'review-noted' | 'review-resolved'>): void {
  if (fact.type === 'review-opened') {
    const { review } = fact;
    state.reviews.set(review.reviewId, review);
    state.dirty.reviews.set(review.reviewId, review);
    if (review.kind === 'free-flow' && review.gateId !== null)
      state.freeFlowReviews.set(review.gateId, review.reviewId);
    return;
  }
  const review = known(state.reviews.get(fact.reviewId), 'review', fact.reviewId);
  state.dirty.reviews.set(review.reviewId, review);
  if (fact.type === 'review-noted') {
    review.detail = fact.detail;
    return;
  }
  resolve(review, fact);
  state.reviews.delete(review.reviewId);
}

function resolve(review: ReviewRow, fact: FactOf<'review-resolved'>): void {
  review.resolvedAtMs = fact.atMs;
  review.resolvedBy = fact.by;
  review.resolution = fact.resolution;
}

function remember(state: SiteState, credential: KnownCredential | null): void {
  if (credential !== null) state.credentials.set(credential.credentialId, credential);
}

/** Memory holds the texts of what is open, and no more. */
function forgetUnused(state: SiteState, credentialId: string | null): void {
  if (credentialId === null || state.sessionsByCredential.has(credentialId)) return;
  for (const arrival of state.arrivals.values()) if (arrival.credentialId === credentialId) return;
  state.credentials.delete(credentialId);
}

/** Sessions of an erased credential become anonymous for matching; their rows keep the id. */
function forgetCredential(state: SiteState, credentialId: string): void {
  const sessions = [...(state.sessionsByCredential.get(credentialId) ?? [])].flatMap(
    (sessionId) => state.sessions.get(sessionId) ?? [],
  );
  for (const session of sessions) unindexSession(state, session);
  state.credentials.delete(credentialId);
  for (const session of sessions) indexSession(state, session);
}
