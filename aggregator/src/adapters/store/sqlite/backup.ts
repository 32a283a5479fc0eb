/** Copies a database that may be in use into one file, puts such a copy back in the place of a database, and makes a database small. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import sqlite3 from 'sqlite3';
import { StoreError } from '../../../app/ports.js';
import { openConnection } from './connection.js';
import { makeDataDirectory } from './directory.js';
import { storeErrorFrom } from './errors.js';
import { commitLogFile, databaseFile } from './files.js';
import { lockDirectory } from './lock.js';
import { deleteCommitLog } from './commit-log.js';
import { takeOverFrom } from './recover-log.js';
import { hasLog } from './take-over.js';
import type { LogStanding } from './take-over.js';

export interface CopyRequest {
  /** The data directory of the store. */
  readonly directory: string;
  readonly to: string;
  /** Replace what is at `to`. */
  readonly overwrite: boolean;
  /** Looks at the finished copy before it gets its name; what it rejects with ends the backup, and nothing is left. */
  readonly check: (copy: string) => Promise<void>;
}

/**
 * Writes what the database holds at one moment to `to`, readable by this user alone, without the room that deleted rows left. Commits go
 * on meanwhile. `to` is whole or not there: the copy has another name until it is checked and flushed. Rejects with a StoreError
 * or an Error that says what to do.
 */
export async function copyDatabase({ directory, to, overwrite, check }: CopyRequest): Promise<void> {
  const source = join(directory, databaseFile);
  await mustExist(source, `there is no ${source}: name the data directory with --config FILE or GATEHOUSE_DATA_DIR`);
  await checkTarget(directory, to, overwrite);
  const draft = `${to}.partial-${randomBytes(4).toString('hex')}`;
  try {
    await createPrivate(draft, to);
    // First the log, then the tables: what the log has let go of by then, the tables have.
    const log = await copyLog(directory, `${draft}-commits`);
    await writeSnapshot(source, draft);
    if (log !== null) await takeOverInto(draft, log);
    await check(draft);
    await flush(draft);
    await giveName(draft, to, overwrite);
    await flush(dirname(resolve(to)));
  } finally {
    for (const suffix of ['', '-journal', '-commits', '-commits-journal']) {
      await rm(`${draft}${suffix}`, { force: true });
    }
  }
}

export interface ReplaceRequest {
  readonly directory: string;
  readonly from: string;
  /** Names what is kept of the present store, as a moment that can be part of a file name. */
  readonly stamp: string;
  /** Prepares the copy in a directory of its own, where it has the name of a store; what it rejects with ends the restore. */
  readonly prepare: (stagingDirectory: string, file: string) => Promise<void>;
}

/**
 * Puts a copy of `from` in the place of the store, which is kept beside it under a dated name; answers that name, null when there was
 * none. Holds the data directory meanwhile: rejects with a StoreError `in-use` when an aggregator has it. The store that
 * was there stays until the last step, which is one rename.
 */
export async function replaceDatabase({ directory, from, stamp, prepare }: ReplaceRequest): Promise<string | null> {
  await mustExist(from, `there is no ${from}`);
  await makeDataDirectory(directory);
  const lock = await lockDirectory(directory);
  const staging = join(directory, 'restoring');
  try {
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { mode: 0o700 });
    const draft = join(staging, databaseFile);
    await createPrivate(draft, draft);
    await copyFile(from, draft, constants.COPYFILE_FICLONE);
    await prepare(staging, draft);
    await foldLogIn(draft);
    await mustNotExist(`${draft}-wal`, `${draft}-wal: the copy was not closed cleanly`);
    await flush(draft);
    const kept = await keepPresent(directory, stamp);
    await rename(draft, join(directory, databaseFile));
    await flush(directory);
    return kept;
  } catch (error) {
    throw isOfSystem(error) ? storeErrorFrom(error, directory) : error;
  } finally {
    await rm(staging, { recursive: true, force: true });
    await lock.release();
  }
}

export interface CompactRequest {
  readonly directory: string;
  /** Looks at the small copy before it takes the place of the store; what it rejects with leaves the store as it was. */
  readonly check: (copy: string) => Promise<void>;
}

