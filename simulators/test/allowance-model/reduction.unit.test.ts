/** The check looks at one state for many that are alike. Here all of them are looked at, in worlds that are still smaller. */
import { describe, expect, it } from '@jest/globals';
import { createEngineHalf } from '../../src/allowance-model/engine-half.js';
import { explore } from '../../src/allowance-model/explore.js';
import { forget } from '../../src/allowance-model/forget.js';
import { createKeys } from '../../src/allowance-model/key.js';
import { createModelHalf } from '../../src/allowance-model/model-half.js';
import { movesFrom } from '../../src/allowance-model/moves.js';
import { allRules, protocolRules, ruleNames, withoutRule } from '../../src/allowance-model/rules.js';
import { exceptions, scenarios } from '../../src/allowance-model/scenario.js';
import type { World } from '../../src/allowance-model/state.js';
import { copyWorld, newWorld } from '../../src/allowance-model/state.js';
import { everyState } from './every-state.js';
import type { Game } from './every-state.js';

const { network, returns, pair, outbox, restored } = scenarios;
const modelHalf = createModelHalf(allRules);
const engineHalf = createEngineHalf({ look: true });

const games = [
  { half: modelHalf, scenario: { ...network, maxEvents: 2, maxSets: 2 } },
  { half: modelHalf, scenario: { ...returns, maxEvents: 1, maxSets: 2 } },
  { half: modelHalf, scenario: { ...pair, maxEvents: 1, maxSets: 2 } },
  { half: modelHalf, scenario: { ...outbox, maxEvents: 1, maxSets: 2 } },
  { half: modelHalf, scenario: { ...restored, maxEvents: 2, maxSets: 2 } },
  { half: modelHalf, scenario: { ...scenarios['restored-pair'], maxEvents: 1, maxSets: 1 } },
  { half: modelHalf, scenario: { ...scenarios['lost-twice'], maxEvents: 1, maxSets: 2 } },
  { half: engineHalf, scenario: { ...pair, slots: 1, maxEvents: 1, maxSets: 2 } },
  { half: engineHalf, scenario: { ...returns, slots: 2, maxEvents: 1, maxSets: 2 } },
  { half: engineHalf, scenario: { ...scenarios['restored-pair'], maxEvents: 1, maxSets: 1 } },
  { half: engineHalf, scenario: { ...scenarios['lost-twice'], maxEvents: 1, maxSets: 1 } },
].map(({ half, scenario }) => {
  const by = half.tellsSlotsApart ? 'the site engine' : 'the protocol';
  return { game: { rules: allRules, half, scenario }, name: `${by}, ${scenario.name}` };
});

/** It goes wrong; what an edge was told makes a difference only here. */
const untold = {
  name: 'the protocol, a restore that nobody tells of',
  game: { rules: allRules, half: modelHalf, scenario: { ...exceptions.untold, slots: 1, maxEvents: 2, maxSets: 1 } },
};

/** One state for all that are alike, as the check goes through them, by key. */
function reduced(game: Game, keyOf: (world: World) => string): Set<string> {
  const { scenario, half } = game;
  const first = newWorld(scenario.edges, half.begin(scenario.edges, scenario.slots));
  const keys = new Set([keyOf(first)]);
  const queue = [first];
  for (const world of queue) {
    for (const move of movesFrom(world, game)) {
      forget(move.world, game);
      const key = keyOf(move.world);
      if (!keys.has(key)) queue.push(move.world);
      keys.add(key);
    }
  }
  return keys;
}

describe('one state for many that are alike', () => {
  it.each(games)('stands for every state there is, and for no other: $name', ({ game }) => {
    const { keyOf } = createKeys(game.scenario, game.half);
    const { states, wrongAfter } = everyState(game);
    const standing = states.map((world) => {
      const copy = copyWorld(world);
      forget(copy, game);
      return keyOf(copy);
    });
    const found = reduced(game, (world) => keyOf(world));
    expect(wrongAfter).toBeNull();
    expect(new Set(standing)).toEqual(found);
    expect(found.size).toBeLessThan(states.length);
    const explored = explore(game, false);
    expect(explored.states).toBe(found.size);
    expect(explored.counterexample).toBeNull();
  });

  it.each([...games, untold])('has all the steps of each that it stands for: $name', ({ game }) => {
    const { keyOf } = createKeys(game.scenario, game.half);
    const standing = (world: World): string => {
      const copy = copyWorld(world);
      forget(copy, game);
      return keyOf(copy);
    };
    const steps = new Map<string, string>();
    for (const world of everyState(game, true).states) {
      const following = new Set(movesFrom(world, game).map((move) => standing(move.world)));
      const text = [...following].sort().join('\n');
      const known = steps.get(standing(world)) ?? text;
      expect(text === known).toBe(true);
      steps.set(standing(world), known);
    }
  });

  const wide = new Set(['both-sets-until-stored', 'as-of-in-transaction', 'returned-leaves-newer-set']);
  const afterRestore = new Set(['open-arrivals-awaited', 'lost-twice-is-unknown', 'named-slot-claimed']);
  const quick = ruleNames.filter((name) => !wide.has(name) && !afterRestore.has(name));
  it.each(quick)('finds the shortest story without the rule %s', (name) => {
    const rules = withoutRule(name);
    const game = { rules, half: createModelHalf(rules), scenario: scenarios[protocolRules[name].missedIn] };
    const { wrongAfter } = everyState(game);
    const story = explore(game, true).counterexample?.story ?? [];
    const untilFaultsStop = story.indexOf('from here on no fault happens and all slots are asked back');
    expect(untilFaultsStop < 0 ? story.length : untilFaultsStop).toBe(wrongAfter);
    expect(explore(game, false)).toEqual(explore(game, true));
  });
});
