/** Each alert can be acted on, follows the catalogue of faults and the metrics there are, and is tested both ways. */
import { faultCatalogue } from '@gatehouse/shared';
import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  alertRules,
  filesIn,
  monitoring,
  readYaml,
  recordingRules,
  ruleTests,
  runbook,
} from '../support/monitoring-files.js';
import type { AlertRule } from '../support/monitoring-files.js';

const alertNames = [...new Set(alertRules.map(({ alert }) => alert))];
const nameOf = ({ alert, labels }: AlertRule): string => `${alert} (${labels.severity ?? 'no severity'})`;
const section = (rule: AlertRule): string => /#(.*)$/.exec(rule.annotations.runbook_url ?? '')?.[1] ?? '';

/** What GitHub, Gitea and most renderers make of a heading. */
const anchors = [...runbook.matchAll(/^## (.+)$/gm)].map((match) =>
  (match[1] ?? '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-'),
);
const introduction = ['how-to-use-this-page', 'faults'];

describe.each(alertRules.map((rule) => ({ name: nameOf(rule), rule })))('$name', ({ rule }) => {
  it('says how urgent it is and who tells it', () => {
    expect(['page', 'ticket']).toContain(rule.labels.severity);
    expect(['aggregator', 'edge', 'prometheus']).toContain(rule.labels.source);
  });

  it('has a summary, and a description with the value', () => {
    expect(rule.annotations.summary).toMatch(/\w/);
    expect(rule.annotations.description).toContain('{{ $value');
  });

  it('leads to a section of the runbook', () => {
    expect(rule.annotations.runbook_url).toMatch(/^\{\{ \$externalLabels\.runbook_base \}\}\/monitoring\/runbook\.md#/);
    expect(anchors).toContain(section(rule));
  });

  it('fires in a test, and is quiet in one', () => {
    const tests = ruleTests
      .flatMap((test) => test.alert_rule_test ?? [])
      .filter((test) => test.alertname === rule.alert);
    const expectations = tests.map(({ exp_alerts }) =>
      exp_alerts.some(({ exp_labels }) => exp_labels.severity === rule.labels.severity),
    );
    expect(new Set(expectations)).toEqual(new Set([true, false]));
  });

  it('is quiet although something that it looks at is there', () => {
    const looksAt = metricsIn(rule.expr).flatMap((name) => [
      name,
      ...recordingRules.filter(({ record }) => record === name).flatMap(({ expr }) => metricsIn(expr)),
    ]);
    const quiet = ruleTests.filter((test) =>
      test.alert_rule_test?.some(({ alertname, exp_alerts }) => alertname === rule.alert && exp_alerts.length === 0),
    );
    const series = quiet.flatMap((test) => test.input_series.map((input) => /^[a-z_:]+/.exec(input.series)?.[0] ?? ''));
    expect(series.filter((name) => looksAt.includes(name))).not.toEqual([]);
  });
});

describe('the runbook', () => {
  it('has no section that no alert leads to', () => {
    const used = new Set(alertRules.map(section));
    expect(anchors.filter((anchor) => !used.has(anchor) && !introduction.includes(anchor))).toEqual([]);
  });

  it('names under each heading the alerts that lead there, and only those', () => {
    const sections = runbook.split(/^## /m).slice(1);
    const named = sections.map((text) =>
      [...new Set(/^Alerts?: .*$/m.exec(text)?.[0].match(/Gatehouse\w+/g) ?? [])].sort(),
    );
    const leading = anchors.map((anchor) => [
      ...new Set(alertRules.filter((rule) => section(rule) === anchor).map(({ alert }) => alert)),
    ]);
    expect(named).toEqual(leading.map((names) => names.sort()));
  });
});

describe('what the runbook tells people to look at and to do', () => {
  const repository = join(monitoring, '..');

  it('is in the API', () => {
    const { paths } = JSON.parse(readFileSync(join(repository, 'docs', 'reference', 'openapi.json'), 'utf8')) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const offered = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => new RegExp(`^${method} ${path.replaceAll(/\{\w+\}/g, '[A-Z]+')}$`)),
    );
    const named = [...runbook.matchAll(/`(get|post) "?(\/[^"` ?]+)/g)].map(
      ([, method = '', path = '']) => `${method} ${path}`,
    );
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((call) => !offered.some((pattern) => pattern.test(call)))).toEqual([]);
  });

  it('is on the dashboards', () => {
    const folder = join(monitoring, 'grafana', 'dashboards');
    const panels = filesIn('grafana', 'dashboards').flatMap((file) => {
      const dashboard = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { title: string };
      return titlesIn(dashboard).map((title) => `${dashboard.title} › ${title}`);
    });
    const named = [...runbook.matchAll(/_([^_\n]+ › [^_\n]+)_/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((panel) => !panels.includes(panel))).toEqual([]);
  });

  it('leads to its own sections', () => {
    const links = [...runbook.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1] ?? '');
    expect(links.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
  });
});

