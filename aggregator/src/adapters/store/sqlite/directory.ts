/** Makes the data directory. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StoreError } from '../../../app/ports.js';
import { storeErrorFrom } from './errors.js';

/**
 * Makes `path` and what is missing above it, for this user alone. Node's own recursive mkdir never ends where a parent exists and
 * refuses children with ENOENT, as /proc does; this goes up once and down once.
 */
export async function makeDirectory(path: string): Promise<void> {
  const missing: string[] = [];
  let at = resolve(path);
  while (!(await exists(at, path))) {
    missing.push(at);
    at = dirname(at);
  }
  for (const directory of missing.reverse()) {
    await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
      throw storeErrorFrom(error, directory);
    });
  }
}

async function exists(at: string, wanted: string): Promise<boolean> {
  try {
    if ((await stat(at)).isDirectory()) return true;
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return false;
    throw storeErrorFrom(error, wanted);
  }
  throw new StoreError('unwritable', `cannot write ${wanted}: ${at} is a file and must be a directory`);
}
