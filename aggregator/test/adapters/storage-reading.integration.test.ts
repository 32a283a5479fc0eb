import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readStorage } from '../../src/adapters/storage-reading.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-storage-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const store = (freeBytes: number, behindMs: number) => ({ reading: () => Promise.resolve({ freeBytes, behindMs }) });

describe('a reading of the data directory', () => {
  it('tells the volume, and what the database takes with its log', async () => {
    const volume = await statfs(directory);
    expect(await readStorage(directory, store(0, 0))).toMatchObject({
      volumeSizeBytes: volume.blocks * volume.bsize,
      storeBytes: 0,
    });
    await writeFile(join(directory, 'gatehouse.db'), 'x'.repeat(5_000));
    await writeFile(join(directory, 'gatehouse.db-wal'), 'x'.repeat(300));
    await writeFile(join(directory, 'gatehouse.commits.db'), 'x'.repeat(20));
    await writeFile(join(directory, 'gatehouse.commits.db-wal'), 'x'.repeat(1));
    const reading = await readStorage(directory, store(4_096, 7));
    const { volumeFreeBytes, volumeSizeBytes } = reading;
    expect(reading).toMatchObject({ storeBytes: 5_321, storeLogBytes: 321, storeFreeBytes: 4_096, storeBehindMs: 7 });
    expect(volumeFreeBytes).toBeGreaterThan(0);
    expect(volumeFreeBytes).toBeLessThanOrEqual(volumeSizeBytes);
  });

  it('fails when there is no directory', async () => {
    await expect(readStorage(join(directory, 'none'), store(0, 0))).rejects.toThrow('ENOENT');
  });
});
