/** Faults of a lane: raised once, cleared once, by the one catalogue. */
import type { FaultName } from '@gatehouse/shared/edge';
import { isChattering, isSecondLoopDead, isStuck } from './loops.js';
import { isActive } from './state.js';
import type { LaneState } from './state.js';
import { report } from './turn.js';
import type { Turn } from './turn.js';
import type { LaneInput, LaneRules } from './vocabulary.js';

const watchedLoops = ['arming', 'safety', 'photocell'] as const satisfies readonly LaneInput[];

/** Raises a fault that does not stand yet; answers whether it did. */
export function raiseFault(turn: Turn, fault: FaultName, detail: string): boolean {
  if (turn.state.health.faults.includes(fault)) return false;
  report(turn, { kind: 'fault-raised', fault, detail: detail.slice(0, 200) });
  return true;
}

export function clearFault(turn: Turn, fault: FaultName): void {
  if (turn.state.health.faults.includes(fault)) report(turn, { kind: 'fault-cleared', fault });
}

/** Looks at inputs and at how vehicles, reads and loops go together. */
export function watchHealth(turn: Turn): void {
  const { state, rules } = turn;
  const { health } = state;
  const stuck = watchedLoops.filter((loop) => isStuck(state, rules, loop));
  stand(turn, 'loop-stuck', stuck.length > 0, stuck.join(', '));
  const chattering = watchedLoops.filter((loop) => isChattering(state, rules, loop));
  stand(turn, 'loop-chatter', chattering.length > 0, chattering.join(', '));
  const silent = health.unclaimedReads >= rules.deadAfterVehicles;
  const dead = isSecondLoopDead(state, rules);
  stand(
    turn,
    'loop-dead',
    silent || dead,
    dead ? 'the safety loop saw none of the vehicles' : 'no loop saw the vehicles',
  );
  stand(turn, 'reader-silent', rules.hasReader && health.unreadVehicles >= rules.silentAfterVehicles, 'no reads');
  stand(turn, 'tamper', isActive(state, 'tamper'), 'the cabinet is open');
  stand(turn, 'fire-input', isActive(state, 'fire'), 'the fire input is active');
}

export function healthDeadlines(state: LaneState, rules: LaneRules): (number | undefined)[] {
  return watchedLoops.flatMap((loop) => {
    const sensor = state.inputs[loop];
    if (sensor === undefined) return [];
    const stuckAtMs = sensor.active && !isStuck(state, rules, loop) ? sensor.sinceMs + rules.stuckAfterMs : undefined;
    const [oldestEdgeMs] = sensor.edgesMs;
    const quietAtMs =
      oldestEdgeMs !== undefined && isChattering(state, rules, loop)
        ? Math.floor(oldestEdgeMs + rules.chatterWindowMs) + 1
        : undefined;
    return [stuckAtMs, quietAtMs];
  });
}

function stand(turn: Turn, fault: FaultName, stands: boolean, detail: string): void {
  if (stands) raiseFault(turn, fault, detail);
  else clearFault(turn, fault);
}
