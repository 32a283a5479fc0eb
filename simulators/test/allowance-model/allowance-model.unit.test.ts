import { describe, expect, it } from '@jest/globals';
import { withAllRules, withEngine, withoutLook, withoutOne } from '../../src/allowance-model/check.js';
import { createKeys } from '../../src/allowance-model/key.js';
import { createModelHalf } from '../../src/allowance-model/model-half.js';
import { movesFrom } from '../../src/allowance-model/moves.js';
import { allRules, ruleNames } from '../../src/allowance-model/rules.js';
import { exceptions, scenarios } from '../../src/allowance-model/scenario.js';
import type { World } from '../../src/allowance-model/state.js';
import { newWorld } from '../../src/allowance-model/state.js';

describe('every state of a small world of slots that are set aside', () => {
  it.each([scenarios.longer, scenarios.pair, scenarios.outbox])(
    'no slot is owned twice and none is lost for ever: $name',
    (scenario) => {
      const { complete, counterexample, states } = withAllRules(scenario, false);
      expect(counterexample).toBeNull();
      expect(complete).toBe(true);
      expect(states).toBeGreaterThan(1_000);
    },
  );

  it('is the same with the site engine of production', () => {
    const { complete, counterexample, states } = withEngine({ ...scenarios.restored, maxSets: 2 });
    expect(counterexample).toBeNull();
    expect(complete).toBe(true);
    expect(states).toBeGreaterThan(1_000);
  });

  it.each(Object.values(exceptions))('shows how the promise is broken when $name', (scenario) => {
    const { counterexample } = withAllRules(scenario, true);
    expect(counterexample?.wrong).toMatch(/^slot a has 2 owners/);
  });

  it.each(ruleNames)('goes wrong without the rule %s, and tells the story', (name) => {
    const { counterexample } = withoutOne(name);
    expect(counterexample?.wrong).toMatch(/owners|never settles/);
    expect(counterexample?.story.length).toBeGreaterThan(0);
  });

  it('goes wrong with the site engine of production when a person does not look at a replaced outbox', () => {
    const { counterexample } = withoutLook();
    expect(counterexample?.wrong).toMatch(/^slot a has 2 owners/);
    expect(counterexample?.story).toContain('an operator looks at all slots for what edge 1 gave out');
  });
});

describe('two states', () => {
  const game = { scenario: scenarios.network, rules: allRules, half: createModelHalf(allRules) };
  const after = (world: World, text: string): World => {
    const move = movesFrom(world, game).find((one) => one.text === text);
    if (move === undefined) throw new Error(`nothing is called "${text}"`);
    return move.world;
  };
  const { keyOf } = createKeys(game.scenario, game.half);
  const start = newWorld(1, game.half.begin(1, 2));

  it('are one when they differ in the names of slots only', () => {
    const a = after(start, 'the aggregator makes set 1 {a} as of 0 for edge 1');
    const b = after(start, 'the aggregator makes set 1 {b} as of 0 for edge 1');
    expect(keyOf(a)).toBe(keyOf(b));
  });

  it('are two when what can happen differs', () => {
    const offered = after(start, 'the aggregator makes set 1 {a} as of 0 for edge 1');
    const taken = after(offered, 'edge 1 takes set 1 {a} as of 0');
    const keys = [start, offered, taken, after(taken, 'edge 1 begins to store set 1')].map((world) => keyOf(world));
    expect(new Set(keys).size).toBe(4);
  });

  it('leave the one they came from unchanged', () => {
    const before = keyOf(start);
    for (const move of movesFrom(start, game)) movesFrom(move.world, game);
    expect(keyOf(start)).toBe(before);
  });
});
