/**
 * Metrics for Prometheus: `gatehouse_…`, base units. Labels are sites, gates, edges and fixed words, never a plate, a session or a
 * slot, so that the number of series depends on the layout and not on traffic.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Aggregator } from '../app/aggregator.js';
import type { AggregatorObserver } from '../app/observer.js';
import { summaryOf } from '../domain/engine.js';
import type { SiteSummary } from '../domain/engine.js';

export interface Metrics {
  readonly observer: AggregatorObserver;
  /** From now on gauges are read from this aggregator at each scrape. */
  attach(aggregator: Aggregator): void;
  onRequest(method: string, route: string, status: number, durationSeconds: number): void;
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
  let attached: Aggregator | undefined;
  defineGauges(registry, () => attached);
  return {
    observer: createObserver(registry),
    attach(aggregator) {
      attached = aggregator;
    },
    onRequest(method, route, status, durationSeconds) {
      http.observe({ method, route, status: String(status) }, durationSeconds);
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

type Source = () => Aggregator | undefined;

/** What is so at this moment, read at each scrape. */
function defineGauges(registry: Registry, source: Source): void {
  const bySite = (name: string, help: string, read: (summary: SiteSummary) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['site'],
      registers: [registry],
      collect() {
        this.reset();
        forEachSite(source, (site, summary) => {
          this.set({ site }, read(summary));
        });
      },
    });
  };
  bySite('gatehouse_vehicles_inside', 'Vehicles inside, by passages.', (summary) => summary.vehiclesInside);
  bySite('gatehouse_sessions_open', 'Vehicles inside, by identity.', (summary) => summary.sessionsOpen);
  bySite(
    'gatehouse_sessions_uncertain',
    'Sessions believed to have ended with an exit that nobody could match.',
    (summary) => summary.sessionsUncertain,
  );
  bySite('gatehouse_occupancy_drift', 'Vehicles counted minus sessions open.', (summary) => summary.drift);
  bySite('gatehouse_capacity', 'Vehicles the site takes.', (summary) => summary.capacity);
  bySite('gatehouse_free', 'Vehicles that would still be admitted.', (summary) => summary.free);
  bySite('gatehouse_reviews_open', 'Reviews that wait for a person.', (summary) => summary.reviewsOpen);
  bySite('gatehouse_site_recovering', '1 while free slots stay back after a restore.', (summary) =>
    summary.recovering ? 1 : 0,
  );
  defineTotals(registry, source);
  defineSlots(registry, source);
  defineEdges(registry, source);
  defineHealth(registry, source);
}

/** Totals that the store keeps: they go on after a restart. */
function defineTotals(registry: Registry, source: Source): void {
  const total = (name: string, help: string, read: (summary: SiteSummary) => number): void => {
    new Counter({
      name,
      help,
      labelNames: ['site'],
      registers: [registry],
      collect() {
        this.reset();
        forEachSite(source, (site, summary) => {
          this.inc({ site }, read(summary));
        });
      },
    });
  };
  total('gatehouse_vehicle_entries_total', 'Vehicles that came in.', (summary) => summary.entriesTotal);
  total('gatehouse_vehicle_exits_total', 'Vehicles that went out.', (summary) => summary.exitsTotal);
}

function defineSlots(registry: Registry, source: Source): void {
  new Gauge({
    name: 'gatehouse_slots',
    help: 'Slots by state.',
    labelNames: ['site', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      forEachSite(source, (site, { slots }) => {
        this.set({ site, state: 'free' }, slots.free);
        this.set({ site, state: 'reserved' }, slots.reserved);
        this.set({ site, state: 'occupied' }, slots.occupied);
        this.set({ site, state: 'held' }, slots.held);
        this.set({ site, state: 'out_of_service' }, slots.outOfService);
      });
    },
  });
}

function defineEdges(registry: Registry, source: Source): void {
  const registers = [registry];
  const labelNames = ['site', 'edge'];
  const perEdge = (
    name: string,
    help: string,
    read: (status: ReturnType<Aggregator['edgeStatus']>) => number | null,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const edge of source()?.directory.edges() ?? []) {
          if (edge.revokedAtMs !== null) continue;
          const value = read(source()?.edgeStatus(edge.edgeId));
          if (value !== null) this.set({ site: edge.siteId, edge: edge.edgeId }, value);
        }
      },
    });
  };
  perEdge('gatehouse_edge_up', '1 while the edge is connected.', (status) => (status?.presence === 'online' ? 1 : 0));
  perEdge(
    'gatehouse_edge_outbox_events',
    'Events that the edge has committed and the aggregator has not.',
    (status) => status?.backlogEvents ?? null,
  );
  perEdge('gatehouse_edge_outbox_bytes', 'Size of the outbox of the edge.', (status) => status?.outboxBytes ?? null);
  perEdge('gatehouse_edge_clock_offset_seconds', 'The clock of the edge minus ours.', (status) =>
    status?.clockOffsetMs == null ? null : status.clockOffsetMs / 1000,
  );
  perEdge('gatehouse_edge_conflict', '1 while the history of the edge cannot be continued.', (status) =>
    status?.conflict == null ? 0 : 1,
  );
  new Gauge({
    name: 'gatehouse_gate_faults',
    help: '1 while a fault of the catalogue is raised; gate is empty for a fault of the whole edge.',
    labelNames: ['site', 'edge', 'gate', 'fault'],
    registers,
    collect() {
      this.reset();
      for (const edge of source()?.directory.edges() ?? []) {
        const state = source()?.edgeStatus(edge.edgeId)?.lastState;
        if (state == null || edge.revokedAtMs !== null) continue;
        const labels = { site: edge.siteId, edge: edge.edgeId };
        for (const fault of state.faults) this.set({ ...labels, gate: '', fault }, 1);
        for (const gate of state.gates) {
          for (const fault of gate.faults) this.set({ ...labels, gate: gate.gateId, fault }, 1);
        }
      }
    },
  });
}

function defineHealth(registry: Registry, source: Source): void {
  const gauge = (name: string, help: string, read: (aggregator: Aggregator) => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const aggregator = source();
        this.set(aggregator === undefined ? 0 : read(aggregator));
      },
    });
  };
  gauge('gatehouse_ready', '1 while the program can do its work.', (it) => (it.health().ready ? 1 : 0));
  gauge('gatehouse_store_up', '1 while the store takes changes.', (it) => (it.health().storeOk ? 1 : 0));
  gauge('gatehouse_broker_up', '1 while the broker is there.', (it) => (it.health().linkOk ? 1 : 0));
  gauge('gatehouse_pending_operations', 'Acts that wait to be committed.', (it) => it.health().pendingOperations);
  gauge('gatehouse_pending_batches', 'Event batches that wait.', (it) => it.health().pendingBatches);
  gauge('gatehouse_vehicles_registered', 'Vehicles in the register.', (it) => it.directory.vehicleCount);
}

function forEachSite(source: Source, visit: (siteId: string, summary: SiteSummary) => void): void {
  const aggregator = source();
  for (const siteId of aggregator?.siteIds() ?? []) {
    const state = aggregator?.site(siteId);
    if (state !== undefined) visit(siteId, summaryOf(state));
  }
}

function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  // Gauges whose names end as a counter's should: checkers refuse them, and each has a twin by type.
  for (const name of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${name}_total`);
  }
}
