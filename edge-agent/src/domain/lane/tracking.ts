/**
 * Follows vehicles over the loops and says what became of them. Direction is set by the loop occupied first; a passage is first
 * loop, both, second loop, clear.
 */
import type { PassageFlag } from '@gatehouse/shared/edge';
import { isSingleLoop, loopsInUse, occupancy } from './loops.js';
import { directionFrom, isClosed, isFreeFlow, isServed, isWired, maxReads, modeOf } from './state.js';
import { maxTracks, passedTrackMs } from './state.js';
import type { Arrival, LaneState, Loop, Phase, Read, Vehicle } from './state.js';
import { isOfTrack, isOfWay, isSimilar, trackIdsOf } from './reads.js';
import { changeBarrier, changeHealth, changeOrders, changeVehicle, record, report } from './turn.js';
import type { Turn } from './turn.js';
import type { LaneRules } from './vocabulary.js';

/** One turn moves a vehicle by a few phases at most: an edge, a follower, a loop given up. */
const maxMovesPerTurn = 8;

export function trackVehicles(turn: Turn): void {
  for (let moves = 0; moves < maxMovesPerTurn; moves += 1) {
    const moved = turn.state.vehicle === null ? appear(turn) : move(turn, turn.state.vehicle);
    if (!moved) return;
  }
}

/** When the vehicle that is on no loop counts as gone; undefined while it is on one. */
export function goneAtMs(state: LaneState, rules: LaneRules): number | undefined {
  const { vehicle } = state;
  // Slower than this nobody goes out.
  if (vehicle?.unknown === true && vehicle.phase === 'first') return vehicle.phaseSinceMs + rules.loopGapMs;
  if (vehicle?.phase !== 'between') return undefined;
  // It is through already: on the arming loop would be the next one.
  if (vehicle.follows && !vehicle.reachedLast && !isServed(rules, vehicle.from)) return vehicle.phaseSinceMs;
  const couldPass = !isClosed(state) && !isSingleLoop(state, rules) && isServed(rules, vehicle.from);
  return vehicle.phaseSinceMs + (couldPass ? rules.loopGapMs : rules.leaveDelayMs);
}

function appear(turn: Turn): boolean {
  const { state, rules } = turn;
  const arming = occupancy(state, rules, 'arming');
  if (arming.first) {
    place(turn, 'arming', {});
    return true;
  }
  if (!arming.last) return false;
  const follows =
    state.leader !== null && !isClosed(state) && state.nowMs - state.leader.passedAtMs <= rules.followGapMs;
  place(turn, 'safety', { follows });
  return true;
}

/** A vehicle is there that was not: it came to `from`. */
export function place(turn: Turn, from: Loop, known: Partial<Vehicle>): void {
  const { state, rules } = turn;
  const served = isServed(rules, from);
  const direction = directionFrom(rules, from);
  const waiting = served && known.unknown !== true ? state.reads.filter((read) => isOfWay(read, direction)) : [];
  const claimed = waiting.filter((read) => !isOfPassed(state, rules, read)).slice(-maxReads);
  record(turn, {
    type: 'vehicle-changed',
    vehicle: {
      from,
      appearedAtMs: state.nowMs,
      phase: 'first',
      phaseSinceMs: state.nowMs,
      reachedLast: false,
      reoccupied: false,
      counted: false,
      sawOpen: !isClosed(state),
      unknown: false,
      follows: false,
      flags: [],
      arrival: null,
      votes: claimed,
      shown: [],
      trackIds: trackIdsOf(claimed),
      pressed: false,
      ...known,
    },
  });
  if (waiting.length > 0) {
    record(turn, { type: 'reads-changed', reads: state.reads.filter((read) => !waiting.includes(read)) });
    changeHealth(turn, { unclaimedReads: 0, unreadVehicles: 0 });
  }
}

