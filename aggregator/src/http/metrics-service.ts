/** Metrics of the aggregator itself: whether it can do its work, and what waits. */
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Sight, Source } from './metrics-source.js';

/** Registers them; 0 until there is something to read. */
export function defineService(registry: Registry, source: Source): void {
  const gauge = (name: string, help: string, read: (sight: Sight) => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const sight = source();
        this.set(sight === undefined ? 0 : read(sight));
      },
    });
  };
  gauge('gatehouse_ready', '1 while the program can do its work.', ({ health }) => (health.ready ? 1 : 0));
  gauge('gatehouse_store_up', '1 while the store takes changes.', ({ health }) => (health.storeOk ? 1 : 0));
  gauge('gatehouse_broker_up', '1 while the broker is there.', ({ health }) => (health.linkOk ? 1 : 0));
  gauge('gatehouse_pending_operations', 'Acts that wait to be committed.', ({ health }) => health.pendingOperations);
  gauge('gatehouse_pending_batches', 'Event batches that wait.', ({ health }) => health.pendingBatches);
  gauge(
    'gatehouse_vehicles_registered',
    'Vehicles in the register.',
    ({ aggregator }) => aggregator.directory.vehicleCount,
  );
}
