import { describe, expect, it } from '@jest/globals';
import { withAllRules, withEngine } from '../../src/allowance-model/check.js';
import { engineScenarios, scenarios } from '../../src/allowance-model/scenario.js';

/** Seconds on a machine that does nothing else. */
const timeoutMs = 600_000;

describe('every state of a larger world of slots that are set aside', () => {
  const { network, returns, restored } = scenarios;
  it.each([network, returns, restored, scenarios['restored-pair'], scenarios['lost-twice']])(
    'no slot is owned twice and none is lost for ever: $name',
    (scenario) => {
      const { complete, counterexample } = withAllRules(scenario, false);
      expect([counterexample, complete]).toEqual([null, true]);
    },
    timeoutMs,
  );

  it.each(engineScenarios)(
    'and the same with the site engine of production: $name',
    (scenario) => {
      const { complete, counterexample } = withEngine(scenario);
      expect([counterexample, complete]).toEqual([null, true]);
    },
    timeoutMs,
  );
});