/** Moves the vehicle by one phase; false if it stays where it is. */
function move(turn: Turn, vehicle: Vehicle): boolean {
  const { state, rules } = turn;
  const { first, last } = occupancy(state, rules, vehicle.from);
  const loops = loopsInUse(state, rules);
  if (vehicle.from === 'safety' && loops.safety === null) {
    // The one loop that saw it is not believed any more.
    vehicleGone(turn, vehicle);
    return true;
  }
  if (loops.degraded) addFlag(turn, 'degraded-loops');
  if (!isClosed(state)) changeVehicle(turn, { sawOpen: true });
  const next = nextPhase(first, last);
  if (vehicle.unknown) return moveUnknown(turn, vehicle, next);
  if (next === vehicle.phase) {
    const goneMs = goneAtMs(turn.state, rules);
    if (goneMs === undefined || state.nowMs < goneMs) return false;
    vehicleGone(turn, turn.state.vehicle ?? vehicle);
    return true;
  }
  switch (vehicle.phase) {
    case 'first':
      if (next === 'last' || next === 'both') enter(turn, next, { reachedLast: true });
      else enter(turn, next, {});
      break;
    case 'between':
      if (next === 'first') enter(turn, 'first', { reoccupied: vehicle.reoccupied || mayBeTwo(state, vehicle) });
      else {
        addFlag(turn, 'loops-apart');
        enter(turn, next, { reachedLast: true });
      }
      break;
    case 'both':
      if (next === 'first' && vehicle.reoccupied) {
        leaderPassed(turn, true);
        return true;
      }
      if (next === 'last' && vehicle.reoccupied) addFlag(turn, 'suspected-tailgate');
      enter(turn, next, {});
      break;
    case 'last':
      if (next === 'both') enter(turn, 'both', { reoccupied: true });
      else {
        leaderPassed(turn, next === 'first');
        return true;
      }
      break;
  }
  const entered = turn.state.vehicle;
  if (rules.countWhen === 'leaving-arming' && entered?.phase === 'last' && !entered.counted) reportPassage(turn);
  return true;
}

/** Stays until it has left the second loop, and where it may have come from inside, the first one, too: that is its way out. */
function moveUnknown(turn: Turn, vehicle: Vehicle, next: Phase): boolean {
  const { state, rules } = turn;
  const mayGoOut = isServed(rules, 'safety') && (vehicle.phase === 'both' || vehicle.phase === 'first');
  const isThere = next === 'last' || next === 'both' || (next === 'first' && mayGoOut);
  if (isThere && next !== vehicle.phase) {
    changeVehicle(turn, { phase: next, phaseSinceMs: state.nowMs });
    return true;
  }
  const goneMs = goneAtMs(state, rules);
  if (isThere && (goneMs === undefined || state.nowMs < goneMs)) return false;
  record(turn, { type: 'vehicle-changed', vehicle: null });
  return true;
}

/** It was on neither loop, and now the first is occupied again: with the arm up, somebody may have come behind it. */
function mayBeTwo(state: LaneState, vehicle: Vehicle): boolean {
  return !isClosed(state) && !vehicle.reachedLast;
}

export function nextPhase(first: boolean, last: boolean): Phase {
  if (first) return last ? 'both' : 'first';
  return last ? 'last' : 'between';
}

function enter(turn: Turn, phase: Phase, change: Partial<Vehicle>): void {
  const { vehicle } = turn.state;
  if (vehicle?.phase === 'both' && phase === 'first') addFlag(turn, 'long-vehicle');
  changeVehicle(turn, { phase, phaseSinceMs: turn.state.nowMs, ...change });
}

function addFlag(turn: Turn, flag: PassageFlag): void {
  const { vehicle } = turn.state;
  if (vehicle !== null && !vehicle.flags.includes(flag)) changeVehicle(turn, { flags: [...vehicle.flags, flag] });
}

/** The vehicle is through. What stands on the first loop is the next one. */
function leaderPassed(turn: Turn, followed: boolean): void {
  const from = turn.state.vehicle?.from ?? 'arming';
  if (turn.state.vehicle?.counted === false) reportPassage(turn);
  record(turn, { type: 'vehicle-changed', vehicle: null });
  if (followed) place(turn, from, {});
}

/** Reports the passage of the vehicle that is there, once. */
function reportPassage(turn: Turn): void {
  const { vehicle } = turn.state;
  if (vehicle === null) return;
  changeVehicle(turn, { counted: true, arrival: null });
  if (isServed(turn.rules, vehicle.from) || isFreeFlow(turn.state)) reportServedPassage(turn, vehicle);
  else report(turn, { kind: 'wrong-way', direction: directionFrom(turn.rules, vehicle.from), passed: true });
}

