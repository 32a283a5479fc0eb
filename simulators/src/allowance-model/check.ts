/** The whole check: every scenario holds, every rule is needed, and the exceptions are just those that are named. */
import { explore } from './explore.js';
import type { Exploration } from './explore.js';
import { createModelHalf } from './model-half.js';
import { allRules, protocolRules, ruleNames, withoutRule } from './rules.js';
import type { RuleName, Rules } from './rules.js';
import { exceptions, scenarios } from './scenario.js';
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

/** One line a scenario, exception and rule, as soon as it is known. */
export function* checkAllowance(): Generator<CheckLine, void> {
  for (const scenario of Object.values(scenarios)) yield withAllRules(scenario, false);
  for (const scenario of Object.values(exceptions)) yield withAllRules(scenario, true);
  for (const name of ruleNames) yield withoutOne(name);
}

export function withAllRules(scenario: Scenario, mustFail: boolean): CheckLine {
  return line(scenario, null, scenario.name, mustFail);
}

/** Leaves the rule out where it must be missed. */
export function withoutOne(name: RuleName): CheckLine {
  const { text, missedIn } = protocolRules[name];
  return line(scenarios[missedIn], name, `without: ${text}`, true);
}

function line(scenario: Scenario, without: RuleName | null, what: string, mustFail: boolean): CheckLine {
  const rules: Rules = without === null ? allRules : withoutRule(without);
  const explored = explore({ scenario, rules, half: createModelHalf(rules) });
  const ok = mustFail ? explored.counterexample !== null : explored.complete && explored.counterexample === null;
  return { ...explored, scenario: scenario.name, without, what, mustFail, ok };
}
