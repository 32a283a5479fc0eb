/** How much room there is where everything is kept, and how much of it the store takes. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readVolume } from '@gatehouse/shared/node';
import type { StorageReading } from '../app/ports.js';
import { commitLogFile, databaseFile, writeAheadFiles } from './store/sqlite/index.js';
import type { SqliteStore } from './store/sqlite/index.js';

/** The store is asked for what only it can see: nobody else may open the files of a running one. */
export async function readStorage(directory: string, store: Pick<SqliteStore, 'reading'>): Promise<StorageReading> {
  const [volume, { freeBytes, behindMs }, databaseBytes, ...logs] = await Promise.all([
    readVolume(directory),
    store.reading(),
    sizeOf(join(directory, databaseFile)),
    ...[commitLogFile, ...writeAheadFiles].map((name) => sizeOf(join(directory, name))),
  ]);
  const storeLogBytes = logs.reduce((sum, bytes) => sum + bytes, 0);
  return {
    volumeFreeBytes: volume.freeBytes,
    volumeSizeBytes: volume.sizeBytes,
    storeBytes: databaseBytes + storeLogBytes,
    storeLogBytes,
    storeFreeBytes: freeBytes,
    storeBehindMs: behindMs,
  };
}

/** 0 for a file that is not there: logs come and go. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
