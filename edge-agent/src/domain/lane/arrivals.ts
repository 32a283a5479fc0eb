/** A vehicle presents itself, is decided about, and perhaps shows something else. One vehicle, one decision. */
import type { Credential } from '@gatehouse/shared/edge';
import { occupancy } from './loops.js';
import {
  isOfTrack,
  isOfWay,
  isSimilar,
  isSure,
  ticketSource,
  trackIdsOf,
  vote,
  withVote,
  withWaiting,
} from './reads.js';
import { directionFrom, isFreeFlow, isServed, maxCredentialsPerVehicle, modeOf } from './state.js';
import type { Arrival, LaneState, Read, Vehicle } from './state.js';
import { isOfPassed, voidArrival } from './tracking.js';
import { changeBarrier, changeHealth, changeVehicle, record, report, want } from './turn.js';
import type { Turn } from './turn.js';
import type { ArrivalId, LaneHappening, LaneRules, LocalChoice } from './vocabulary.js';

// ---------------------------------------------------------------- presenting

/** Announces the vehicle that stands there once it has shown something, or had its time to. */
export function announceArrival(turn: Turn): void {
  const { vehicle } = turn.state;
  if (vehicle === null || !isWaitingToArrive(turn.state, turn.rules, vehicle)) return;
  if (turn.state.nowMs < arrivesAtMs(turn.rules, vehicle)) return;
  const credential = vote(vehicle.votes);
  if (turn.rules.hasReader) {
    changeHealth(turn, { unreadVehicles: credential === null ? turn.state.health.unreadVehicles + 1 : 0 });
  }
  arrive(turn, credential, null, null);
}

/** When the vehicle will be announced without any further input; undefined if none is to be. */
export function announceAtMs(state: LaneState, rules: LaneRules): number | undefined {
  const { vehicle } = state;
  if (vehicle === null || !isWaitingToArrive(state, rules, vehicle)) return undefined;
  const atMs = arrivesAtMs(rules, vehicle);
  return Number.isFinite(atMs) ? atMs : undefined;
}

function isWaitingToArrive(state: LaneState, rules: LaneRules, vehicle: Vehicle): boolean {
  if (vehicle.arrival !== null || vehicle.counted || vehicle.unknown || vehicle.reoccupied) return false;
  if (!isServed(rules, vehicle.from) || isFreeFlow(state)) return false;
  return (vehicle.phase === 'first' || vehicle.phase === 'both') && occupancy(state, rules, vehicle.from).first;
}

/** Infinity: not before the ticket button is pressed. */
function arrivesAtMs(rules: LaneRules, vehicle: Vehicle): number {
  const { votes, appearedAtMs } = vehicle;
  if (vehicle.pressed) return appearedAtMs;
  const best = vote(votes);
  if (best !== null && isSure(best, rules.sureConfidence)) return appearedAtMs;
  const waitMs = rules.hasReader ? rules.readAfterMs : 0;
  const patienceMs = best === null && rules.needsButton ? Infinity : appearedAtMs + waitMs;
  const firstRead = votes[0];
  if (firstRead === undefined) return patienceMs;
  return Math.min(patienceMs, Math.max(firstRead.readAtMs, appearedAtMs) + rules.voteMs);
}

/** `deniedAs`: an operator turns it away at once; a locked lane does so too. */
function arrive(
  turn: Turn,
  credential: Credential | null,
  supersedes: ArrivalId | null,
  deniedAs: 'operator' | null,
): void {
  const { vehicle } = turn.state;
  if (vehicle === null) return;
  const id = turn.state.nextArrivalId;
  const direction = directionFrom(turn.rules, vehicle.from);
  const locked = modeOf(turn.state) === 'locked';
  const denial = locked ? 'locked' : deniedAs;
  report(turn, {
    kind: 'vehicle-arrived',
    arrivalId: id,
    direction,
    credential,
    vehicleClass: turn.rules.vehicleClass,
    supersedes,
  });
  const arrival: Arrival = {
    id,
    direction,
    atMs: turn.state.nowMs,
    credential,
    progress: denial === null ? 'waiting' : 'denied',
    basis: 'none',
    slotId: null,
    revision: 0,
    deniedByMode: locked,
  };
  changeVehicle(turn, {
    arrival,
    votes: [],
    pressed: false,
    shown: credential === null ? vehicle.shown : [...vehicle.shown, credential].slice(-maxCredentialsPerVehicle),
  });
  if (denial === null) {
    want(turn, { type: 'ask-decision', arrivalId: id });
  } else {
    report(turn, { kind: 'vehicle-denied', arrivalId: id, reason: denial });
    show(turn, denial);
  }
}

// ---------------------------------------------------------------- credentials

