/**
 * Metrics of one edge for Prometheus: `gatehouse_agent_…`, base units, each with the labels `site` and `edge`. The other labels are
 * gates of the configuration and fixed words, so that the number of series does not depend on traffic.
 */
import { Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { EdgeObserver } from '../app/observer.js';
import type { EdgeStatus } from '../app/status.js';
import { defineGates, defineMissedEdges } from './metrics-gates.js';
import { defineReaders } from './metrics-readers.js';
import type { Readers } from './metrics-readers.js';
import { defineStanding } from './metrics-standing.js';
import type { Standing } from './metrics-standing.js';
import type { Reading, Volume } from '@gatehouse/shared/node';

export interface EdgeMetrics {
  readonly observer: EdgeObserver;
  /** From now on each scrape reads the status of this agent. */
  attach(status: () => EdgeStatus): void;
  /** The exposition. Who asks while it is being made gets the same. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface EdgeMetricsOptions {
  readonly siteId: string;
  readonly edgeId: string;
  readonly version: string;
  /** Canonical bytes that the outbox may hold. */
  readonly outboxLimitBytes: number;
  readonly processMetrics: boolean;
  /** Of the volume that holds the outbox. */
  readonly volume: Reading<Volume>;
  /** When the edge's own certificate ends, in seconds since the Unix epoch; null where none is configured. */
  readonly certificateEnd: Reading<number> | null;
  /** Undefined where none is configured. */
  readonly readers?: Readers | undefined;
  /** By gate, of those on real lines. */
  readonly missedEdges?: ReadonlyMap<string, number>;
}

const commitSecondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
/** As the aggregator’s own, so that the two can be laid over each other. */
const decisionSecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5];

export function createEdgeMetrics(options: EdgeMetricsOptions): EdgeMetrics {
  const { siteId, edgeId } = options;
  const registry = new Registry();
  registry.setDefaultLabels({ site: siteId, edge: edgeId });
  if (options.processMetrics) collectProcessMetrics(registry);
  let status: (() => EdgeStatus) | undefined;
  let standing: Standing = { edge: undefined, volume: undefined, certificateEndSeconds: undefined };
  let underWay: Promise<string> | undefined;

  new Gauge({
    name: 'gatehouse_agent_build_info',
    help: 'Always 1; the version of the program is a label.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: options.version }, 1);
  const { outboxLimitBytes, certificateEnd } = options;
  defineStanding(registry, { outboxLimitBytes, hasCertificate: certificateEnd !== null }, () => standing);
  defineGates(registry, () => standing.edge);
  defineMissedEdges(registry, options.missedEdges ?? new Map());
  if (options.readers !== undefined) defineReaders(registry, options.readers);

  const make = async (): Promise<string> => {
    const [volume, certificateEndSeconds] = await Promise.all([options.volume(), certificateEnd?.()]);
    standing = { edge: status?.(), volume, certificateEndSeconds };
    return registry.metrics();
  };
  return {
    observer: createObserver(registry),
    attach(source) {
      status = source;
    },
    async render() {
      underWay ??= make().finally(() => {
        underWay = undefined;
      });
      return { contentType: registry.contentType, text: await underWay };
    },
  };
}

function createObserver(registry: Registry): EdgeObserver {
  const commits = new Histogram({
    name: 'gatehouse_agent_commit_duration_seconds',
    help: 'Time from the beginning of a commit of the outbox until its events are durable.',
    buckets: commitSecondsBuckets,
    registers: [registry],
  });
  const decisions = new Histogram({
    name: 'gatehouse_agent_decision_duration_seconds',
    help: 'Time from an arrival that asks until its decision, by who decided.',
    labelNames: ['by'],
    buckets: decisionSecondsBuckets,
    registers: [registry],
  });
  for (const by of ['aggregator', 'edge']) decisions.zero({ by });
  return {
    onCommit(durationMs) {
      commits.observe(durationMs / 1000);
    },
    onDecision(durationMs, by) {
      decisions.observe({ by }, durationMs / 1000);
    },
  };
}

/** The library watches the event loop by a timer: a hundred times a second a small machine would wake up for nothing else. */
const eventLoopWatchMs = 60 * 60_000;

function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: eventLoopWatchMs });
  // What comes of that timer says nothing now; the lag at the moment of a scrape is still told.
  for (const name of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99']) {
    registry.removeSingleMetric(`nodejs_eventloop_lag_${name}_seconds`);
  }
  // Gauges whose names end as a counter's should: checkers refuse them, and each has a twin by type.
  for (const name of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${name}_total`);
  }
}
