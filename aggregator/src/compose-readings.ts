/** What metrics tell of the machine: the data directory, and the certificates that were read at the start. */
import { readFileSync } from 'node:fs';
import type { Logger } from '@gatehouse/shared';
import { certificateEndSeconds, createReading, systemClock } from '@gatehouse/shared/node';
import { readStorage } from './adapters/storage-reading.js';
import type { SqliteStore } from './adapters/store/sqlite/index.js';
import type { Configuration } from './configuration.js';
import type { MachineReadings } from './http/metrics-machine.js';

/** Call when the listeners are up: their files have been found good by then. */
export function machineReadings(
  configuration: Configuration,
  { dataDir, store, logger }: { readonly dataDir: string; readonly store: SqliteStore; readonly logger: Logger },
): MachineReadings {
  const { http, mqtt, externalBroker } = configuration;
  const shown = [
    { listener: 'http' as const, certFile: http.tls?.certFile },
    { listener: 'mqtt' as const, certFile: externalBroker === null ? mqtt.tls?.certFile : undefined },
  ];
  return {
    storage: createReading('the data directory', () => readStorage(dataDir, store), {
      clock: systemClock,
      logger,
    }),
    certificates: shown.flatMap(({ listener, certFile }) =>
      certFile === undefined ? [] : [{ listener, endSeconds: certificateEndSeconds(readFileSync(certFile)) }],
    ),
  };
}
