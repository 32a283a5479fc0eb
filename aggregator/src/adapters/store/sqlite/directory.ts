/** Makes the data directory, for this user alone. */
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
