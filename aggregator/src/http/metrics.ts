/**
 * Metrics for Prometheus: `gatehouse_…`, base units. Labels are sites, gates, edges and fixed words, never a plate, a session or a
 * slot, so that the number of series depends on the layout and not on traffic.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Aggregator } from '../app/aggregator.js';
import type { AggregatorObserver } from '../app/observer.js';
import { defineBroker } from './metrics-broker.js';
import type { BrokerCounts } from './metrics-broker.js';
import { defineGauges } from './metrics-gauges.js';

export interface Metrics {
  readonly observer: AggregatorObserver;
  /** From now on gauges are read from this aggregator at each scrape. */
  attach(aggregator: Aggregator): void;
  /** The same for the broker inside; without it nothing is told of one. */
  attachBroker(counts: () => BrokerCounts): void;
  onRequest(method: string, route: string, status: number, durationSeconds: number): void;
  onConnectionRefused(reason: 'too-many' | 'too-many-from-address'): void;
  onStream(kind: 'opened' | 'closed' | 'cut'): void;
  /** The exposition. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const decisionSecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5];
const stayMinutesBuckets = [5, 15, 30, 60, 120, 240, 480, 720, 1_440, 2_880, 10_080, 43_200];

export function createMetrics(options: { readonly version: string; readonly processMetrics: boolean }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (options.processMetrics) collectProcessMetrics(registry);
  new Gauge({
    name: 'gatehouse_build_info',
    help: 'Always 1; the version of the program is a label.',
    labelNames: ['version'],
    registers,
  }).set({ version: options.version }, 1);
  const http = new Histogram({
    name: 'gatehouse_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const streams = new Gauge({ name: 'gatehouse_streams_open', help: 'Event streams that are open.', registers });
  const cutStreams = new Counter({
    name: 'gatehouse_streams_cut_total',
    help: 'Event streams closed because their reader was too slow.',
    registers,
  });
  const refusedConnections = new Counter({
    name: 'gatehouse_http_connections_refused_total',
    help: 'Connections to the API that were ended for their number, of all or of their address.',
    labelNames: ['reason'],
    registers,
  });
  let attached: Aggregator | undefined;
  defineGauges(registry, () => attached);
  return {
    observer: createObserver(registry),
    attach(aggregator) {
      attached = aggregator;
    },
    attachBroker(counts) {
      defineBroker(registry, counts);
    },
    onRequest(method, route, status, durationSeconds) {
      http.observe({ method, route, status: String(status) }, durationSeconds);
    },
    onConnectionRefused(reason) {
      refusedConnections.inc({ reason });
    },
    onStream(kind) {
      if (kind === 'opened') streams.inc();
      else streams.dec();
      if (kind === 'cut') cutStreams.inc();
    },
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

/** What happens, counted as it happens. */
function createObserver(registry: Registry): AggregatorObserver {
  const registers = [registry];
  const events = new Counter({
    name: 'gatehouse_events_total',
    help: 'Events from edges, by kind and by what became of them.',
    labelNames: ['site', 'kind', 'result'],
    registers,
  });
  const commits = new Histogram({
    name: 'gatehouse_commit_duration_seconds',
    help: 'Time from the first work of a commit to the answer of the store.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  });
  const commitRows = new Counter({
    name: 'gatehouse_commit_rows_total',
    help: 'Rows inserted, replaced and deleted.',
    registers,
  });
  const commitFailures = new Counter({
    name: 'gatehouse_commit_failures_total',
    help: 'Commits and reloads that the store refused, by its code.',
    labelNames: ['code'],
    registers,
  });
  const decisions = new Histogram({
    name: 'gatehouse_decision_duration_seconds',
    help: 'Time from the receipt of an arrival to the publication of its decision.',
    labelNames: ['site', 'outcome'],
    buckets: decisionSecondsBuckets,
    registers,
  });
  const allowanceAdmissions = new Counter({
    name: 'gatehouse_allowance_admissions_total',
    help: 'Vehicles that an edge let in by itself, into slots that were set aside for it.',
    labelNames: ['site', 'edge'],
    registers,
  });
  const sessions = new Histogram({
    name: 'gatehouse_session_duration_seconds',
    help: 'Length of sessions that have ended, by how the end is known.',
    labelNames: ['site', 'basis'],
    buckets: stayMinutesBuckets.map((minutes) => minutes * 60),
    registers,
  });
  const quarantined = new Counter({
    name: 'gatehouse_quarantined_events_total',
    help: 'What was reported and could not be applied.',
    labelNames: ['site'],
    registers,
  });
  const dropped = new Counter({
    name: 'gatehouse_dropped_messages_total',
    help: 'Messages that were not taken, by reason; edges send theirs again.',
    labelNames: ['reason'],
    registers,
  });
  return {
    onEvent: (site, kind, result) => {
      events.inc({ site, kind, result });
    },
    onCommit: (durationMs, rows) => {
      commits.observe(durationMs / 1000);
      commitRows.inc(rows);
    },
    onCommitFailed: (code) => {
      commitFailures.inc({ code });
    },
    onDecision: (site, durationMs, outcome) => {
      decisions.observe({ site, outcome }, durationMs / 1000);
    },
    onAllowanceAdmission: (site, edge) => {
      allowanceAdmissions.inc({ site, edge });
    },
    onSessionClosed: (site, durationMs, basis) => {
      sessions.observe({ site, basis }, durationMs / 1000);
    },
    onQuarantine: (site) => {
      quarantined.inc({ site: site ?? 'unknown' });
    },
    onDropped: (reason) => {
      dropped.inc({ reason });
    },
    onEdgePresence: () => undefined,
  };
}

function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  // Gauges whose names end as a counter's should: checkers refuse them, and each has a twin by type.
  for (const name of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${name}_total`);
  }
}
