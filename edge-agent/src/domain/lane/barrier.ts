/**
 * The arm: where it is, what is asked of it, and when closing it may be asked for. This program only requests; the barrier's own
 * wired interlocks decide. Priority: stop, fire, operator open or hold, operator close or lock, automatic.
 */
import type { BarrierPosition } from '@gatehouse/shared/edge';
import { isActive, isClosed, isFreeFlow, isUnderArm, isWired, modeOf } from './state.js';
import type { LaneState } from './state.js';
import { clearFault, raiseFault } from './health.js';
import { changeBarrier, changeOrders, record, report, want } from './turn.js';
import type { Turn } from './turn.js';
import type { LaneRules } from './vocabulary.js';

/** How often one wish to open or close is asked for again when the arm does not follow. */
const maxAttempts = 3;

/** Learns where the arm is. */
export function observeBarrier(turn: Turn): void {
  observeLimits(turn);
  observeMotion(turn);
  observeOpening(turn);
}

/** Asks for what is wanted now. */
export function driveBarrier(turn: Turn): void {
  expireOpenCommand(turn);
  const stopped = isActive(turn.state, 'stop');
  setHold(turn, isFreeFlow(turn.state) && !stopped);
  if (stopped) changeBarrier(turn, { closeAtMs: null, motion: null, lastRequest: null });
  else if (isOpenWanted(turn.state)) open(turn);
  else if (mustReverse(turn.state)) open(turn);
  else close(turn);
}

export function barrierDeadlines(state: LaneState, rules: LaneRules): (number | undefined | null)[] {
  const { barrier, orders } = state;
  return [
    barrier.motion?.untilMs,
    barrier.closeAtMs,
    orders.openUntilMs,
    barrier.contradictSinceMs === null ? null : barrier.contradictSinceMs + rules.contradictAfterMs,
    barrier.unaskedSinceMs === null || state.health.faults.includes('barrier-forced')
      ? null
      : barrier.unaskedSinceMs + rules.forcedAfterMs,
    state.health.faults.includes('held-open') ? null : heldOpenAtMs(state, rules),
  ];
}

// ---------------------------------------------------------------- where it is

function observeLimits(turn: Turn): void {
  const { state, rules } = turn;
  const open = isActive(state, 'limit-open');
  const closed = isActive(state, 'limit-closed');
  const { barrier } = state;
  if (open && closed) {
    changeBarrier(turn, { position: 'unknown', contradictSinceMs: barrier.contradictSinceMs ?? state.nowMs });
    const sinceMs = turn.state.barrier.contradictSinceMs ?? state.nowMs;
    if (state.nowMs - sinceMs >= rules.contradictAfterMs)
      raiseFault(turn, 'limits-contradict', 'both limits are active');
    return;
  }
  changeBarrier(turn, { contradictSinceMs: null });
  clearFault(turn, 'limits-contradict');
  if (open) atLimit(turn, 'open');
  else if (closed) atLimit(turn, 'closed');
  else changeBarrier(turn, { position: positionBetween(state) });
}

function atLimit(turn: Turn, limit: 'open' | 'closed'): void {
  const { barrier } = turn.state;
  const arrived = barrier.motion?.target === limit;
  const stayed = barrier.position === limit;
  changeBarrier(turn, { position: limit, ...(arrived ? { motion: null } : {}) });
  if (arrived || barrier.lastRequest === (limit === 'open' ? 'open' : 'close')) clearFault(turn, 'barrier-stuck');
  if (limit === 'closed') closedSeen(turn, stayed);
}

/** `stayed`: it never moved, so that a wish to open is still not granted. */
function closedSeen(turn: Turn, stayed: boolean): void {
  const { barrier } = turn.state;
  const opening = barrier.motion?.target === 'open' || (stayed && barrier.lastRequest === 'open');
  changeBarrier(turn, {
    closeAtMs: null,
    closeNow: false,
    openSinceMs: null,
    closing: 'normal',
    mayClose: opening,
    // An arm that came down by itself may be asked to open again.
    lastRequest: opening ? 'open' : null,
  });
  if (turn.state.leader !== null) record(turn, { type: 'leader-changed', leader: null });
}

