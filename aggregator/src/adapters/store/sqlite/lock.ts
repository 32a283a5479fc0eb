/**
 * One process a data directory. The lock is SQLite's own exclusive lock on a small database beside the data: the operating
 * system lets go of it when the process ends, however it ends. The file with the process id only serves the message.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../../../app/ports.js';
import { openConnection } from './connection.js';
import { storeErrorFrom } from './errors.js';

export interface DirectoryLock {
  /** May be called twice. */
  release(): Promise<void>;
}

/** Rejects with `in-use`, naming the other process, or `unwritable`. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const processIdFile = join(directory, 'gatehouse.pid');
  const connection = await openConnection(join(directory, 'gatehouse.lock'));
  try {
    await connection.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (error) {
    await connection.close();
    if (error instanceof StoreError && error.code === 'in-use') {
      throw new StoreError('in-use', await describeHolder(directory, processIdFile), { cause: error });
    }
    throw error;
  }
  try {
    await writeFile(processIdFile, `${String(process.pid)}\n`);
  } catch (error) {
    await connection.close();
    throw storeErrorFrom(error, processIdFile);
  }
  return {
    async release() {
      await rm(processIdFile, { force: true });
      await connection.close();
    },
  };
}

async function describeHolder(directory: string, processIdFile: string): Promise<string> {
  const text = await readFile(processIdFile, 'utf8').catch(() => '');
  const holder = /^\d+$/.test(text.trim()) ? `process ${text.trim()}` : 'another process';
  return `${directory} is in use by ${holder}: stop it, or give this one a data directory of its own`;
}
