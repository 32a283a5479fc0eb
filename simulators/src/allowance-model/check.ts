/** The whole check: every scenario holds, every rule is needed, and the exceptions are just those that are named. */
import { createEngineHalf } from './engine-half.js';
import { explore } from './explore.js';
import type { Exploration } from './explore.js';
import type { AggregatorHalf } from './half.js';
import { createModelHalf } from './model-half.js';
import { allRules, protocolRules, ruleNames, withoutRule } from './rules.js';
import type { RuleName, Rules } from './rules.js';
import { engineScenarios, exceptions, scenarios } from './scenario.js';
import type { Scenario } from './scenario.js';

export interface CheckLine extends Exploration {
  readonly scenario: string;
  /** The rule left out; null when all hold. */
  readonly without: RuleName | null;
  readonly what: string;
  /** A counterexample is what is looked for. */
  readonly mustFail: boolean;
  readonly ok: boolean;
}

/** One a line: for each scenario, exception and rule. */
export const checks: readonly (() => CheckLine)[] = [
  ...Object.values(scenarios).map((scenario) => () => withAllRules(scenario, false)),
  ...engineScenarios.map((scenario) => () => withEngine(scenario)),
  ...Object.values(exceptions).map((scenario) => () => withAllRules(scenario, true)),
  ...ruleNames.map((name) => () => withoutOne(name)),
  withoutLook,
];

export function withAllRules(scenario: Scenario, mustFail: boolean): CheckLine {
  return line({ scenario, without: null, what: scenario.name, mustFail, half: createModelHalf(allRules) });
}

/** The aggregator is the site engine of production. */
export function withEngine(scenario: Scenario): CheckLine {
  const what = `with the site engine of production: ${scenario.name}`;
  return line({ scenario, without: null, what, mustFail: false, half: createEngineHalf({ look: true }) });
}

/** The site engine, and a person who resolves the review of a replaced outbox without having looked. */
export function withoutLook(): CheckLine {
  const scenario = scenarios['lost-twice'];
  const what = `with the site engine of production, and a person who says so without having looked: ${scenario.name}`;
  return line({
    scenario,
    without: 'lost-twice-is-unknown',
    what,
    mustFail: true,
    half: createEngineHalf({ look: false }),
  });
}

/** Leaves the rule out where it must be missed. */
export function withoutOne(name: RuleName): CheckLine {
  const { text, missedIn } = protocolRules[name];
  const half = createModelHalf(withoutRule(name));
  return line({ scenario: scenarios[missedIn], without: name, what: `without: ${text}`, mustFail: true, half });
}

interface LineOf {
  readonly scenario: Scenario;
  readonly without: RuleName | null;
  readonly what: string;
  readonly mustFail: boolean;
  readonly half: AggregatorHalf;
}

function line({ scenario, half, ...rest }: LineOf): CheckLine {
  const rules: Rules = rest.without === null ? allRules : withoutRule(rest.without);
  const explored = explore({ scenario, rules, half }, rest.mustFail);
  const { counterexample, complete } = explored;
  const ok = rest.mustFail ? counterexample !== null : complete && counterexample === null;
  return { ...explored, ...rest, scenario: scenario.name, ok };
}
