/**
 * Metrics for Prometheus: `gatehouse_…`, base units. Labels are sites, gates, edges and fixed words, never a plate, a session or a
 * slot, so that the number of series depends on the layout and not on traffic.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Aggregator } from '../app/aggregator.js';
import type { AggregatorObserver } from '../app/observer.js';
import { defineBroker } from './metrics-broker.js';
import type { BrokerCounts } from './metrics-broker.js';
import { defineEdges } from './metrics-edges.js';
import { createExposition } from './metrics-exposition.js';
import type { Exposition } from './metrics-exposition.js';
import { createFamilies } from './metrics-family.js';
import { defineMachine } from './metrics-machine.js';
import type { MachineReadings } from './metrics-machine.js';
import { defineObserver } from './metrics-observer.js';
import { collectProcessMetrics } from './metrics-process.js';
import { defineRequests } from './metrics-requests.js';
import { defineService } from './metrics-service.js';
import { defineSites } from './metrics-sites.js';
import { beginSight } from './metrics-source.js';
import type { MetricsClocks, Sight } from './metrics-source.js';
import { defineReasons } from './metrics-tally.js';

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
  /** The exposition. Who asks while it is being written gets the same. */
  render(): Promise<Exposition>;
}

const refusalReasons = ['too-many', 'too-many-from-address'] as const;

export interface MetricsOptions {
  readonly version: string;
  readonly processMetrics: boolean;
  /** Default: one of its own. */
  readonly registry?: Registry;
  /** Gives the event loop back while a scrape is written; by default for one turn of it. */
  readonly pause?: () => Promise<void>;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const { registry = new Registry(), pause = nextTurn } = options;
  const registers = [registry];
  if (options.processMetrics) collectProcessMetrics(registry);
  new Gauge({
    name: 'gatehouse_build_info',
    help: 'Always 1; the version of the program is a label.',
    labelNames: ['version'],
    registers,
  }).set({ version: options.version }, 1);
  const streams = new Gauge({ name: 'gatehouse_streams_open', help: 'Event streams that are open.', registers });
  const cutStreams = new Counter({
    name: 'gatehouse_streams_cut_total',
    help: 'Event streams closed because their reader was too slow.',
    registers,
  });
  const onConnectionRefused = defineReasons(registry, {
    name: 'gatehouse_http_connections_refused_total',
    help: 'Connections to the API that were ended for their number, of all or of their address.',
    label: 'reason',
    words: refusalReasons,
  });
  let begin: (() => Sight) | undefined;
  let seen: Sight | undefined;
  let readMachine: (() => Promise<void>) | undefined;
  const source = (): Sight | undefined => seen;
  const families = createFamilies(registry, source);
  const onRequest = defineRequests(families);
  defineSites(families);
  defineEdges(families);
  defineService(registry, source);
  const look = async (): Promise<Sight | undefined> => {
    await readMachine?.();
    seen = begin?.();
    return seen;
  };
  return {
    observer: defineObserver(registry, families),
    attach(aggregator, clocks) {
      begin = () => beginSight(aggregator, clocks);
    },
    attachBroker(counts) {
      defineBroker(registry, counts);
    },
    attachMachine(readings) {
      readMachine = defineMachine(registry, readings);
    },
    onRequest,
    onConnectionRefused,
    onStream(kind) {
      if (kind === 'opened') streams.inc();
      else streams.dec();
      if (kind === 'cut') cutStreams.inc();
    },
    render: createExposition({ registry, families, look, pause }),
  };
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