export function credentialRead(turn: Turn, read: Read): void {
  changeHealth(turn, { unreadVehicles: 0 });
  const { vehicle } = turn.state;
  if (isOfPassed(turn.state, turn.rules, read)) return;
  if (vehicle === null || !isServed(turn.rules, vehicle.from) || vehicle.unknown) {
    keepForNext(turn, read);
  } else if (!isOfWay(read, directionFrom(turn.rules, vehicle.from))) {
    keepForNext(turn, read);
  } else if (vehicle.shown.some((shown) => isSimilar(shown, read.credential))) {
    changeVehicle(turn, { trackIds: trackIdsOf([read], vehicle.trackIds) });
  } else if (vehicle.arrival?.progress === 'denied') {
    supersede(turn, vehicle, vehicle.arrival, read);
  } else if (mayBeOf(vehicle)) {
    changeVehicle(turn, { votes: withVote(vehicle.votes, read), trackIds: trackIdsOf([read], vehicle.trackIds) });
  } else {
    keepForNext(turn, read);
  }
}

/**
 * Whether what is read now is taken for the vehicle that is there. One that was let through unread is still the one in front of the
 * reader while it stands before the arm: the read comes too late for it, and must not be the next one's.
 */
function mayBeOf({ arrival, counted, reoccupied, phase }: Vehicle): boolean {
  if (arrival === null) return !counted && !reoccupied && phase !== 'last';
  if (arrival.credential !== null) return false;
  return arrival.progress === 'waiting' || phase === 'first';
}

/** The button asks again for a vehicle that was turned away, and speaks for one that has nothing to show. */
export function buttonPressed(turn: Turn): void {
  const { vehicle } = turn.state;
  if (vehicle === null || !isServed(turn.rules, vehicle.from) || vehicle.counted) return;
  if (vehicle.arrival === null) changeVehicle(turn, { pressed: true });
  else if (vehicle.arrival.progress === 'denied' && !vehicle.pressed) {
    replaceArrival(turn, vehicle.arrival, null);
    changeVehicle(turn, { pressed: true });
  }
}

/** Reads that waited for a vehicle long enough are forgotten; several in a row under silent loops make the loops suspect. */
export function forgetOldReads(turn: Turn): void {
  const { reads, nowMs, health, inputs } = turn.state;
  const old = reads.filter((read) => nowMs - read.readAtMs >= turn.rules.readBeforeMs);
  if (old.length === 0) return;
  record(turn, { type: 'reads-changed', reads: reads.filter((read) => !old.includes(read)) });
  const loopEdgesMs = (['arming', 'safety'] as const).map((input) => inputs[input]?.edgesMs.at(-1) ?? -Infinity);
  const unseen = old.filter((read) => loopEdgesMs.every((edgeMs) => edgeMs < read.readAtMs)).length;
  if (unseen > 0) changeHealth(turn, { unclaimedReads: health.unclaimedReads + unseen });
}

export function readsForgottenAtMs(state: LaneState, rules: LaneRules): number | undefined {
  const oldest = state.reads.reduce((min, read) => Math.min(min, read.readAtMs), Infinity);
  return Number.isFinite(oldest) ? oldest + rules.readBeforeMs : undefined;
}

function keepForNext(turn: Turn, read: Read): void {
  const { vehicle, reads, nowMs } = turn.state;
  if (nowMs - read.readAtMs >= turn.rules.readBeforeMs) return;
  if (vehicle !== null) {
    const credentials = [...vehicle.shown, ...vehicle.votes.map(({ credential }) => credential)];
    if (isOfTrack(read, vehicle.trackIds)) return;
    if (credentials.some((credential) => isSimilar(credential, read.credential))) return;
  }
  record(turn, { type: 'reads-changed', reads: withWaiting(reads, read) });
}

function supersede(turn: Turn, vehicle: Vehicle, arrival: Arrival, read: Read): void {
  const { credential } = read;
  const anotherPlate = credential.kind === 'plate' && arrival.credential?.kind === 'plate';
  const allowed =
    !arrival.deniedByMode &&
    vehicle.shown.length < maxCredentialsPerVehicle &&
    isSure(credential, turn.rules.sureConfidence) &&
    (!anotherPlate || turn.rules.platesSupersede === 'sure');
  if (allowed) {
    changeVehicle(turn, { trackIds: trackIdsOf([read], vehicle.trackIds) });
    replaceArrival(turn, arrival, credential);
  } else if (anotherPlate) keepForNext(turn, read);
}

function replaceArrival(turn: Turn, arrival: Arrival, credential: Credential | null): void {
  voidArrival(turn, arrival, 'superseded');
  arrive(turn, credential, arrival.id, null);
}

// ---------------------------------------------------------------- being decided about

export function onlineDecision(turn: Turn, decision: Extract<LaneHappening, { type: 'decision' }>): void {
  const arrival = turn.state.vehicle?.arrival ?? null;
  if (arrival?.id !== decision.arrivalId || !mayDecide(arrival, decision)) return;
  if (decision.outcome === 'admit') {
    admit(turn, arrival, { basis: decision.basis, slotId: decision.slotId, revision: decision.revision });
    show(turn, signOf(arrival, decision.slotLabel));
  } else {
    deny(turn, arrival, decision.revision);
    show(turn, decision.reason ?? 'denied');
  }
}

