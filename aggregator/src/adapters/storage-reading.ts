/** How much room there is where everything is kept, and how much of it the store takes. */
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '@gatehouse/shared';
import type { StorageReading } from '../app/ports.js';
import { databaseFiles } from './store/sqlite/index.js';

/** A volume that does not answer in this time is not waited for. */
const timeoutMs = 2_000;

/**
 * Reads a data directory. Calls that come together share one answer, and while a reading hangs none is begun beside it. Answers null,
 * and logs why, when it fails or takes longer than 2 s.
 */
export function createStorageReader(ports: {
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: the file system. */
  readonly read?: (directory: string) => Promise<StorageReading>;
}): () => Promise<StorageReading | null> {
  const { directory, clock, logger, read = readDirectory } = ports;
  let reading: Promise<StorageReading | null> | null = null;
  let answer: Promise<StorageReading | null> | null = null;

  const begin = (): Promise<StorageReading | null> =>
    read(directory)
      .catch((error: unknown) => {
        logger.warn({ err: error, directory }, 'the data directory cannot be measured');
        return null;
      })
      .finally(() => {
        reading = null;
      });

  const readInTime = (): Promise<StorageReading | null> =>
    new Promise((resolve) => {
      const giveUp = clock.setTimer(timeoutMs, () => {
        logger.warn({ directory, timeoutMs }, 'the data directory does not answer');
        resolve(null);
      });
      reading ??= begin();
      void reading.then((found) => {
        giveUp();
        resolve(found);
      });
    });

  return () =>
    (answer ??= readInTime().finally(() => {
      answer = null;
    }));
}

async function readDirectory(directory: string): Promise<StorageReading> {
  const [volume, ...sizes] = await Promise.all([
    statfs(directory),
    ...databaseFiles.map((name) => sizeOf(join(directory, name))),
  ]);
  return {
    volumeFreeBytes: volume.bavail * volume.bsize,
    volumeSizeBytes: volume.blocks * volume.bsize,
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
