/** Metrics of plate and tag readers, camera by camera. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

export interface Readers {
  /** By the name of a camera or source; null stands for requests that name none. */
  readonly counts: ReadonlyMap<
    string | null,
    { readonly reads: number; readonly ignored: number; readonly refused: number }
  >;
  /** Brokers at which readers are heard. */
  readonly sources: readonly { readonly sourceId: string; readonly isUp: boolean }[];
}

export function defineReaders(registry: Registry, { counts, sources }: Readers): void {
  new Counter({
    name: 'gatehouse_agent_reader_requests_total',
    help: 'What readers sent; ignored tells of no vehicle there, reader is empty where none is named.',
    labelNames: ['reader', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [reader, { reads, ignored, refused }] of counts) {
        this.inc({ reader: reader ?? '', outcome: 'read' }, reads);
        this.inc({ reader: reader ?? '', outcome: 'ignored' }, ignored);
        this.inc({ reader: reader ?? '', outcome: 'refused' }, refused);
      }
    },
  });
  new Gauge({
    name: 'gatehouse_agent_reader_broker_connected',
    help: '1 while the broker is connected at which readers are heard, else 0.',
    labelNames: ['reader'],
    registers: [registry],
    collect() {
      for (const { sourceId, isUp } of sources) this.set({ reader: sourceId }, isUp ? 1 : 0);
    },
  });
}
