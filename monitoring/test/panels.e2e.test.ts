/**
 * Every query of every panel is answered by a real Prometheus that scrapes real programs while vehicles come and go. What each
 * answered is written to .cache/panels.md.
 * @needs prometheus
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../test/support/processes.js';
import { dashboards } from '../src/index.js';
import { askPanel, choicesOf, queriesOf, substitute, tableOf } from './support/ask-panels.js';
import type { PanelAnswer, PanelQuery, Values } from './support/ask-panels.js';
import { graphs } from './support/documents.js';
import type { Dashboard } from './support/documents.js';
import { startPrometheus } from './support/prometheus.js';
import type { Prometheus } from './support/prometheus.js';
import { startSite } from './support/site-under-traffic.js';
import type { SiteUnderTraffic } from './support/site-under-traffic.js';

jest.setTimeout(150_000);

const answersLimitMs = 60_000;
const root = path.resolve(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const all = Object.keys(dashboards('')).map(
  (name) => JSON.parse(read(`monitoring/grafana/dashboards/${name}.json`)) as Dashboard,
);

/** What Grafana would put in: everything is chosen, a row is for one edge. */
const values: Values = {
  job: '.+',
  instance: '.+',
  site: '.+',
  edge: 'edge-1',
  __rate_interval: '10s',
  __range: '10m',
};

describe('dashboards of a system under traffic', () => {
  let site: SiteUnderTraffic | undefined;
  let prometheus: Prometheus;
  let answers: readonly PanelAnswer[] = [];
  const sinceSeconds = Date.now() / 1000;

  /** Asks until every query has an answer, or the time is up; then all of them once more, so that they tell of one moment. */
  async function answerOf(queries: readonly PanelQuery[]): Promise<PanelAnswer[]> {
    const answer = (query: PanelQuery): Promise<PanelAnswer> => askPanel(prometheus, query, values, sinceSeconds);
    let waiting = queries;
    const askAgain = async (): Promise<boolean> => {
      const answered = await inTurn(waiting, answer);
      waiting = answered.flatMap(({ series }, index) => (series.length === 0 ? [waiting[index]!] : []));
      return waiting.length === 0;
    };
    // Which of them had none is for the tests below to say.
    await until('every panel is answered', askAgain, answersLimitMs).catch(() => undefined);
    return inTurn(queries, answer);
  }

  beforeAll(async () => {
    site = await startSite();
    const { aggregator, edges } = site.metrics;
    const rules = path.join(root, 'monitoring', 'prometheus', 'rules', 'recording.yml');
    prometheus = await startPrometheus(
      site.system,
      [
        { name: 'gatehouse-aggregator', targets: [aggregator] },
        { name: 'gatehouse-edge', targets: edges },
      ],
      [rules],
    );
    await until('every program is scraped', async () => {
      const up = await prometheus.ask({ expr: 'up == 1' });
      return up.length === 1 + edges.length;
    });
    await site.happen();
    answers = await answerOf(queriesOf(all));
    mkdirSync(path.join(root, '.cache'), { recursive: true });
    writeFileSync(path.join(root, '.cache', 'panels.md'), tableOf(answers));
  });

  afterAll(async () => {
    await site?.system.stop();
  });

  it.each(all.map(({ title }) => title))('%s: every query of every panel has data', (dashboard) => {
    const without = answers.filter((answer) => answer.dashboard === dashboard && answer.series.length === 0);
    expect(without.map(({ panel, target }) => `${panel}: ${target.expr}`)).toEqual([]);
  });

  it.each([
    ['Total entries and exits', 'A'],
    ['Total entries and exits', 'B'],
    ['Reviews open', 'A'],
    ['Denials by reason', 'A'],
    ['Turned away', 'A'],
    ['Admitted by edges alone', 'A'],
    ['Allowance', 'A'],
    ['Faults raised', 'A'],
    ['Parking duration distribution', 'A'],
  ])('show what happened: %s %s', (title, refId) => {
    const { series } = answers.find(({ panel, target }) => panel === title && target.refId === refId)!;
    expect(Math.max(...series.flatMap((each) => each.values))).toBeGreaterThan(0);
  });

  it('offer every job, program, site and edge to choose', async () => {
    const { aggregator, edges } = site!.metrics;
    const offered: Record<string, string[]> = {};
    for (const variable of all.flatMap(({ templating }) => templating.list ?? [])) {
      if (variable.type === 'query') offered[variable.name] = await choicesOf(prometheus, variable, values);
    }
    expect(offered).toEqual({
      job: ['gatehouse-aggregator', 'gatehouse-edge'],
      instance: [aggregator, ...edges].sort(),
      site: ['site'],
      edge: ['edge-1', 'edge-2'],
    });
  });

  it('mark starts and alerts with questions that Prometheus understands', async () => {
    const annotations = all.flatMap(
      (dashboard) => (dashboard as unknown as { annotations: { list?: { expr: string }[] } }).annotations.list ?? [],
    );
    expect(annotations.length).toBeGreaterThan(0);
    for (const { expr } of annotations) await prometheus.ask({ expr: substitute(expr, values) });
  });

  it('name every length of stay that the aggregator counts', () => {
    const panel = all.flatMap(graphs).find(({ title }) => title === 'Parking duration distribution')!;
    const patterns = panel.fieldConfig!.overrides!.map(
      ({ matcher }) => new RegExp(String(matcher.options).slice(1, -1)),
    );
    const counted = answers.find((each) => each.panel === panel.title)!.series.map(({ metric }) => metric.le!);
    const inPrometheus3 = counted.map((le) => (le === '+Inf' ? le : Number(le).toFixed(1)));
    for (const all of [counted, inPrometheus3]) {
      expect(all.map((le) => patterns.filter((pattern) => pattern.test(le)).length)).toEqual(patterns.map(() => 1));
    }
  });
});

async function inTurn<T, R>(items: readonly T[], answer: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (const item of items) answers.push(await answer(item));
  return answers;
}
