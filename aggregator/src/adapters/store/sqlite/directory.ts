/** Makes the data directory and the database in it, for this user alone. */
import { open } from 'node:fs/promises';
import { makeDirectory } from '@gatehouse/shared/node';
import { storeErrorFrom } from './errors.js';

/** Rejects with a StoreError `unwritable` that names what is in the way. */
export async function makeDataDirectory(path: string): Promise<void> {
  try {
    await makeDirectory(path, 0o700);
  } catch (error) {
    throw storeErrorFrom(error, path);
  }
}

/**
 * Makes an empty file at `path`, which SQLite takes for a new database and gives its log the same mode; leaves one that is there as it is.
 * Rejects with a StoreError.
 */
export async function makeDatabaseFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'ax', 0o600);
    await file.close();
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return;
    throw storeErrorFrom(error, path);
  }
}