describe('faults of the catalogue', () => {
  const faultOf = ({ expr }: AlertRule): string | undefined =>
    /gatehouse:gate_faults:current\{fault="([a-z-]+)"\} == 1/.exec(expr)?.[1];

  it('have one alert each, with the severity of the catalogue', () => {
    const alerts = alertRules.flatMap((rule) => {
      const fault = faultOf(rule);
      return fault === undefined ? [] : [[fault, rule.labels.severity]];
    });
    const catalogue = Object.entries(faultCatalogue).map(([fault, { severity }]) => [fault, severity]);
    expect(alerts.sort()).toEqual(catalogue.sort());
  });
});

describe('recorded series', () => {
  it('have a test of their value', () => {
    const tested = ruleTests.flatMap(({ promql_expr_test }) => promql_expr_test ?? []);
    const untested = recordingRules.filter(
      ({ record }) => !tested.some(({ expr, exp_samples }) => expr.includes(record) && exp_samples.length > 0),
    );
    expect(untested.map(({ record }) => record)).toEqual([]);
  });

  it('are the ones that rules look at', () => {
    const used = [...alertRules, ...recordingRules].flatMap(({ expr }) => metricsIn(expr));
    const recorded = recordingRules.map(({ record }) => record);
    expect(used.filter((name) => name.includes(':') && !recorded.includes(name))).toEqual([]);
  });
});

describe('metrics that rules look at', () => {
  const page = join(monitoring, '..', 'docs', 'reference', 'metrics.md');

  it('are all in the reference of metrics', () => {
    expect(existsSync(page)).toBe(true);
    const known = new Set(readFileSync(page, 'utf8').match(/\b(?:gatehouse|process)_[a-z_]+/g));
    const used = [...alertRules, ...recordingRules].flatMap(({ expr }) => metricsIn(expr));
    const bases = used
      .filter((name) => name !== 'up' && !name.includes(':'))
      .map((name) => name.replace(/_(?:bucket|count)$/, ''));
    expect([...new Set(bases)].filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('Alertmanager', () => {
  interface Rule {
    readonly source_matchers: readonly string[];
    readonly target_matchers: readonly string[];
  }
  const { inhibit_rules: inhibitions } = readYaml('alertmanager', 'alertmanager.yml') as { inhibit_rules: Rule[] };
  const patterns = inhibitions
    .flatMap((rule) => [...rule.source_matchers, ...rule.target_matchers])
    .flatMap((matcher) => /^alertname =~? "?([^"]+)"?$/.exec(matcher)?.[1]?.split('|') ?? []);

  it('silences only alerts that there are', () => {
    expect(patterns).not.toEqual([]);
    const unknown = patterns.filter((pattern) => !alertNames.some((name) => new RegExp(`^${pattern}$`).test(name)));
    expect(unknown).toEqual([]);
  });
});

function titlesIn(json: unknown): string[] {
  if (typeof json !== 'object' || json === null) return [];
  const own = 'title' in json && typeof json.title === 'string' ? [json.title] : [];
  return [...own, ...Object.values(json).flatMap(titlesIn)];
}

/** Names of series in an expression: what begins as ours do, outside of strings. */
function metricsIn(expression: string): string[] {
  const bare = expression.replaceAll(/"[^"]*"/g, '""');
  return [...new Set(bare.match(/\b(?:up(?=\{)|(?:gatehouse[_:]|process_)[a-z0-9_:]+)/g))];
}
