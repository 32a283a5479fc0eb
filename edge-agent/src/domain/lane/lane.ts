/**
 * The state machine of one gate: sensors, reads, decisions, commands and time in; events and wishes out. Pure. `decide` says
 * what follows from a happening, `evolve` (see state.ts) what a fact makes of the state.
 */
import { admissionFailed, admissionRecorded, announceArrival, announceAtMs, askAgainAfterMode } from './arrivals.js';
import { buttonPressed, credentialRead, forgetOldReads, localChoice, onlineDecision } from './arrivals.js';
import { readsForgottenAtMs } from './arrivals.js';
import { barrierDeadlines, driveBarrier, isGreen, observeBarrier } from './barrier.js';
import { runCommand } from './commands.js';
import { clearFault, healthDeadlines, raiseFault, watchHealth } from './health.js';
import { isFreeFlow, modeOf } from './state.js';
import type { LaneFact, LaneState, Sensor } from './state.js';
import { recogniseAtStart } from './resuming.js';
import { goneAtMs, trackVehicles } from './tracking.js';
import { changeHealth, changeOrders, newTurn, record, report, want } from './turn.js';
import type { Turn } from './turn.js';
import type { LaneEffect, LaneHappening, LaneInput, LaneRules } from './vocabulary.js';

export interface LaneOutcome {
  readonly state: LaneState;
  /** Folding `evolve` over these from the state before gives `state`. */
  readonly facts: readonly LaneFact[];
  readonly effects: readonly LaneEffect[];
}

/** What follows from a happening. Times that run backwards count as now. */
export function decide(state: LaneState, happening: LaneHappening, rules: LaneRules): LaneOutcome {
  const turn = newTurn(state, rules);
  const nowMs = Math.max(state.nowMs, happening.atMs);
  if (nowMs !== state.nowMs) record(turn, { type: 'time-passed', nowMs });
  // What fell due before comes before.
  if (happening.type !== 'started') settle(turn);
  happen(turn, happening);
  settle(turn);
  return { state: turn.state, facts: turn.facts, effects: turn.effects };
}

/** When the lane wants to be told that time has passed; Infinity if it is content. */
export function nextDeadlineMs(state: LaneState, rules: LaneRules): number {
  const deadlines = [
    goneAtMs(state, rules),
    announceAtMs(state, rules),
    readsForgottenAtMs(state, rules),
    ...barrierDeadlines(state, rules),
    ...healthDeadlines(state, rules),
  ];
  // What is overdue waits for something else than time.
  return deadlines.reduce<number>(
    (min, atMs) => (atMs !== undefined && atMs !== null && atMs > state.nowMs ? Math.min(min, atMs) : min),
    Infinity,
  );
}

function happen(turn: Turn, happening: LaneHappening): void {
  switch (happening.type) {
    case 'started': {
      start(turn, happening);
      return;
    }
    case 'edge': {
      edge(turn, happening.input, happening.active);
      return;
    }
    case 'read': {
      const { credential, readAtMs, direction, trackId } = happening;
      credentialRead(turn, { credential, readAtMs, direction, trackId });
      return;
    }
    case 'decision': {
      onlineDecision(turn, happening);
      return;
    }
    case 'local-choice': {
      localChoice(turn, happening.arrivalId, happening.choice);
      return;
    }
    case 'admission-recorded': {
      admissionRecorded(turn, happening.arrivalId);
      return;
    }
    case 'admission-failed': {
      admissionFailed(turn, happening.arrivalId);
      return;
    }
    case 'command': {
      runCommand(turn, happening);
      return;
    }
    case 'trouble':
      changeHealth(turn, { trouble: true });
      raiseFault(turn, 'driver-failed', happening.detail);
      return;
    case 'trouble-over':
      changeHealth(turn, { trouble: false });
      clearFault(turn, 'driver-failed');
      return;
    case 'time-passed':
      return;
  }
}

/** Brings everything in line with the inputs, the orders and the time. */
function settle(turn: Turn): void {
  watchHealth(turn);
  observeBarrier(turn);
  trackVehicles(turn);
  forgetOldReads(turn);
  announceArrival(turn);
  driveBarrier(turn);
  watchHealth(turn);
  display(turn);
}

function start(turn: Turn, happening: Extract<LaneHappening, { type: 'started' }>): void {
  for (const [input, active] of happening.levels) {
    const sensor: Sensor = { active, sinceMs: turn.state.nowMs, edgesMs: [] };
    record(turn, { type: 'input-changed', input, sensor });
  }
  changeOrders(turn, { mode: happening.mode });
  recogniseAtStart(turn, happening.former);
}

function edge(turn: Turn, input: LaneInput, active: boolean): void {
  const before = turn.state.inputs[input];
  if (before?.active === active) return;
  const modeBefore = modeOf(turn.state);
  const edgesMs = [...(before?.edgesMs ?? []), turn.state.nowMs].slice(-(turn.rules.chatterEdges + 1));
  record(turn, { type: 'input-changed', input, sensor: { active, sinceMs: turn.state.nowMs, edgesMs } });
  switch (input) {
    case 'arming':
      changeHealth(turn, { unclaimedReads: 0 });
      break;
    case 'safety':
      changeHealth(turn, { unclaimedReads: 0, unseenByLast: 0 });
      break;
    case 'ticket-button':
      if (active) buttonPressed(turn);
      break;
    case 'fire':
      if (modeOf(turn.state) !== modeBefore) fireChanged(turn);
      break;
    default:
      break;
  }
}

function fireChanged(turn: Turn): void {
  report(turn, { kind: 'mode-changed', mode: modeOf(turn.state), by: 'fire input' });
  if (!isFreeFlow(turn.state)) askAgainAfterMode(turn);
}

function display(turn: Turn): void {
  const lamp = isGreen(turn.state) ? 'green' : 'red';
  if (lamp !== turn.state.lamp) {
    record(turn, { type: 'display-changed', lamp, text: turn.state.text });
    want(turn, { type: 'lamp', lamp });
  }
  if (turn.state.vehicle === null && turn.state.text !== '') {
    record(turn, { type: 'display-changed', lamp, text: '' });
    want(turn, { type: 'text', text: '' });
  }
}
