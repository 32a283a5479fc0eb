/** What operators order. Stop beats fire beats open and hold beats close and lock beats automatic. */
import { askAgainAfterMode, revoke } from './arrivals.js';
import { isActive, modeOf } from './state.js';
import { changeBarrier, changeOrders, report, want } from './turn.js';
import type { Turn } from './turn.js';
import type { LaneHappening, OrderedMode } from './vocabulary.js';

type Command = Extract<LaneHappening, { type: 'command' }>;

export function runCommand(turn: Turn, command: Command): void {
  const refusal = refusalOf(turn, command);
  if (refusal === undefined) obey(turn, command);
  want(turn, {
    type: 'answer-command',
    commandId: command.commandId,
    result: refusal === undefined ? 'done' : 'refused',
    detail: refusal ?? (isActive(turn.state, 'fire') ? 'takes effect after fire' : ''),
  });
}

function refusalOf(turn: Turn, command: Command): string | undefined {
  const { state } = turn;
  if (command.kind === 'open' || command.kind === 'close') {
    if (isActive(state, 'stop')) return 'the emergency stop is active';
    if (state.health.trouble) return 'the barrier driver has failed';
  }
  if (command.kind === 'close') {
    if (isActive(state, 'fire')) return 'the fire input is active';
    if (state.orders.mode === 'hold-open') return 'the lane is held open';
  }
  return undefined;
}

function obey(turn: Turn, command: Command): void {
  switch (command.kind) {
    case 'open':
      changeOrders(turn, { openUntilMs: turn.state.nowMs + turn.rules.operatorOpenMs });
      if (turn.state.barrier.motion?.target !== 'open') changeBarrier(turn, { lastRequest: null });
      return;
    case 'close':
      changeOrders(turn, { openUntilMs: null });
      revoke(turn, 'operator');
      changeBarrier(turn, { mayClose: true, closeNow: true, ...retry(turn) });
      return;
    case 'hold-open': {
      setMode(turn, 'hold-open', command.by);
      return;
    }
    case 'lock': {
      setMode(turn, 'locked', command.by);
      return;
    }
    case 'automatic': {
      setMode(turn, 'automatic', command.by);
      return;
    }
  }
}

function setMode(turn: Turn, mode: OrderedMode, by: string): void {
  if (turn.state.orders.mode === mode) return;
  changeOrders(turn, { mode, ...(mode === 'locked' ? { openUntilMs: null } : {}) });
  // Under fire the lane goes on as it is; the order stands for afterwards.
  report(turn, { kind: 'mode-changed', mode: modeOf(turn.state), by });
  if (modeOf(turn.state) === 'fire') return;
  if (mode === 'locked') {
    revoke(turn, 'locked');
    changeBarrier(turn, { mayClose: true, ...retry(turn) });
  } else {
    askAgainAfterMode(turn);
  }
}

/** A close request that the arm did not follow may be made again. */
function retry(turn: Turn): { lastRequest?: null } {
  return turn.state.barrier.motion?.target === 'closed' ? {} : { lastRequest: null };
}