/** Sizes of the database in bytes, before and after. */
export interface Compacted {
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/**
 * Gives the room that deleted rows left in the store back to the disk. Holds the data directory meanwhile: rejects with a StoreError
 * `in-use` when an aggregator has it. The store that was there stays until the last step, which is one rename.
 */
export async function compactDatabase({ directory, check }: CompactRequest): Promise<Compacted> {
  const source = join(directory, databaseFile);
  await mustExist(source, `there is no ${source}: name the data directory with --config FILE or GATEHOUSE_DATA_DIR`);
  const lock = await lockDirectory(directory);
  const draft = join(directory, 'compacting.db');
  try {
    await rm(draft, { force: true });
    await takeLastCommits(directory);
    await foldLogIn(source);
    const beforeBytes = (await stat(source)).size;
    await createPrivate(draft, draft);
    await writeSnapshot(source, draft);
    await check(draft);
    await flush(draft);
    const afterBytes = (await stat(draft)).size;
    // Reading may have made an empty log: one beside the new store would be taken for its own.
    await foldLogIn(source);
    await mustNotExist(`${source}-wal`, `${source}-wal: another program has the store open`);
    await rename(draft, source);
    await flush(directory);
    return { beforeBytes, afterBytes };
  } catch (error) {
    throw isOfSystem(error) ? storeErrorFrom(error, directory) : error;
  } finally {
    for (const suffix of ['', '-journal', '-wal', '-shm']) await rm(`${draft}${suffix}`, { force: true });
    await lock.release();
  }
}

/**
 * Gives the store in `directory` a second name, and leaves no log beside it: it would be taken for that of the copy. A store that is whole
 * takes its logs in; of a damaged one, they are kept beside it.
 */
async function keepPresent(directory: string, stamp: string): Promise<string | null> {
  const present = join(directory, databaseFile);
  if (!(await exists(present))) return null;
  const kept = `${present}.replaced-${stamp}`;
  const commits = join(directory, commitLogFile);
  // Damaged, or of another store: whichever it is, a person can look at it.
  const isTaken = await takeLastCommits(directory).catch(() => false);
  if (!isTaken)
    for (const suffix of ['', '-wal']) await secondNameIfThere(`${commits}${suffix}`, `${kept}-commits${suffix}`);
  await secondName(present, kept);
  // Before SQLite looks at the log: one that it cannot read, it deletes.
  await secondNameIfThere(`${present}-wal`, `${kept}-wal`);
  await foldLogIn(present);
  const log = await stat(`${kept}-wal`).catch(() => null);
  if (log?.size === 0) await rm(`${kept}-wal`);
  await flush(directory);
  for (const suffix of ['-wal', '-shm']) await rm(`${present}${suffix}`, { force: true });
  await deleteCommitLog(commits);
  await flush(directory);
  return kept;
}

/**
 * What an aggregator committed and did not come to write into the tables. Answers whether there is nothing of it left; a log of another
 * store stays as it is. Needs the directory for itself.
 */
async function takeLastCommits(directory: string): Promise<boolean> {
  const log = join(directory, commitLogFile);
  if (!(await hasLog(log))) return true;
  const { isForeign } = await takeOverInto(join(directory, databaseFile), log);
  if (!isForeign) await deleteCommitLog(log);
  return !isForeign;
}

async function takeOverInto(database: string, log: string): Promise<LogStanding> {
  const connection = await openConnection(database, sqlite3.OPEN_READWRITE);
  try {
    await connection.exec('PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
    return await connection.exclusive((session) => takeOverFrom(session, log));
  } finally {
    await connection.close();
  }
}

/** Answers `to`, or null where there is no log: of a store that was stopped, or of an older program. */
async function copyLog(directory: string, to: string): Promise<string | null> {
  const log = join(directory, commitLogFile);
  if (!(await hasLog(log))) return null;
  await createPrivate(to, to);
  try {
    await writeSnapshot(log, to);
    return to;
  } catch (error) {
    // Stopped at this moment: its tables have everything.
    if (!(await exists(log))) return null;
    throw error;
  }
}

/** The last connection that closes takes the log in and deletes it. */
async function foldLogIn(path: string): Promise<void> {
  try {
    const connection = await openConnection(path, sqlite3.OPEN_READWRITE);
    await connection.exec('PRAGMA wal_checkpoint(TRUNCATE)').finally(() => connection.close());
  } catch (error) {
    // Damaged: that may be why it is replaced.
    if (storeErrorFrom(error, path).code !== 'damaged') throw error;
  }
}

async function secondNameIfThere(path: string, name: string): Promise<void> {
  if (await exists(path)) await secondName(path, name);
}

async function secondName(path: string, name: string): Promise<void> {
  try {
    await link(path, name);
  } catch (error) {
    if (!lacksLinks(error)) throw error;
    await copyFile(path, name, constants.COPYFILE_EXCL);
    await flush(name);
  }
}

async function checkTarget(directory: string, to: string, overwrite: boolean): Promise<void> {
  const target = resolve(to);
  if (dirname(target) === resolve(directory) && basename(target).startsWith('gatehouse.')) {
    throw new Error(`${to} is a name that the store itself uses: choose another`);
  }
  const found = await stat(target).catch(() => null);
  if (found?.isDirectory() === true) throw new Error(`${to} is a directory: name a file in it`);
  if (found !== null && !overwrite) throw new Error(`${to} is there already: choose another name, or give --force`);
  await mustExist(dirname(target), `there is no directory ${dirname(target)}`);
}

async function writeSnapshot(source: string, draft: string): Promise<void> {
  const connection = await openConnection(source, sqlite3.OPEN_READONLY);
  try {
    await connection.exec('PRAGMA busy_timeout = 5000');
    await connection.run('VACUUM INTO ?', [draft]);
  } catch (error) {
    // SQLite does not say which of the two files it is.
    const { code, message } = storeErrorFrom(error, draft);
    if (code === 'damaged')
      throw new StoreError('damaged', `${source} cannot be backed up: it is damaged (${message})`);
    throw error instanceof StoreError
      ? new StoreError(code, message.replaceAll(source, draft), { cause: error })
      : error;
  } finally {
    await connection.close();
  }
}

async function createPrivate(path: string, named: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.chmod(0o600);
    await file.close();
  } catch (error) {
    throw storeErrorFrom(error, named);
  }
}

async function giveName(draft: string, to: string, overwrite: boolean): Promise<void> {
  if (overwrite) {
    await rename(draft, to);
    return;
  }
  try {
    // Unlike a rename, this fails when somebody else has taken the name meanwhile.
    await link(draft, to);
  } catch (error) {
    if (!lacksLinks(error)) throw storeErrorFrom(error, to);
    await rename(draft, to);
  }
}

/** What a file operation rejected with, as against what was found to be wrong. */
function isOfSystem(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'syscall' in error;
}

/** Some file systems, FAT above all, have no second names. */
function lacksLinks(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS';
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

async function mustExist(path: string, message: string): Promise<void> {
  if (!(await exists(path))) throw new Error(message);
}

async function mustNotExist(path: string, message: string): Promise<void> {
  if (await exists(path)) throw new Error(message);
}
