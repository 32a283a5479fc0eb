import { describe, expect, it } from '@jest/globals';
import type { StorageReading } from '../../src/app/ports.js';
import { createMetrics } from '../../src/http/metrics.js';
import { renderedText } from './rendered-text.js';

const told = async (metrics: ReturnType<typeof createMetrics>): Promise<string[]> =>
  (await renderedText(metrics))
    .split('\n')
    .filter((line) => /^gatehouse_(data|store_\w*(bytes|behind)|cert)/.test(line));

describe('the metrics of the machine', () => {
  const reading: StorageReading = {
    volumeFreeBytes: 3,
    volumeSizeBytes: 4,
    storeBytes: 1,
    storeLogBytes: 5,
    storeFreeBytes: 6,
    storeBehindMs: 250,
  };

  it('tell the volume, the store and the certificates', async () => {
    const metrics = createMetrics({ version: '1', processMetrics: false });
    metrics.attachMachine({
      storage: async () => Promise.resolve(reading),
      certificates: [
        { listener: 'http', endSeconds: Date.UTC(2030, 0, 1) / 1000 },
        { listener: 'mqtt', endSeconds: Date.UTC(2031, 0, 1) / 1000 },
      ],
    });
    expect(await told(metrics)).toEqual([
      'gatehouse_data_volume_free_bytes 3',
      'gatehouse_data_volume_size_bytes 4',
      'gatehouse_store_bytes 1',
      'gatehouse_store_log_bytes 5',
      'gatehouse_store_free_bytes 6',
      'gatehouse_store_behind_seconds 0.25',
      'gatehouse_certificate_expiry_timestamp_seconds{listener="http"} 1893456000',
      'gatehouse_certificate_expiry_timestamp_seconds{listener="mqtt"} 1924992000',
    ]);
  });

  it('tell nothing of a volume that cannot be read, and again when it can', async () => {
    const metrics = createMetrics({ version: '1', processMetrics: false });
    let now: StorageReading | undefined;
    metrics.attachMachine({ storage: async () => Promise.resolve(now), certificates: [] });
    expect(await told(metrics)).toEqual([]);
    now = reading;
    expect(await told(metrics)).toHaveLength(6);
    now = undefined;
    expect(await told(metrics)).toEqual([]);
  });

  it('are not there where nobody reads them', async () => {
    expect(await told(createMetrics({ version: '1', processMetrics: false }))).toEqual([]);
  });
});
