/** How much room there is where everything is kept, and how much of it the store takes. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readVolume } from '@gatehouse/shared/node';
import type { StorageReading } from '../app/ports.js';
import { databaseFiles } from './store/sqlite/index.js';

export async function readStorage(directory: string): Promise<StorageReading> {
  const [volume, ...sizes] = await Promise.all([
    readVolume(directory),
    ...databaseFiles.map((name) => sizeOf(join(directory, name))),
  ]);
  return {
    volumeFreeBytes: volume.freeBytes,
    volumeSizeBytes: volume.sizeBytes,
    storeBytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
  };
}

/** 0 for a file that is not there: the log comes and goes. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
