/** SQLite's error codes as the store's, with what a person should look at. */
import { messageOf } from '@gatehouse/shared';
import { StoreError } from '../../../app/ports.js';
import type { StoreErrorCode } from '../../../app/ports.js';

const codes: Readonly<Record<string, StoreErrorCode>> = {
  SQLITE_CONSTRAINT: 'constraint',
  SQLITE_MISMATCH: 'constraint',
  SQLITE_TOOBIG: 'constraint',
  SQLITE_FULL: 'full',
  SQLITE_CORRUPT: 'damaged',
  SQLITE_NOTADB: 'damaged',
  SQLITE_READONLY: 'unwritable',
  SQLITE_CANTOPEN: 'unwritable',
  SQLITE_PERM: 'unwritable',
  SQLITE_AUTH: 'unwritable',
  SQLITE_BUSY: 'in-use',
  SQLITE_LOCKED: 'in-use',
  SQLITE_MISUSE: 'closed',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EACCES: 'unwritable',
  EPERM: 'unwritable',
  EROFS: 'unwritable',
  ENOENT: 'unwritable',
  ENOTDIR: 'unwritable',
  EEXIST: 'unwritable',
  EISDIR: 'unwritable',
};

const advice: Readonly<Record<StoreErrorCode, (path: string) => string>> = {
  'newer-database': (path) => `${path} was made by a newer version`,
  'in-use': (path) => `${path} is in use by another program`,
  unwritable: (path) =>
    `cannot write ${path}: it must be a directory, and files in it must belong to the user this program runs as, on a file system that is not read-only`,
  damaged: (path) => `${path} is damaged or is not a database: put it aside and restore the latest backup`,
  full: (path) => `no room is left for ${path}: free space on that disk`,
  constraint: (path) => `a row breaks a rule of ${path}`,
  io: (path) => `reading or writing ${path} failed: look at the disk and its log`,
  closed: (path) => `${path} is closed`,
};

/** Any failure of a file operation or of a statement as a StoreError that names `path`. */
export function storeErrorFrom(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = codes[codeOf(error)] ?? 'io';
  return new StoreError(code, `${advice[code](path)} (${messageOf(error)})`, { cause: error });
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
