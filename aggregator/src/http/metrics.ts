/**
 * Metrics for Prometheus: `gatehouse_…`, base units. Labels are sites, gates, edges and fixed words, never a plate, a session or a
 * slot, so that the number of series depends on the layout and not on traffic.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Aggregator } from '../app/aggregator.js';
import type { AggregatorObserver } from '../app/observer.js';
import { defineBroker } from './metrics-broker.js';
import type { BrokerCounts } from './metrics-broker.js';
import { defineEdges } from './metrics-edges.js';
import { defineMachine } from './metrics-machine.js';
import type { MachineReadings } from './metrics-machine.js';
import { defineObserver } from './metrics-observer.js';
import { defineService } from './metrics-service.js';
import { defineSites } from './metrics-sites.js';
import { lookAt } from './metrics-source.js';
import type { MetricsClocks, Sight } from './metrics-source.js';
import { defineTally } from './metrics-tally.js';

export interface Metrics {
  readonly observer: AggregatorObserver;
  /** From now on what is so is read from this aggregator at each scrape. */
  attach(aggregator: Aggregator, clocks: MetricsClocks): void;
  /** The same for the broker inside; without it nothing is told of one. */
  attachBroker(counts: () => BrokerCounts): void;
  /** The same for the data directory and the certificates. */
  attachMachine(readings: MachineReadings): void;
  onRequest(method: string, route: string, status: number, durationSeconds: number): void;
  onConnectionRefused(reason: (typeof refusalReasons)[number]): void;
  onStream(kind: 'opened' | 'closed' | 'cut'): void;
  /** The exposition. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const refusalReasons = ['too-many', 'too-many-from-address'] as const;

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
  const refuse = defineTally(registry, {
    name: 'gatehouse_http_connections_refused_total',
    help: 'Connections to the API that were ended for their number, of all or of their address.',
    labelNames: ['reason'],
    series: () => refusalReasons.map((reason) => ({ reason })),
  });
  let look: (() => Sight) | undefined;
  let seen: Sight | undefined;
  const source = (): Sight | undefined => seen;
  defineSites(registry, source);
  defineEdges(registry, source);
  defineService(registry, source);
  return {
    observer: defineObserver(registry, source),
    attach(aggregator, clocks) {
      look = () => lookAt(aggregator, clocks);
    },
    attachBroker(counts) {
      defineBroker(registry, counts);
    },
    attachMachine(readings) {
      defineMachine(registry, readings);
    },
    onRequest(method, route, status, durationSeconds) {
      http.observe({ method, route, status: String(status) }, durationSeconds);
    },
    onConnectionRefused(reason) {
      refuse({ reason });
    },
    onStream(kind) {
      if (kind === 'opened') streams.inc();
      else streams.dec();
      if (kind === 'cut') cutStreams.inc();
    },
    async render() {
      seen = look?.();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  // Gauges whose names end as a counter's should: checkers refuse them, and each has a twin by type.
  for (const name of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${name}_total`);
  }
}
