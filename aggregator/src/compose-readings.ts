/** What metrics tell of the machine: the data directory, and the certificates that were read at the start. */
import { readFileSync } from 'node:fs';
import type { Logger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { createStorageReader } from './adapters/storage-reading.js';
import { certificateExpiryMs } from './adapters/tls-pair.js';
import type { Configuration } from './configuration.js';
import type { MachineReadings } from './http/metrics-machine.js';

/** Call when the listeners are up: their files have been found good by then. */
export function machineReadings(configuration: Configuration, dataDir: string, logger: Logger): MachineReadings {
  const { http, mqtt, externalBroker } = configuration;
  const shown = [
    { listener: 'http' as const, certFile: http.tls?.certFile },
    { listener: 'mqtt' as const, certFile: externalBroker === null ? mqtt.tls?.certFile : undefined },
  ];
  return {
    storage: createStorageReader({ directory: dataDir, clock: systemClock, logger }),
    certificates: shown.flatMap(({ listener, certFile }) =>
      certFile === undefined ? [] : [{ listener, expiresAtMs: certificateExpiryMs(readFileSync(certFile)) }],
    ),
  };
}
