/** What stands at a lane when the agent starts: a stranger, or the vehicle that the run before was busy with. */
import { isSingleLoop, loopsInUse, occupancy } from './loops.js';
import { isActive, isServed } from './state.js';
import type { Arrival, Loop } from './state.js';
import { nextPhase, place, voidArrival } from './tracking.js';
import { report } from './turn.js';
import type { Turn } from './turn.js';
import { formerArrivalId } from './vocabulary.js';
import type { FormerVehicle } from './vocabulary.js';

/** What stands on the second loop has a history that is not known, unless it is the one that was let in a moment ago. */
export function recogniseAtStart(turn: Turn, former: FormerVehicle | undefined): void {
  if (former !== undefined && goesOn(turn, former)) return;
  const { safety } = loopsInUse(turn.state, turn.rules);
  if (safety === null || !isActive(turn.state, safety) || isSingleLoop(turn.state, turn.rules)) return;
  place(turn, 'arming', { unknown: true, phase: 'last', reachedLast: true });
}

/**
 * Let in and still on a loop, it goes on where it was. Not let in and still on the first loop, it has not passed: it arrives anew.
 * Otherwise nobody can say what became of it. Answers whether it is there and known.
 */
function goesOn(turn: Turn, former: FormerVehicle): boolean {
  const { state, rules } = turn;
  const { direction, credential, basis, slotId } = former;
  const from: Loop = rules.direction === 'both' && direction === 'exit' ? 'safety' : 'arming';
  const { first, last } = occupancy(state, rules, from);
  if (!isServed(rules, from) || !(first || last) || (last && basis === 'none')) {
    report(turn, { kind: 'arrival-unresolved', arrivalId: formerArrivalId, slotId, basis });
    return false;
  }
  const arrival: Arrival = {
    ...{ id: formerArrivalId, direction, atMs: state.nowMs, credential, progress: 'admitted', basis, slotId },
    revision: 0,
    deniedByMode: false,
  };
  if (basis === 'none') {
    voidArrival(turn, arrival, 'superseded');
    return true;
  }
  place(turn, from, {
    phase: nextPhase(first, last),
    reachedLast: last,
    arrival,
    shown: credential === null ? [] : [credential],
  });
  return true;
}
