/** Makes directories. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes `path` and what is missing above it, with `mode` (before the umask). Node's own recursive mkdir never ends where a parent
 * exists and refuses children with ENOENT, as /proc does; this goes up once and down once.
 * Rejects with Node's error: `code` says why, `path` where. A file in the way is ENOTDIR.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const missing: string[] = [];
  let at = resolve(path);
  while (!(await isDirectory(at))) {
    missing.push(at);
    at = dirname(at);
  }
  for (const directory of missing.reverse()) await mkdir(directory, { mode });
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
  throw Object.assign(new Error(`${path} is a file and must be a directory`), { code: 'ENOTDIR', path });
}
