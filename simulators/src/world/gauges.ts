/** Measures now and then what must stay within bounds: queues of the living aggregator, outboxes, the network. */
import type { Happening } from './happenings.js';
import type { EdgeFleet } from './edge-fleet.js';
import type { AggregatorMachine } from './processes/aggregator-machine.js';
import type { Timeline } from './timeline.js';

export interface GaugePorts {
  readonly timeline: Timeline;
  readonly tell: (happening: Happening) => void;
  readonly aggregator: AggregatorMachine;
  readonly fleet: EdgeFleet;
}

const everyMs = 20_000;

export function startGauges(ports: GaugePorts): void {
  const { timeline, tell, aggregator, fleet } = ports;
  const measure = (): void => {
    const { living, settings } = aggregator;
    const health = living?.health();
    if (health !== undefined) {
      const edges = fleet.machines.length;
      tell({
        type: 'gauges',
        of: 'aggregator',
        values: [
          { name: 'operations', value: health.pendingOperations, bound: settings.commit.maxQueuedOperations },
          { name: 'batches', value: health.pendingBatches, bound: settings.ingest.inboxBatchesPerEdge * edges },
          // One queue an edge, and one a site.
          { name: 'publishes', value: health.pendingPublishes, bound: settings.maxQueuedPublishesPerEdge * edges * 2 },
        ],
      });
    }
    for (const { machine, disk } of fleet.machines) {
      const unacknowledged = disk.backing.next - 1 - disk.backing.acked;
      tell({
        type: 'gauges',
        of: machine,
        values: [{ name: 'events', value: unacknowledged, bound: disk.bounds.maxEvents }],
      });
    }
    timeline.after(everyMs, measure);
  };
  timeline.after(everyMs, measure);
}
