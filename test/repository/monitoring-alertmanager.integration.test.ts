/**
 * Who is told of an alert: routes, silences that follow from causes, and messages that really arrive.
 * @needs prometheus prometheus-alertmanager
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { alertRules, monitoring, readYaml } from '../support/monitoring-files.js';
import { startExposition, startReceiver, startServer } from '../support/monitoring-servers.js';
import type { RunningServer } from '../support/monitoring-servers.js';
import { until } from '../support/processes.js';

const file = join(monitoring, 'alertmanager', 'alertmanager.yml');
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-alerts-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

type Labels = Readonly<Record<string, string>>;
interface AlertmanagerConfiguration {
  route: { routes: { group_wait?: string; group_interval?: string; mute_time_intervals?: string[] }[] };
  time_intervals: { time_intervals: unknown[] }[];
  receivers: { webhook_configs: { url: string }[] }[];
  inhibit_rules: unknown[];
}
interface PrometheusConfiguration {
  global: { scrape_interval: string; scrape_timeout: string; evaluation_interval: string };
  rule_files: string[];
  alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] };
  scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
}

describe('the configuration of Alertmanager', () => {
  it('is one that Alertmanager takes', async () => {
    const { stdout } = await promisify(execFile)('amtool', ['check-config', file]);
    expect(stdout).toContain('SUCCESS');
  });

  it.each([
    ['page', { severity: 'page', alertname: 'GatehouseEdgeOffline', site: 'harbour' }],
    ['ticket', { severity: 'ticket', alertname: 'GatehouseSiteFull', site: 'harbour' }],
    ['page', { severity: 'page', alertname: 'GatehouseAggregatorDown' }],
    ['ticket', { alertname: 'SomebodyElses' }],
  ])('sends to %s what is %j', async (receiver, labels: Labels) => {
    const named = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    const options = ['config', 'routes', 'test', `--config.file=${file}`, `--verify.receivers=${receiver}`];
    const { stdout } = await promisify(execFile)('amtool', [...options, ...named]);
    expect(stdout.trim()).toBe(receiver);
  });
});

const where = { site: 'harbour', edge: 'harbour-north' };
const otherEdge = { ...where, edge: 'harbour-south' };
const gate = { ...where, gate: 'entry-1' };
const otherSite = { site: 'mill' };

/** [what silences, what it silences, what it does not] */
const silences: [Labels, Labels, Labels][] = [
  [
    alert('GatehouseEdgeDiskFilling', where, 'page'),
    alert('GatehouseEdgeDiskFilling', where, 'ticket'),
    alert('GatehouseEdgeDiskFilling', otherEdge, 'ticket'),
  ],
  [alert('GatehouseAggregatorDown'), alert('GatehouseSiteFull', otherSite), alert('GatehouseFireInput', gate)],
  [
    alert('GatehouseAggregatorDown', { job: 'gatehouse-aggregator', instance: 'a:8000' }),
    alert('GatehouseRestarts', { job: 'gatehouse-aggregator', instance: 'a:8000' }),
    alert('GatehouseRestarts', { job: 'gatehouse-edge', instance: 'e:8001' }),
  ],
  [
    alert('GatehouseAggregatorNotReady'),
    alert('GatehouseEdgeOffline', where, 'page'),
    alert('GatehouseSiteFull', where),
  ],
  [
    alert('GatehouseEdgeOffline', where, 'page'),
    alert('GatehouseLaneSilent', gate),
    alert('GatehouseOutboxFull', where),
  ],
  [
    alert('GatehouseSiteFull', where),
    alert('GatehouseSlotClassFull', { ...where, slot_class: 'ev' }),
    alert('GatehouseSiteAlmostFull', otherSite),
  ],
  [
    alert('GatehouseOutboxFailing', where),
    alert('GatehouseEdgeDiskFilling', where, 'page'),
    alert('GatehouseEventsLost', where),
  ],
  [
    alert('GatehouseBarrierForced', gate),
    alert('GatehouseBarrierHeldOpen', gate),
    alert('GatehouseBarrierHeldOpen', { ...gate, gate: 'exit-1' }),
  ],
  [
    alert('GatehouseEdgeNotReady', where),
    alert('GatehouseBarrierDriverFailed', gate),
    alert('GatehouseBarrierDriverFailed', { ...gate, ...otherEdge }),
  ],
  [alert('GatehouseClockOff', where), alert('GatehouseClockJumped', where), alert('GatehouseClockJumped', otherEdge)],
  [
    alert('GatehouseLoopDead', gate),
    alert('GatehouseLaneSilent', gate),
    alert('GatehouseLaneSilent', { ...gate, gate: 'exit-1' }),
  ],
];

