/** Metrics of the aggregator itself: whether it can do its work, and what waits. */
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Aggregator } from '../app/aggregator.js';
import type { Source } from './metrics-source.js';

/** Registers them; 0 until there is something to read. */
export function defineService(registry: Registry, source: Source): void {
  const gauge = (name: string, help: string, read: (aggregator: Aggregator) => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const aggregator = source()?.aggregator;
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