function reportServedPassage(turn: Turn, vehicle: Vehicle): void {
  const { state, rules } = turn;
  const { arrival, flags } = vehicle;
  const direction = directionFrom(rules, vehicle.from);
  const passage = { kind: 'vehicle-passed' as const, direction, flags: [...flags] };
  if (arrival?.progress === 'admitted' || arrival?.progress === 'recording') {
    report(turn, { ...passage, arrivalId: arrival.id, slotId: arrival.slotId, basis: arrival.basis });
  } else if (isFreeFlow(state)) {
    if (arrival !== null) voidArrival(turn, arrival, 'free-flow');
    report(turn, { kind: 'free-flow-passed', direction, mode: modeOf(state) });
  } else if (state.orders.openUntilMs !== null) {
    report(turn, { ...passage, arrivalId: arrival?.id ?? null, slotId: null, basis: 'operator' });
  } else if (state.leader !== null) {
    if (arrival !== null) voidArrival(turn, arrival, 'left');
    reportTailgating(turn, direction);
  } else {
    report(turn, { ...passage, arrivalId: arrival?.id ?? null, slotId: null, basis: 'none' });
  }
  changeOrders(turn, { openUntilMs: null });
  record(turn, {
    type: 'leader-changed',
    leader: {
      arrivalId: arrival?.id ?? null,
      passedAtMs: state.nowMs,
      shown: [...vehicle.shown, ...vehicle.votes.map((read) => read.credential)],
    },
  });
  if (vehicle.trackIds.length === 0) return;
  const passed = vehicle.trackIds.map((trackId) => ({ trackId, passedAtMs: state.nowMs }));
  const passedTracks = [...state.passedTracks, ...passed].slice(-maxTracks);
  record(turn, { type: 'passed-tracks-changed', passedTracks });
}

function reportTailgating(turn: Turn, direction: 'entry' | 'exit'): void {
  report(turn, { kind: 'vehicle-tailgated', direction, leaderId: turn.state.leader?.arrivalId ?? null });
  if (turn.rules.onTailgating !== 'close') changeBarrier(turn, { closing: turn.rules.onTailgating, closeAtMs: null });
}

/** The vehicle is on no loop any more and did not go through. */
function vehicleGone(turn: Turn, vehicle: Vehicle): void {
  if (isSingleLoop(turn.state, turn.rules) && wentThroughBySingleLoop(turn.state, vehicle)) {
    leaderPassed(turn, false);
    return;
  }
  record(turn, { type: 'vehicle-changed', vehicle: null });
  if (vehicle.counted) return;
  const { arrival } = vehicle;
  if (!isServed(turn.rules, vehicle.from)) {
    turnedBack(turn, vehicle);
  } else if (arrival?.progress === 'admitted' || arrival?.progress === 'recording') {
    report(turn, {
      kind: 'vehicle-backed-out',
      arrivalId: arrival.id,
      slotId: arrival.slotId,
      basis: arrival.basis,
    });
    if (vehicle.from === 'arming' && vehicle.sawOpen && !vehicle.reachedLast && isWired(turn.state, 'safety'))
      changeHealth(turn, { unseenByLast: turn.state.health.unseenByLast + 1 });
  } else if (arrival !== null) {
    voidArrival(turn, arrival, 'left');
  } else if (vehicle.follows && !isFreeFlow(turn.state)) {
    reportTailgating(turn, directionFrom(turn.rules, 'arming'));
  }
}

/** It came to the second loop first and left it without reaching the other: it turned back, or it followed a passage. */
function turnedBack(turn: Turn, vehicle: Vehicle): void {
  const through = directionFrom(turn.rules, 'arming');
  if (!vehicle.follows) {
    if (!isFreeFlow(turn.state)) {
      report(turn, { kind: 'wrong-way', direction: directionFrom(turn.rules, vehicle.from), passed: false });
    }
  } else if (isFreeFlow(turn.state)) {
    report(turn, { kind: 'free-flow-passed', direction: through, mode: modeOf(turn.state) });
  } else {
    reportTailgating(turn, through);
  }
}

/** With one loop, a vehicle that left it while the arm was open went through if it was let through, or went behind one that was. */
function wentThroughBySingleLoop(state: LaneState, vehicle: Vehicle): boolean {
  if (!vehicle.sawOpen || vehicle.counted) return false;
  const admitted = vehicle.arrival?.progress === 'admitted' || vehicle.arrival?.progress === 'recording';
  return admitted || isFreeFlow(state) || state.orders.openUntilMs !== null || state.leader !== null;
}

export function voidArrival(turn: Turn, arrival: Arrival, reason: 'left' | 'superseded' | 'mode' | 'free-flow'): void {
  report(turn, { kind: 'arrival-void', arrivalId: arrival.id, slotId: arrival.slotId, basis: arrival.basis, reason });
}

/** A read that is surely of a vehicle that went through, or is going through. */
export function isOfPassed({ leader, passedTracks, nowMs }: LaneState, rules: LaneRules, read: Read): boolean {
  const recent = passedTracks.filter(({ passedAtMs }) => nowMs - passedAtMs < passedTrackMs);
  const trackIds = recent.map(({ trackId }) => trackId);
  if (isOfTrack(read, trackIds)) return true;
  if (leader === null || nowMs - leader.passedAtMs > rules.readBeforeMs) return false;
  return leader.shown.some((shown) => isSimilar(shown, read.credential));
}