describe('a cause that is told', () => {
  let alertmanager: RunningServer;
  beforeAll(async () => {
    alertmanager = await startAlertmanager(file);
  });
  afterAll(() => alertmanager.stop());

  it.each(silences.map(([cause, silenced, kept]) => ({ cause, silenced, kept })))(
    '$cause.alertname silences $silenced.alertname, and not every $kept.alertname',
    async ({ cause, silenced, kept }) => {
      await post(alertmanager, [cause, silenced, kept]);
      await until('the silence', async () => (await inhibitorsOf(alertmanager, silenced)).length > 0);
      expect(await inhibitorsOf(alertmanager, kept)).toEqual([]);
      expect(await inhibitorsOf(alertmanager, cause)).toEqual([]);
      await post(alertmanager, [cause, silenced, kept], { endsAt: new Date(Date.now() - 1000).toISOString() });
      await until('the end', async () => (await alertsOf(alertmanager)).length === 0);
    },
  );

  it('is tried for each rule of the configuration', () => {
    expect(silences).toHaveLength(
      (readYaml('alertmanager', 'alertmanager.yml') as AlertmanagerConfiguration).inhibit_rules.length,
    );
  });
});

describe('a message', () => {
  it('goes from a fault on a page of metrics through Prometheus and Alertmanager to the receiver of its severity', async () => {
    const receiver = await startReceiver();
    const metrics = await startExposition(() =>
      [fault('fire-input', 1), fault('loop-stuck', 1), fault('tamper', 0), ''].join('\n'),
    );
    const alertmanager = await startAlertmanager(configureAlertmanager(receiver.url, 'never'));
    const prometheus = await startPrometheus(metrics.url, alertmanager.url);
    try {
      const alerts = await until('both messages', () => {
        const found = receiver.messages.flatMap(({ path, body }) => body.alerts.map((alert) => ({ path, ...alert })));
        return new Set(found.map(({ labels }) => labels.alertname)).size >= 2 && found;
      });
      expect(alerts.map(({ path, labels }) => [path, labels.alertname])).toEqual(
        expect.arrayContaining([
          ['/page', 'GatehouseFireInput'],
          ['/ticket', 'GatehouseLoopStuck'],
        ]),
      );
      expect(alerts.filter(({ labels }) => labels.alertname === 'GatehouseTamper')).toEqual([]);
      const fire = alerts.find(({ labels }) => labels.alertname === 'GatehouseFireInput');
      expect(fire?.labels).toEqual({ ...alert('GatehouseFireInput', gate), fault: 'fire-input' });
      expect(fire?.annotations).toMatchObject({
        summary: 'Fire input at gate entry-1 of harbour',
        runbook_url: 'https://gatehouse.invalid/monitoring/runbook.md#fire-input',
      });
    } finally {
      await Promise.all([prometheus.stop(), alertmanager.stop(), receiver.stop(), metrics.stop()]);
    }
  });

  it('is not sent of lanes of an edge that is offline, and is of others', async () => {
    const receiver = await startReceiver();
    const alertmanager = await startAlertmanager(configureAlertmanager(receiver.url, 'never'));
    try {
      const other = { ...gate, ...otherEdge, gate: 'entry-2' };
      await post(alertmanager, [alert('GatehouseEdgeOffline', where, 'page')]);
      await until('the page', () => receiver.messages.some(({ path }) => path === '/page'));
      await post(alertmanager, [alert('GatehouseLaneSilent', gate), alert('GatehouseLaneSilent', other)]);
      await until('the ticket', () => receiver.messages.some(({ path }) => path === '/ticket'));
      const tickets = receiver.messages.filter(({ path }) => path === '/ticket').flatMap(({ body }) => body.alerts);
      expect(tickets.map(({ labels }) => labels.gate)).toEqual(['entry-2']);
    } finally {
      await Promise.all([alertmanager.stop(), receiver.stop()]);
    }
  });

  it('of a ticket waits while it is night, and of a page does not', async () => {
    const receiver = await startReceiver();
    const alertmanager = await startAlertmanager(configureAlertmanager(receiver.url, 'always'));
    try {
      await post(alertmanager, [alert('GatehouseSiteFull', otherSite), alert('GatehouseEdgeOffline', where, 'page')]);
      await until('the page', () => receiver.messages.some(({ path }) => path === '/page'));
      await until('the mute', () => alertmanager.log().includes('route is within mute time'));
      expect(receiver.messages.filter(({ path }) => path === '/ticket')).toEqual([]);
    } finally {
      await Promise.all([alertmanager.stop(), receiver.stop()]);
    }
  });
});

