/** The files of `monitoring/`, read. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

export const monitoring = resolve(import.meta.dirname, '..', '..', 'monitoring');

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity?: string; readonly source?: string };
  readonly annotations: { readonly summary?: string; readonly description?: string; readonly runbook_url?: string };
}
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** A group of tests for promtool. */
export interface RuleTest {
  readonly name: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly alert_rule_test?: readonly {
    readonly eval_time: string;
    readonly alertname: string;
    readonly exp_alerts: readonly { readonly exp_labels: { readonly severity?: string } }[];
  }[];
  readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[];
}

export function readYaml(...path: string[]): unknown {
  return parse(readFileSync(join(monitoring, ...path), 'utf8'));
}

/** Names of the files in a folder of `monitoring/`, sorted. */
export function filesIn(...path: string[]): string[] {
  return readdirSync(join(monitoring, ...path)).sort();
}

const rules = filesIn('prometheus', 'rules').flatMap((file) =>
  (readYaml('prometheus', 'rules', file) as { groups: { rules: (AlertRule | RecordingRule)[] }[] }).groups.flatMap(
    (group) => group.rules,
  ),
);

export const alertRules = rules.filter((rule): rule is AlertRule => 'alert' in rule);
export const recordingRules = rules.filter((rule): rule is RecordingRule => 'record' in rule);
export const ruleTests = filesIn('prometheus', 'tests').flatMap(
  (file) => (readYaml('prometheus', 'tests', file) as { tests: RuleTest[] }).tests,
);
export const runbook = readFileSync(join(monitoring, 'runbook.md'), 'utf8');
