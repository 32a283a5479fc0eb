/** What Node.js and the system say of the process, with the names that every client of Prometheus uses. */
import { readdir } from 'node:fs/promises';
import { Gauge, collectDefaultMetrics } from 'prom-client';
import type { Registry } from 'prom-client';

export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  // Gauges whose names end as a counter's should: checkers refuse them, and each has a twin by type.
  for (const name of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${name}_total`);
  }
  countOpenFilesAside(registry);
}

/** The library lists them on the main thread, which takes as long as ten decisions where thousands of edges are connected. */
function countOpenFilesAside(registry: Registry): void {
  const name = 'process_open_fds';
  // It knows on which systems they can be counted.
  if (registry.getSingleMetric(name) === undefined) return;
  registry.removeSingleMetric(name);
  new Gauge({
    name,
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      try {
        // But for the one that they are listed with.
        this.set((await readdir('/proc/self/fd')).length - 1);
      } catch {
        // None is free, for instance. What cannot be counted is not told.
        this.remove();
      }
    },
  });
}
