/** What is asked of every dashboard. Each rule answers a sentence for each thing it does not like. */
import * as units from '@grafana/grafana-foundation-sdk/units';
import { graphs } from './documents.js';
import type { Dashboard, Panel, Target } from './documents.js';

type Rule = (dashboard: Dashboard, all: readonly Dashboard[]) => string[];

const knownUnits = new Set<unknown>(Object.values(units));
const chosen = '${datasource}';
const gridColumns = 24;

/** Totals that the store keeps: as they stand, they mean something. */
const lastingTotals = /^gatehouse_vehicle_(entries|exits)_total$/;

/** Made by rules or by Prometheus itself: they have no job and no instance. */
const withoutProgram = /:|^ALERTS$/;

const rules: readonly Rule[] = [
  ({ uid }, all) => (all.filter((other) => other.uid === uid).length === 1 ? [] : [`uid ${uid} is taken twice`]),
  ({ editable }) => (editable ? ['can be edited in Grafana, where edits are lost'] : []),
  ({ title, description }) => (title === '' || description === '' ? ['has no title or description'] : []),
  variablesAreAsked,
  (dashboard) =>
    duplicates(dashboard.panels.map(({ id }) => String(id))).map((id) => `panel id ${id} is missing or taken twice`),
  (dashboard) => dashboard.panels.flatMap((panel) => placeIsRight(panel, dashboard.panels)),
  (dashboard) => graphs(dashboard).flatMap(panelIsTold),
  (dashboard) =>
    graphs(dashboard).flatMap((panel) =>
      (panel.targets ?? []).flatMap((target) => queryIsRight(target).map((finding) => `${named(panel)}: ${finding}`)),
    ),
  linksLeadSomewhere,
];

/** Everything that is wrong with these dashboards. */
export function lint(all: readonly Dashboard[]): string[] {
  return all.flatMap((dashboard) =>
    rules.flatMap((rule) => rule(dashboard, all)).map((finding) => `${dashboard.title}: ${finding}`),
  );
}

/** Metric → its matchers, for each selector of an expression. */
export function selectors(expr: string): { readonly metric: string; readonly matchers: string }[] {
  const withBraces = [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)];
  const bare = [
    ...expr
      .replaceAll(/\{[^}]*\}|"[^"]*"/g, '{')
      .matchAll(/\b((?:gatehouse|process|nodejs|up|ALERTS)[\w:]*)(?![\w:{])/g),
  ];
  return [
    ...withBraces.map(([, metric = '', matchers = '']) => ({ metric, matchers })),
    ...bare.map(([, metric = '']) => ({ metric, matchers: '' })),
  ];
}

function variablesAreAsked({ templating, panels }: Dashboard): string[] {
  if (panels.every(({ type }) => type === 'text')) return [];
  const list = templating.list ?? [];
  const findings: string[] = [];
  const source = list.find(({ type }) => type === 'datasource');
  if (source?.name !== 'datasource' || source.label !== 'Data source' || source.query !== 'prometheus') {
    findings.push('has no variable for the data source');
  }
  for (const name of ['job', 'instance', 'site']) {
    const variable = list.find((each) => each.name === name);
    if (variable?.multi !== true || variable.allValue !== '.+')
      findings.push(`does not let all or some ${name}s be chosen`);
  }
  for (const { name, datasource, refresh } of list.filter(({ type }) => type === 'query')) {
    if (datasource?.uid !== chosen) findings.push(`variable ${name} does not ask the data source that is chosen`);
    if (refresh !== 2) findings.push(`variable ${name} is not asked for again when the time changes`);
  }
  const repeats = panels.flatMap(({ repeat }) => (repeat === undefined ? [] : [repeat]));
  const unknown = repeats.filter((name) => !list.some((each) => each.name === name));
  return [...findings, ...unknown.map((name) => `a row is repeated by ${name}, which is no variable`)];
}

