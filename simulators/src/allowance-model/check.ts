/** The whole check: every scenario holds, every rule is needed, and the exceptions are just those that are named. */
import { explore } from './explore.js';
import type { Exploration } from './explore.js';
import { allRules, ruleNames, ruleTexts, withoutRule } from './rules.js';
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
  for (const scenario of scenarios) yield line(scenario, null, scenario.name, false);
  for (const scenario of exceptions) yield line(scenario, null, scenario.name, true);
  for (const name of ruleNames) yield withoutOne(name);
}

/** Leaves the rule out in one scenario after the other, until it is missed. */
export function withoutOne(name: RuleName): CheckLine {
  let last: CheckLine | undefined;
  for (const scenario of scenarios) {
    last = line(scenario, name, `without: ${ruleTexts[name]}`, true);
    if (last.ok) return last;
  }
  if (last === undefined) throw new Error('there are no scenarios');
  return last;
}

function line(scenario: Scenario, without: RuleName | null, what: string, mustFail: boolean): CheckLine {
  const rules: Rules = without === null ? allRules : withoutRule(without);
  const explored = explore({ scenario, rules });
  const ok = mustFail ? explored.counterexample !== null : explored.complete && explored.counterexample === null;
  return { ...explored, scenario: scenario.name, without, what, mustFail, ok };
}