/** Neither limit is active, or none is wired. */
function positionBetween(state: LaneState): BarrierPosition {
  const { motion, position } = state.barrier;
  if (motion !== null) return motion.target === 'open' ? 'opening' : 'closing';
  if (position === 'stopped') return position;
  return 'unknown';
}

function observeMotion(turn: Turn): void {
  const { motion } = turn.state.barrier;
  if (motion === null || turn.state.nowMs < motion.untilMs) return;
  const { state } = turn;
  const target = motion.target === 'open' ? 'limit-open' : 'limit-closed';
  const other = motion.target === 'open' ? 'limit-closed' : 'limit-open';
  const failed = isWired(state, target) ? !isActive(state, target) : isActive(state, other);
  const halfway = !isActive(state, target) && !isActive(state, other);
  if (failed) {
    raiseFault(turn, 'barrier-stuck', `not ${motion.target} after ${String(turn.rules.travelTimeMs)} ms`);
    const again = motion.attempt < maxAttempts;
    changeBarrier(turn, {
      motion: again ? { ...motion, attempt: motion.attempt + 1, untilMs: state.nowMs + turn.rules.travelTimeMs } : null,
      ...(halfway ? { position: 'stopped' as const } : {}),
    });
    if (again) askAgain(turn, motion.target);
    return;
  }
  changeBarrier(turn, { motion: null, ...(halfway ? { position: 'unknown' as const } : {}) });
  if (motion.target === 'closed' && !isWired(state, 'limit-closed')) {
    changeBarrier(turn, { assumedClosed: true });
    closedSeen(turn, false);
  }
}

function askAgain(turn: Turn, target: 'open' | 'closed'): void {
  const { state } = turn;
  if (target === 'open') {
    if (isOpenWanted(state) || isFreeFlow(state) || isUnderArm(state)) want(turn, { type: 'request-open' });
  } else if (mayCloseNow(turn)) {
    want(turn, { type: 'request-close' });
  }
}

/** Open without being asked, and open for too long. */
function observeOpening(turn: Turn): void {
  const { state, rules } = turn;
  const { barrier } = state;
  const notClosed = isWired(state, 'limit-closed') ? !isActive(state, 'limit-closed') : isActive(state, 'limit-open');
  changeBarrier(turn, { openSinceMs: notClosed ? (barrier.openSinceMs ?? state.nowMs) : null });
  const unasked = notClosed && !barrier.mayClose && !barrier.holding && barrier.lastRequest !== 'open';
  changeBarrier(turn, { unaskedSinceMs: unasked ? (barrier.unaskedSinceMs ?? state.nowMs) : null });
  const { unaskedSinceMs } = turn.state.barrier;
  if (unaskedSinceMs !== null && state.nowMs - unaskedSinceMs >= rules.forcedAfterMs) {
    if (raiseFault(turn, 'barrier-forced', 'open and nobody asked')) report(turn, { kind: 'barrier-forced' });
  }
  if (!notClosed) clearFault(turn, 'barrier-forced');
  const heldAtMs = heldOpenAtMs(turn.state, rules);
  if (heldAtMs !== null && state.nowMs >= heldAtMs) raiseFault(turn, 'held-open', 'open for longer than is usual');
  else if (heldAtMs === null) clearFault(turn, 'held-open');
}

function heldOpenAtMs(state: LaneState, rules: LaneRules): number | null {
  const { openSinceMs } = state.barrier;
  if (openSinceMs === null || isFreeFlow(state)) return null;
  return Math.max(openSinceMs, state.leader?.passedAtMs ?? 0) + rules.heldOpenAfterMs;
}

// ---------------------------------------------------------------- what is asked of it

