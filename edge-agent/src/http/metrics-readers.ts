/** Metrics of the readers that send over HTTP, camera by camera. */
import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

/** By the name of a camera; null stands for requests that name none. */
export type ReaderCounts = ReadonlyMap<
  string | null,
  { readonly reads: number; readonly ignored: number; readonly refused: number }
>;

export function defineReaders(registry: Registry, counts: ReaderCounts): void {
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
}