function placeIsRight(panel: Panel, all: readonly Panel[]): string[] {
  const { x, y, w, h } = panel.gridPos;
  const findings =
    x < 0 || y < 0 || w < 1 || h < 1 || x + w > gridColumns ? [`${named(panel)} is outside the grid`] : [];
  const over = all.filter(
    ({ id, gridPos: other }) =>
      id > panel.id && x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h,
  );
  return [...findings, ...over.map((other) => `${named(panel)} lies on ${named(other)}`)];
}

function panelIsTold(panel: Panel): string[] {
  const { title = '', description = '', datasource, targets = [], fieldConfig } = panel;
  const findings: string[] = [];
  if (title === '' || description.length < 20) findings.push('has no title or no description');
  if (!knownUnits.has(fieldConfig?.defaults.unit)) findings.push('has no unit that Grafana knows');
  if ((fieldConfig?.defaults.noValue ?? '') === '') findings.push('says nothing where there is nothing');
  if (datasource?.uid !== chosen) findings.push('does not ask the data source that is chosen');
  if (targets.length === 0) findings.push('asks nothing');
  if (targets.some(({ refId }) => !/^[A-Z]$/.test(refId)) || duplicates(targets.map(({ refId }) => refId)).length > 0) {
    findings.push('has queries without a name of their own');
  }
  return findings.map((finding) => `${named(panel)} ${finding}`);
}

function queryIsRight({ expr, datasource, legendFormat = '' }: Target): string[] {
  const findings: string[] = [];
  if (datasource?.uid !== chosen) findings.push('a query does not ask the data source that is chosen');
  if (legendFormat === '') findings.push('a query does not say what its series are called');
  for (const [rate] of expr.matchAll(/\bi?rate\([^[]*\[(?!\$__rate_interval\])[^\]]*\]/g)) {
    findings.push(`${rate} is not over $__rate_interval`);
  }
  for (const { metric, matchers } of selectors(expr)) {
    if (
      !withoutProgram.test(metric) &&
      !(matchers.includes('job=~"$job"') && matchers.includes('instance=~"$instance"'))
    ) {
      findings.push(`${metric} is not of the jobs and instances that are chosen`);
    }
    if (/_(total|count|sum|bucket)$/.test(metric) && !lastingTotals.test(metric) && !grows(expr, metric)) {
      findings.push(`${metric} is shown as it stands, and starts anew with its program`);
    }
  }
  return findings;
}

/** Whether every use of a counter is inside `rate` or `increase`. */
function grows(expr: string, metric: string): boolean {
  const uses = expr.split(new RegExp(`\\b${metric}\\b`)).slice(0, -1);
  return uses.every((before) => /\b(rate|irate|increase)\($/.test(before));
}

function linksLeadSomewhere(dashboard: Dashboard, all: readonly Dashboard[]): string[] {
  const links = [...(dashboard.links ?? []), ...dashboard.panels.flatMap(({ links: own = [] }) => own)];
  const urls = [...links.map(({ url = '' }) => url), ...(JSON.stringify(dashboard).match(/\/d\/[^"\\]*/g) ?? [])];
  return [...new Set(urls)].filter((url) => !leadsTo(url, all)).map((url) => `a link leads nowhere: ${url}`);
}

function leadsTo(url: string, all: readonly Dashboard[]): boolean {
  const [, uid, query = ''] = /^\/d\/([\w-]+)(?:\?(.*))?$/.exec(url) ?? [];
  const target = all.find((each) => each.uid === uid);
  const panel = /(?:^|&)viewPanel=(\d+)/.exec(query)?.[1];
  return target !== undefined && (panel === undefined || target.panels.some(({ id }) => String(id) === panel));
}

function named({ title, id }: Panel): string {
  return `"${title ?? String(id)}"`;
}

function duplicates(values: readonly string[]): string[] {
  return values.filter((value, index) => value === 'undefined' || values.indexOf(value) !== index);
}
