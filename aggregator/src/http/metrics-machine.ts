/** Metrics of what the program stands on: the volume of its data directory, its store, its certificates. */
import type { Reading } from '@gatehouse/shared/node';
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { StorageReading } from '../app/ports.js';

export interface MachineReadings {
  readonly storage: Reading<StorageReading>;
  /** Of the certificates that listeners show. */
  readonly certificates: readonly { readonly listener: 'http' | 'mqtt'; readonly endSeconds: number }[];
}

/** Registers them, as they were read last; answers how to read them again. Call once. */
export function defineMachine(registry: Registry, readings: MachineReadings): () => Promise<void> {
  let last: StorageReading | undefined;
  const registers = [registry];
  const gauge = (name: string, help: string, read: (reading: StorageReading) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        if (last === undefined) this.remove();
        else this.set(read(last));
      },
    });
  };
  gauge(
    'gatehouse_data_volume_free_bytes',
    'Room that is left for the program on the volume of its data directory.',
    (reading) => reading.volumeFreeBytes,
  );
  gauge(
    'gatehouse_data_volume_size_bytes',
    'Size of the volume of the data directory.',
    (reading) => reading.volumeSizeBytes,
  );
  gauge('gatehouse_store_bytes', 'Size of the database and its logs.', (reading) => reading.storeBytes);
  gauge(
    'gatehouse_store_log_bytes',
    'Size of the logs of what is not in the database yet.',
    (reading) => reading.storeLogBytes,
  );
  gauge(
    'gatehouse_store_free_bytes',
    'Room in the database that deleted rows left: it is written again before the database grows.',
    (reading) => reading.storeFreeBytes,
  );
  gauge(
    'gatehouse_store_behind_seconds',
    'Since when the oldest commit waits that is safe in the log and not in the tables yet.',
    (reading) => reading.storeBehindMs / 1000,
  );
  defineCertificates(registry, readings.certificates);
  return async () => {
    last = await readings.storage();
  };
}

function defineCertificates(registry: Registry, certificates: MachineReadings['certificates']): void {
  if (certificates.length === 0) return;
  const expiry = new Gauge({
    name: 'gatehouse_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that the listener shows expires.',
    labelNames: ['listener'],
    registers: [registry],
  });
  for (const { listener, endSeconds } of certificates) expiry.set({ listener }, endSeconds);
}
