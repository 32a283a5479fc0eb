/** Enumerates every state that can be reached, breadth first, so that the first wrong one has a shortest story. */
import { forget } from './forget.js';
import { createKeys } from './key.js';
import type { Keys } from './key.js';
import { createRememberingHalf } from './remember.js';
import { createEndJudge, wrongNow } from './judge.js';
import type { Game } from './moves.js';
import { movesFrom } from './moves.js';
import type { World } from './state.js';
import { newWorld } from './state.js';

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Steps to the farthest state. */
  readonly deepest: number;
  /** False: the bound on states was reached before everything was seen. */
  readonly complete: boolean;
  readonly counterexample: Counterexample | null;
}

export interface Counterexample {
  readonly wrong: string;
  /** One line a step. */
  readonly story: readonly string[];
}

interface Reached {
  readonly world: World;
  readonly index: number;
}

/** `expectsWrong`: that every state holds is not to be shown, so the first that does not is looked for at once. */
export function explore(game: Game, expectsWrong: boolean, maxStates = 2_000_000): Exploration {
  const found = search(game, expectsWrong, maxStates);
  return found.counterexample === null || expectsWrong ? found : search(game, true, maxStates);
}

/**
 * Where something happens by itself when faults stop, the state after it ends as well or badly as the one before: so only states in
 * which nothing does have to be judged, unless the shortest story is wanted (`judgesAll`).
 */
function search({ rules, scenario, half: forgetful }: Game, judgesAll: boolean, maxStates: number): Exploration {
  const keys = createKeys(scenario, forgetful);
  const half = createRememberingHalf(forgetful, scenario, keys.shared);
  const game = { rules, scenario, half };
  /** Of each state: the one before it, and which of the moves from there leads to it. */
  const origins: Origin[] = [{ from: -1, move: 0 }];
  const seen = new Set<string>();
  const first = newWorld(scenario.edges, half.begin(scenario.edges, scenario.slots));
  seen.add(keys.keyOf(first));
  let level: Reached[] = [{ world: first, index: 0 }];
  let transitions = 0;
  let deepest = 0;
  const result = (complete: boolean, counterexample: Counterexample | null): Exploration => ({
    states: seen.size,
    transitions,
    deepest,
    complete,
    counterexample,
  });
  const endJudge = createEndJudge(game, keys);
  const storyTo = (index: number): string[] => tell(origins, index, first, game, keys);

  while (level.length > 0) {
    const next: Reached[] = [];
    for (const { world, index } of level) {
      const moves = movesFrom(world, game);
      const isJudged = judgesAll || !moves.some(({ isCalm }) => isCalm);
      const end = isJudged ? endJudge(world) : null;
      if (end !== null) {
        const story = [...storyTo(index), 'from here on no fault happens and all slots are asked back', ...end.steps];
        return result(false, { wrong: end.wrong, story });
      }
      for (const [number, move] of moves.entries()) {
        transitions += 1;
        forget(move.world, game);
        const key = keys.keyOf(move.world);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push({ world: move.world, index: origins.length });
        origins.push({ from: index, move: number });
        const wrong = wrongNow(move.world);
        if (wrong !== null) return result(false, { wrong, story: storyTo(origins.length - 1) });
        if (seen.size > maxStates) return result(false, null);
      }
    }
    if (next.length > 0) deepest += 1;
    level = next;
  }
  return result(true, null);
}

interface Origin {
  readonly from: number;
  readonly move: number;
}

/** Goes the way once more, and tells it. */
function tell(origins: readonly Origin[], index: number, first: World, game: Game, keys: Keys): string[] {
  const way: number[] = [];
  for (let at = origins[index]; at !== undefined && at.from >= 0; at = origins[at.from]) way.unshift(at.move);
  let world = first;
  return way.map((number) => {
    const move = movesFrom(world, game)[number];
    if (move === undefined) throw new RangeError(`no move ${String(number)}`);
    ({ world } = move);
    forget(world, game);
    keys.keyOf(world);
    return move.text;
  });
}
