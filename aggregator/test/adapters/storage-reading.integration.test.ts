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
    expect(await readStorage(directory)).toMatchObject({
      volumeSizeBytes: volume.blocks * volume.bsize,
      storeBytes: 0,
    });
    await writeFile(join(directory, 'gatehouse.db'), 'x'.repeat(5_000));
    await writeFile(join(directory, 'gatehouse.db-wal'), 'x'.repeat(300));
    const { storeBytes, volumeFreeBytes, volumeSizeBytes } = await readStorage(directory);
    expect(storeBytes).toBe(5_300);
    expect(volumeFreeBytes).toBeGreaterThan(0);
    expect(volumeFreeBytes).toBeLessThanOrEqual(volumeSizeBytes);
  });

  it('fails when there is no directory', async () => {
    await expect(readStorage(join(directory, 'none'))).rejects.toThrow('ENOENT');
  });
});
