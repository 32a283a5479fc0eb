import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createVirtualClock, silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createStorageReader } from '../../src/adapters/storage-reading.js';
import { certificateExpiryMs } from '../../src/adapters/tls-pair.js';
import type { StorageReading } from '../../src/app/ports.js';
import { settle } from '../app/support.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-storage-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('a reading of the data directory', () => {
  it('tells the volume, and what the database takes with its log', async () => {
    const read = createStorageReader({ directory, clock: systemClock, logger: silentLogger });
    const volume = await statfs(directory);
    expect(await read()).toMatchObject({ volumeSizeBytes: volume.blocks * volume.bsize, storeBytes: 0 });
    await writeFile(join(directory, 'gatehouse.db'), 'x'.repeat(5_000));
    await writeFile(join(directory, 'gatehouse.db-wal'), 'x'.repeat(300));
    const reading = await read();
    expect(reading?.storeBytes).toBe(5_300);
    expect(reading?.volumeFreeBytes).toBeGreaterThan(0);
    expect(reading?.volumeFreeBytes).toBeLessThanOrEqual(reading?.volumeSizeBytes ?? 0);
  });

  it('is null, and logged, when there is no directory', async () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, warn: (_: unknown, message: string) => lines.push(message) };
    const read = createStorageReader({ directory: join(directory, 'none'), clock: systemClock, logger });
    expect(await read()).toBeNull();
    expect(lines).toEqual(['the data directory cannot be measured']);
  });

  it('is shared by those who ask together, and given up after two seconds; one that hangs is not begun again', async () => {
    const clock = createVirtualClock({ wallMs: 0, monoMs: 0 });
    const asked: ((reading: StorageReading) => void)[] = [];
    const read = createStorageReader({
      directory,
      clock,
      logger: silentLogger,
      read: async () => new Promise((resolve) => asked.push(resolve)),
    });
    const answers = [read(), read(), read()];
    await clock.advanceSettled(2_000, settle);
    expect(await Promise.all(answers)).toEqual([null, null, null]);
    const late = read();
    expect(asked).toHaveLength(1);
    const found = { volumeFreeBytes: 1, volumeSizeBytes: 2, storeBytes: 3 };
    asked[0]?.(found);
    expect(await late).toEqual(found);
    const next = read();
    expect(asked).toHaveLength(2);
    asked[1]?.(found);
    expect(await next).toEqual(found);
  });
});

describe('the expiry of a certificate', () => {
  it('is that of the first one in the file', async () => {
    const make = async (name: string, days: number): Promise<Buffer> => {
      const file = join(directory, `${name}.crt`);
      await promisify(execFile)('openssl', [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
        ...['-days', String(days), '-keyout', join(directory, `${name}.key`), '-out', file, '-subj', `/CN=${name}`],
      ]);
      return readFile(file);
    };
    const [leaf, issuer] = [await make('leaf', 10), await make('issuer', 1_000)];
    const days = (pem: Buffer): number => (certificateExpiryMs(pem) - Date.now()) / 86_400_000;
    expect(days(leaf)).toBeCloseTo(10, 1);
    expect(certificateExpiryMs(Buffer.concat([leaf, issuer]))).toBe(certificateExpiryMs(leaf));
    expect(days(issuer)).toBeCloseTo(1_000, 1);
    expect(() => certificateExpiryMs(Buffer.from('none'))).toThrow();
  });
});
