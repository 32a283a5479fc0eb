/** The dashboards are as a dashboard should be, and the rules that say so can fail. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { dashboards } from '../src/index.js';
import { graphs } from './support/documents.js';
import type { Dashboard, Panel, Target } from './support/documents.js';
import { lint, selectors } from './support/lint.js';

const runbook = readFileSync(path.resolve(import.meta.dirname, '..', 'runbook.md'), 'utf8');

/** As Grafana reads them. */
function made(runbookText = runbook): Dashboard[] {
  return JSON.parse(JSON.stringify(Object.values(dashboards(runbookText)))) as Dashboard[];
}

describe('the dashboards', () => {
  it('keep every rule', () => {
    expect(lint(made())).toEqual([]);
  });

  it.each(made().filter(({ title }) => title !== 'Runbook'))(
    '$title: lead to the section of the runbook that is about a panel',
    (dashboard) => {
      const links = graphs(dashboard).flatMap(({ links: own = [] }) => own);
      expect(links.length).toBeGreaterThan(3);
      expect(links.filter(({ url = '' }) => !url.includes('viewPanel='))).toEqual([]);
    },
  );

  it('show the runbook whole, a panel a section', () => {
    const headings = [...runbook.matchAll(/^#{2,3} +(.*)$/gm)].map(([, heading = '']) => heading.trim());
    const shown =
      made()
        .find(({ title }) => title === 'Runbook')
        ?.panels.map(({ title }) => title) ?? [];
    expect(shown.length).toBeGreaterThan(10);
    expect(headings).toEqual(expect.arrayContaining(shown));
  });

  it('have the panels of a car park’s first page', () => {
    const operations = made().find(({ uid }) => uid === 'gatehouse-operations')!;
    const kinds = Object.fromEntries(graphs(operations).map(({ title, type }) => [title, type]));
    expect(kinds).toMatchObject({
      'Total entries and exits': 'stat',
      'Slot occupancy': 'bargauge',
      'Parking duration distribution': 'bargauge',
      'Entry and exit rates': 'timeseries',
      'Parking trends over time': 'timeseries',
      'Free against occupied': 'piechart',
    });
  });

  it('have a row for each edge', () => {
    const edges = made().find(({ uid }) => uid === 'gatehouse-edges')!;
    const row = edges.panels.findIndex(({ repeat }) => repeat === 'edge');
    const repeated = edges.panels.slice(row + 1);
    expect(repeated.length).toBeGreaterThan(10);
    for (const { targets = [] } of repeated) for (const { expr } of targets) expect(expr).toContain('edge=~"$edge"');
  });
});

type Change = (dashboard: Dashboard) => Dashboard;

const onPanel =
  (change: (panel: Panel) => Panel): Change =>
  (dashboard) => ({
    ...dashboard,
    panels: dashboard.panels.map((panel) => (panel === graphs(dashboard)[0] ? change(panel) : panel)),
  });
const onQuery = (change: Partial<Target>): Change =>
  onPanel((panel) => ({ ...panel, targets: [{ ...panel.targets![0]!, ...change }] }));
const onField = (change: object): Change =>
  onPanel((panel) => ({
    ...panel,
    fieldConfig: { ...panel.fieldConfig, defaults: { ...panel.fieldConfig!.defaults, ...change } },
  }));
const onVariable =
  (name: string, change: object): Change =>
  (dashboard) => ({
    ...dashboard,
    templating: {
      list: dashboard.templating.list!.map((each) => (each.name === name ? { ...each, ...change } : each)),
    },
  });
const all = 'job=~"$job", instance=~"$instance"';

const defects: readonly (readonly [finding: string, change: Change])[] = [
  ['can be edited in Grafana', (it) => ({ ...it, editable: true })],
  ['has no title or description', (it) => ({ ...it, description: '' })],
  ['has no variable for the data source', onVariable('datasource', { name: 'source' })],
  ['does not let all or some jobs be chosen', onVariable('job', { multi: false })],
  ['does not let all or some instances be chosen', onVariable('instance', { allValue: '' })],
  ['does not ask the data source that is chosen', onVariable('site', { datasource: { uid: 'prometheus' } })],
  ['is not asked for again when the time changes', onVariable('site', { refresh: 1 })],
  ['which is no variable', onPanel((panel) => ({ ...panel, repeat: 'lane' }))],
  ['panel id undefined is missing', onPanel(({ id: _id, ...panel }) => panel as Panel)],
  ['panel id 1 is missing or taken twice', onPanel((panel) => ({ ...panel, id: 1 }))],
  ['is outside the grid', onPanel((panel) => ({ ...panel, gridPos: { ...panel.gridPos, x: 23 } }))],
  ['lies on', onPanel((panel) => ({ ...panel, gridPos: { ...panel.gridPos, w: panel.gridPos.w + 1 } }))],
  ['has no title or no description', onPanel((panel) => ({ ...panel, description: '' }))],
  ['has no unit that Grafana knows', onField({ unit: 'parsecs' })],
  ['says nothing where there is nothing', onField({ noValue: '' })],
  ['does not ask the data source', onPanel((panel) => ({ ...panel, datasource: { uid: 'prometheus' } }))],
  ['asks nothing', onPanel((panel) => ({ ...panel, targets: [] }))],
  ['queries without a name of their own', onQuery({ refId: '' })],
  ['does not say what its series are called', onQuery({ legendFormat: '' })],
  ['is not over $__rate_interval', onQuery({ expr: `rate(gatehouse_events_total{${all}}[5m])` })],
  ['is not of the jobs and instances', onQuery({ expr: 'gatehouse_capacity{site=~"$site"}' })],
  ['is not of the jobs and instances', onQuery({ expr: 'sum(gatehouse_capacity)' })],
  ['starts anew with its program', onQuery({ expr: `sum(gatehouse_events_total{${all}})` })],
  [
    'a link leads nowhere',
    onPanel((panel) => ({ ...panel, links: [{ title: 'there', url: '/d/gatehouse-nowhere' }] })),
  ],
  [
    'a link leads nowhere',
    onPanel((panel) => ({ ...panel, links: [{ title: 'there', url: '/d/gatehouse-runbook?viewPanel=999' }] })),
  ],
];

describe('the rules', () => {
  it.each(defects)('find: %s', (finding, change) => {
    const [first, ...rest] = made();
    const findings = lint([change(first!), ...rest]);
    expect(findings.join('\n')).toContain(finding);
  });

  it('find two dashboards of one identity', () => {
    const [first] = made();
    expect(lint([first!, first!]).join('\n')).toContain('is taken twice');
  });

  it('see every series of an expression', () => {
    expect(selectors('sum by (le) (rate(a_bucket{x="1"}[5m])) / gatehouse_free + ALERTS{y="gatehouse_z"}')).toEqual([
      { metric: 'a_bucket', matchers: 'x="1"' },
      { metric: 'ALERTS', matchers: 'y="gatehouse_z"' },
      { metric: 'gatehouse_free', matchers: '' },
    ]);
  });

  it('leave a runbook’s missing section to its first page, which a rule above notices', () => {
    const links = made('## Another section\n\nText.\n').flatMap((dashboard) =>
      graphs(dashboard).flatMap(({ links: own = [] }) => own),
    );
    expect(new Set(links.map(({ url }) => url))).toEqual(new Set(['/d/gatehouse-runbook']));
  });
});