/** The labels of an alert as Prometheus sends it: those of its rule, and where it is. */
function alert(name: string, at: Labels = {}, severity?: 'page' | 'ticket'): Labels {
  const rules = alertRules.filter(
    (rule) => rule.alert === name && (severity ?? rule.labels.severity) === rule.labels.severity,
  );
  const [rule] = rules;
  if (rule === undefined || rules.length > 1) throw new Error(`${name}: ${String(rules.length)} rules`);
  return { alertname: name, ...at, ...rule.labels };
}

const fault = (name: string, value: 0 | 1): string =>
  `gatehouse_gate_faults{site="harbour",edge="harbour-north",gate="entry-1",fault="${name}"} ${String(value)}`;

/** A copy of the configuration that sends to `url` and does not wait; night is as given. */
function configureAlertmanager(url: string, night: 'never' | 'always'): string {
  const configuration = readYaml('alertmanager', 'alertmanager.yml') as AlertmanagerConfiguration;
  for (const route of configuration.route.routes) {
    route.group_wait = '200ms';
    route.group_interval = '1s';
    if (night === 'never') delete route.mute_time_intervals;
  }
  for (const { time_intervals: intervals } of configuration.time_intervals)
    intervals.splice(0, intervals.length, { times: [{ start_time: '00:00', end_time: '24:00' }] });
  for (const { webhook_configs: hooks } of configuration.receivers)
    for (const hook of hooks) hook.url = `${url}${new URL(hook.url).pathname}`;
  return save(configuration);
}

async function startAlertmanager(configuration: string): Promise<RunningServer> {
  const storage = mkdtempSync(join(folder, 'alertmanager-'));
  return await startServer('prometheus-alertmanager', [
    `--config.file=${configuration}`,
    `--storage.path=${storage}`,
    '--cluster.listen-address=',
    '--log.level=debug',
  ]);
}

/** Prometheus with the rules as they are, every second, and one target. */
async function startPrometheus(target: string, alertmanager: string): Promise<RunningServer> {
  const configuration = readYaml('prometheus', 'prometheus.yml') as PrometheusConfiguration;
  Object.assign(configuration.global, { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' });
  configuration.rule_files = configuration.rule_files.map((path) => join(monitoring, 'prometheus', path));
  const [alertmanagers] = configuration.alerting.alertmanagers;
  alertmanagers?.static_configs.splice(0, 1, { targets: [new URL(alertmanager).host] });
  configuration.scrape_configs = [
    { job_name: 'gatehouse-aggregator', static_configs: [{ targets: [new URL(target).host] }] },
  ];
  const storage = mkdtempSync(join(folder, 'prometheus-'));
  return await startServer('prometheus', [`--config.file=${save(configuration)}`, `--storage.tsdb.path=${storage}`]);
}

function save(configuration: unknown): string {
  const path = join(mkdtempSync(join(folder, 'configuration-')), 'configuration.yml');
  writeFileSync(path, stringify(configuration));
  return path;
}

async function post(alertmanager: RunningServer, alerts: readonly Labels[], more: object = {}): Promise<void> {
  const response = await fetch(`${alertmanager.url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(alerts.map((labels) => ({ labels, ...more }))),
  });
  expect(response.status).toBe(200);
}

interface AlertStatus {
  readonly labels: Labels;
  readonly status: { readonly inhibitedBy: readonly string[] };
}

async function alertsOf(alertmanager: RunningServer): Promise<AlertStatus[]> {
  return (await (await fetch(`${alertmanager.url}/api/v2/alerts`)).json()) as AlertStatus[];
}

/** Fails when the alert is not there. */
async function inhibitorsOf(alertmanager: RunningServer, labels: Labels): Promise<readonly string[]> {
  const key = (of: Labels): string => JSON.stringify(Object.entries(of).sort());
  const found = (await alertsOf(alertmanager)).find((alert) => key(alert.labels) === key(labels));
  if (found === undefined) throw new Error(`no ${labels.alertname ?? ''} there`);
  return found.status.inhibitedBy;
}