/** The first answer counts; afterwards only an operator may let in whom somebody turned away. */
function mayDecide(arrival: Arrival, decision: Extract<LaneHappening, { type: 'decision' }>): boolean {
  if (decision.revision <= arrival.revision) return false;
  if (arrival.progress === 'waiting') return true;
  if (arrival.progress !== 'denied' || arrival.deniedByMode) return false;
  return decision.basis === 'operator' && decision.outcome === 'admit';
}

export function localChoice(turn: Turn, arrivalId: ArrivalId, choice: LocalChoice): void {
  const arrival = turn.state.vehicle?.arrival ?? null;
  if (arrival?.id !== arrivalId || arrival.progress !== 'waiting') return;
  if (choice.outcome === 'deny') {
    report(turn, { kind: 'vehicle-denied', arrivalId, reason: choice.reason });
    deny(turn, arrival, arrival.revision);
    show(turn, choice.reason);
    return;
  }
  report(turn, { kind: 'vehicle-admitted', arrivalId, slotId: choice.slotId, basis: choice.basis });
  changeVehicle(turn, { arrival: { ...arrival, progress: 'recording', basis: choice.basis, slotId: choice.slotId } });
  show(turn, signOf(arrival, choice.slotLabel));
}

export function admissionRecorded(turn: Turn, arrivalId: ArrivalId): void {
  const arrival = turn.state.vehicle?.arrival ?? null;
  if (arrival?.id !== arrivalId || arrival.progress !== 'recording') return;
  admit(turn, arrival, { basis: arrival.basis, slotId: arrival.slotId, revision: arrival.revision });
}

/** Nothing of the admission was written, so nothing has to be taken back. */
export function admissionFailed(turn: Turn, arrivalId: ArrivalId): void {
  const arrival = turn.state.vehicle?.arrival ?? null;
  if (arrival?.id !== arrivalId || arrival.progress !== 'recording') return;
  deny(turn, { ...arrival, basis: 'none', slotId: null }, arrival.revision);
  show(turn, 'closed');
}

function admit(turn: Turn, arrival: Arrival, by: Pick<Arrival, 'basis' | 'slotId' | 'revision'>): void {
  changeVehicle(turn, { arrival: { ...arrival, ...by, progress: 'admitted' } });
  // A wish of its own: an arm that did not follow the last one is asked again.
  if (turn.state.barrier.motion?.target !== 'open') changeBarrier(turn, { lastRequest: null });
}

function deny(turn: Turn, arrival: Arrival, revision: number): void {
  const { vehicle } = turn.state;
  changeVehicle(turn, { arrival: { ...arrival, revision, progress: 'denied' }, pressed: false });
  // What it showed meanwhile, after it had been announced with nothing to show.
  const late = vote(vehicle?.votes ?? []);
  const denied = turn.state.vehicle?.arrival ?? null;
  if (late !== null && denied !== null && arrival.credential === null && !denied.deniedByMode) {
    replaceArrival(turn, denied, late);
  }
}

/** An operator locks the lane, or closes it once: the vehicle that stands there is not let in any more. */
export function revoke(turn: Turn, as: 'locked' | 'operator'): void {
  const { vehicle } = turn.state;
  const arrival = vehicle?.arrival ?? null;
  if (vehicle === null || arrival === null || vehicle.reachedLast || vehicle.phase === 'between') return;
  if (arrival.progress === 'waiting') {
    if (as === 'operator') return;
    report(turn, { kind: 'vehicle-denied', arrivalId: arrival.id, reason: as });
    changeVehicle(turn, { arrival: { ...arrival, progress: 'denied', deniedByMode: true } });
    show(turn, as);
  } else if (arrival.progress === 'admitted' || arrival.progress === 'recording') {
    voidArrival(turn, arrival, 'mode');
    arrive(turn, arrival.credential, arrival.id, as === 'operator' ? as : null);
  }
}

/** The lane is open to the public again: whom the mode turned away is asked about anew. */
export function askAgainAfterMode(turn: Turn): void {
  const arrival = turn.state.vehicle?.arrival ?? null;
  if (arrival?.deniedByMode === true) replaceArrival(turn, arrival, arrival.credential);
}

/** Whoever was given a ticket needs its number to go out again. */
function signOf({ credential }: Arrival, slotLabel: string | null): string {
  const ticket = credential?.source === ticketSource ? credential.value : '';
  return `${ticket} ${slotLabel ?? ''}`.trim();
}

function show(turn: Turn, text: string): void {
  record(turn, { type: 'display-changed', lamp: turn.state.lamp, text: text.slice(0, 40) });
  want(turn, { type: 'text', text: text.slice(0, 40) });
}