function isOpenWanted(state: LaneState): boolean {
  if (isFreeFlow(state) || state.orders.openUntilMs !== null) return true;
  return state.vehicle?.arrival?.progress === 'admitted';
}

/** Closing, and something came under the arm. */
function mustReverse(state: LaneState): boolean {
  return state.barrier.lastRequest === 'close' && !isClosed(state) && isUnderArm(state);
}

function setHold(turn: Turn, holdOpen: boolean): void {
  if (turn.state.barrier.holding === holdOpen) return;
  changeBarrier(turn, { holding: holdOpen, mayClose: true });
  want(turn, { type: 'hold-open', holdOpen });
}

function open(turn: Turn): void {
  changeBarrier(turn, { closeAtMs: null, closeNow: false });
  const { barrier } = turn.state;
  if (barrier.lastRequest === 'open') return;
  const alreadyOpen = barrier.position === 'open' && barrier.motion === null;
  changeBarrier(turn, {
    lastRequest: 'open',
    mayClose: true,
    assumedClosed: false,
    motion: alreadyOpen ? null : { target: 'open', untilMs: turn.state.nowMs + turn.rules.travelTimeMs, attempt: 1 },
  });
  if (!alreadyOpen) changeBarrier(turn, { position: barrier.position === 'closed' ? 'closed' : 'opening' });
  if (!alreadyOpen) want(turn, { type: 'request-open' });
}

function close(turn: Turn): void {
  const { state, rules } = turn;
  const { barrier } = state;
  if (isClosed(state) || !barrier.mayClose || barrier.lastRequest === 'close') return;
  if (!mayCloseNow(turn)) {
    changeBarrier(turn, { closeAtMs: null });
    return;
  }
  const delayMs = barrier.closing === 'pause' ? rules.tailgatingPauseMs : rules.closeDelayMs;
  if (barrier.closeAtMs === null) changeBarrier(turn, { closeAtMs: state.nowMs + delayMs });
  const { closeAtMs } = turn.state.barrier;
  if (!barrier.closeNow && (closeAtMs === null || state.nowMs < closeAtMs)) return;
  changeBarrier(turn, {
    lastRequest: 'close',
    closeAtMs: null,
    closing: 'normal',
    position: barrier.position === 'open' ? 'open' : 'closing',
    motion: { target: 'closed', untilMs: state.nowMs + rules.travelTimeMs, attempt: 1 },
  });
  want(turn, { type: 'request-close' });
}

/** Every loop is clear, and nobody is on the way between them. */
function mayCloseNow(turn: Turn): boolean {
  const { state, rules } = turn;
  const { barrier, vehicle } = state;
  if (isUnderArm(state) || state.health.trouble) return false;
  if (barrier.closing === 'hold' && !barrier.closeNow) return false;
  if (vehicle === null) return true;
  const { arrival } = vehicle;
  if (vehicle.phase !== 'first') return arrival?.progress === 'denied' && !vehicle.sawOpen;
  if (barrier.closeNow || rules.closeWaitsFor === 'safety-loops') return true;
  // Turned away, it does not keep the arm up; the others are about to be answered.
  return arrival?.progress === 'denied';
}

function expireOpenCommand(turn: Turn): void {
  const { orders, nowMs, vehicle } = turn.state;
  if (orders.openUntilMs === null || nowMs < orders.openUntilMs) return;
  if (vehicle !== null && vehicle.phase !== 'first') return;
  changeOrders(turn, { openUntilMs: null });
}

/** For the sign and the lamp. */
export function isGreen(state: LaneState): boolean {
  const letThrough =
    isFreeFlow(state) || state.orders.openUntilMs !== null || state.vehicle?.arrival?.progress === 'admitted';
  const isOpen = isWired(state, 'limit-open') ? state.barrier.position === 'open' : !isClosed(state);
  return letThrough && isOpen && !isActive(state, 'stop') && modeOf(state) !== 'locked';
}
