/** Metrics of the whole edge: link, outbox, allowance, what happened since the start, its volume and its certificate. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { EdgeCounters, EdgeStatus } from '../app/status.js';
import { canOpenGates } from './health.js';
import type { Volume } from '@gatehouse/shared/node';

/** What one scrape tells; undefined is left out of it. */
export interface Standing {
  readonly edge: EdgeStatus | undefined;
  readonly volume: Volume | undefined;
  readonly certificateEndSeconds: number | undefined;
}

const flag = (is: boolean): number => (is ? 1 : 0);

export function defineStanding(
  registry: Registry,
  options: { readonly outboxLimitBytes: number; readonly hasCertificate: boolean },
  standing: () => Standing,
): void {
  const gauge = (name: string, help: string, read: (now: Standing) => number | undefined): void => {
    new Gauge({
      name: `gatehouse_agent_${name}`,
      help,
      registers: [registry],
      collect() {
        const value = read(standing());
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  };
  const ofEdge = (name: string, help: string, read: (edge: EdgeStatus) => number | undefined): void => {
    gauge(name, help, ({ edge }) => (edge === undefined ? undefined : read(edge)));
  };
  ofEdge('ready', '1 while the agent runs and can open gates.', (edge) => flag(canOpenGates(edge)));
  ofEdge('link_up', '1 while the agent is connected to its broker.', ({ link }) => flag(link.up));
  ofEdge(
    'outbox_unacknowledged_events',
    'Events committed here that the aggregator has not acknowledged.',
    ({ outbox }) => outbox.unacknowledged,
  );
  ofEdge('outbox_bytes', 'Size of the events kept, acknowledged ones included.', ({ outbox }) => outbox.bytes);
  gauge('outbox_limit_bytes', 'Size of the events that the outbox may keep.', () => options.outboxLimitBytes);
  ofEdge(
    'outbox_oldest_unacknowledged_seconds',
    'Age of the oldest event that is not acknowledged; 0 when there is none.',
    ({ outbox }) => ageSeconds(outbox),
  );
  ofEdge('allowance_slots', 'Slots that the edge may give out by itself.', ({ allowance }) => allowance.slots);
  ofEdge(
    'allowance_version',
    'Version of the set of slots that it may give out; 0 for none.',
    ({ allowance }) => allowance.version,
  );
  gauge(
    'data_volume_free_bytes',
    'Room on the volume that holds the outbox, for the user of the agent.',
    ({ volume }) => volume?.freeBytes,
  );
  gauge('data_volume_size_bytes', 'Size of the volume that holds the outbox.', ({ volume }) => volume?.sizeBytes);
  if (options.hasCertificate) {
    gauge(
      'certificate_expiry_timestamp_seconds',
      'When the edge’s own certificate ends.',
      (now) => now.certificateEndSeconds,
    );
  }
  defineCounters(registry, () => standing().edge?.counters);
}

function ageSeconds({ unacknowledged, oldestUnacknowledgedAgeMs }: EdgeStatus['outbox']): number | undefined {
  if (unacknowledged === 0) return 0;
  return oldestUnacknowledgedAgeMs === null ? undefined : oldestUnacknowledgedAgeMs / 1000;
}

const counterHelp = {
  eventsCommitted: ['events_committed', 'Events that became durable in the outbox.'],
  eventsLost: ['events_lost', 'Events that the outbox could not take.'],
  batchesPublished: ['batches_published', 'Batches of events handed to the broker, again or for the first time.'],
  batchesResent: ['batches_resent', 'Batches that were handed to the broker again.'],
  messagesRefused: ['messages_refused', 'Messages from the aggregator that could not be read.'],
  messagesDropped: ['messages_dropped', 'Commands and sets of slots that were meant for another instance or epoch.'],
  epochsBegun: ['epochs_begun', 'New epochs, begun because the aggregator knows another history.'],
  inputsDropped: ['inputs_dropped', 'Sensor edges and reads that were not taken.'],
  openRequests: ['open_requests', 'Times that a barrier was asked to open.'],
} as const satisfies Partial<Record<keyof EdgeCounters, readonly [name: string, help: string]>>;

function defineCounters(registry: Registry, counters: () => EdgeCounters | undefined): void {
  for (const [key, [name, help]] of Object.entries(counterHelp)) {
    new Counter({
      name: `gatehouse_agent_${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(counters()?.[key as keyof typeof counterHelp] ?? 0);
      },
    });
  }
}
