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

describe('a reading of the data directory', () => {
  it('tells the volume, and what the database takes with its log', async () => {
    const volume = await statfs(directory);
    const noneFree = (): Promise<number> => Promise.resolve(0);
    expect(await readStorage(directory, noneFree)).toMatchObject({
      volumeSizeBytes: volume.blocks * volume.bsize,
      storeBytes: 0,
    });
    await writeFile(join(directory, 'gatehouse.db'), 'x'.repeat(5_000));
    await writeFile(join(directory, 'gatehouse.db-wal'), 'x'.repeat(300));
    const reading = await readStorage(directory, () => Promise.resolve(4_096));
    const { volumeFreeBytes, volumeSizeBytes } = reading;
    expect(reading).toMatchObject({ storeBytes: 5_300, storeLogBytes: 300, storeFreeBytes: 4_096 });
    expect(volumeFreeBytes).toBeGreaterThan(0);
    expect(volumeFreeBytes).toBeLessThanOrEqual(volumeSizeBytes);
  });

  it('fails when there is no directory', async () => {
    await expect(readStorage(join(directory, 'none'), () => Promise.resolve(0))).rejects.toThrow('ENOENT');
  });
});
