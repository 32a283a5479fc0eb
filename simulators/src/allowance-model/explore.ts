/** Enumerates every state that can be reached, breadth first, so that the first wrong one has a shortest story. */
import { forget } from './forget.js';
import { createKeys } from './key.js';
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
  const parents: number[] = [-1];
  const texts: string[] = [''];
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

  while (level.length > 0) {
    const next: Reached[] = [];
    for (const { world, index } of level) {
      const moves = movesFrom(world, game);
      const isJudged = judgesAll || !moves.some(({ isCalm }) => isCalm);
      const end = isJudged ? endJudge(world) : null;
      if (end !== null) {
        const story = [
          ...storyOf(parents, texts, index),
          'from here on no fault happens and all slots are asked back',
          ...end.steps,
        ];
        return result(false, { wrong: end.wrong, story });
      }
      for (const move of moves) {
        transitions += 1;
        forget(move.world, game);
        const key = keys.keyOf(move.world);
        if (seen.has(key)) continue;
        seen.add(key);
        const reached = { world: move.world, index: parents.length };
        parents.push(index);
        texts.push(move.text);
        const wrong = wrongNow(move.world);
        if (wrong !== null) return result(false, { wrong, story: storyOf(parents, texts, reached.index) });
        if (seen.size > maxStates) return result(false, null);
        next.push(reached);
      }
    }
    if (next.length > 0) deepest += 1;
    level = next;
  }
  return result(true, null);
}

function storyOf(parents: readonly number[], texts: readonly string[], index: number): string[] {
  const story: string[] = [];
  for (let at = index; at > 0; at = parents[at] ?? 0) story.unshift(texts[at] ?? '');
  return story;
}
