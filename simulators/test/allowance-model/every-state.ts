/** A plain enumeration to compare with: nothing is renamed, forgotten or remembered, and every state is judged. */
import type { AggregatorHalf } from '../../src/allowance-model/half.js';
import { createEndJudge, wrongNow } from '../../src/allowance-model/judge.js';
import type { Keys } from '../../src/allowance-model/key.js';
import { movesFrom } from '../../src/allowance-model/moves.js';
import type { Rules } from '../../src/allowance-model/rules.js';
import type { Scenario } from '../../src/allowance-model/scenario.js';
import type { World } from '../../src/allowance-model/state.js';
import { newWorld } from '../../src/allowance-model/state.js';

export interface Game {
  readonly rules: Rules;
  readonly scenario: Scenario;
  readonly half: AggregatorHalf;
}

const exactKeys: Keys = {
  keyOf: (world, order = []) => JSON.stringify([{ ...world, parts: null }, order]),
  shared: (aggregator) => aggregator,
};

export interface Everything {
  readonly states: readonly World[];
  /** How many steps lead to the first state that is wrong, or from which all is not well in the end; null: there is none. */
  readonly wrongAfter: number | null;
}

/** `goesOn` although something is wrong: then it judges nothing. */
export function everyState(game: Game, goesOn = false): Everything {
  const { scenario, half } = game;
  const judge = createEndJudge(game, exactKeys);
  const first = newWorld(scenario.edges, half.begin(scenario.edges, scenario.slots));
  const seen = new Set([exactKeys.keyOf(first)]);
  const states = [first];
  let level = [first];
  for (let steps = 0; level.length > 0; steps += 1) {
    const next: World[] = [];
    for (const world of level) {
      if (!goesOn && judge(world) !== null) return { states, wrongAfter: steps };
      for (const move of movesFrom(world, game)) {
        const key = exactKeys.keyOf(move.world);
        if (seen.has(key)) continue;
        seen.add(key);
        if (!goesOn && wrongNow(move.world) !== null) return { states, wrongAfter: steps + 1 };
        next.push(move.world);
      }
    }
    states.push(...next);
    level = next;
  }
  return { states, wrongAfter: null };
}
