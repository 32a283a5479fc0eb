/** Opening the outbox's file: the lock, the version, the check for damage, and setting a damaged file aside. */
import { access, constants, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger, Sha256 } from '@gatehouse/shared/edge';
import { genesisHash } from '@gatehouse/shared/edge';
import { makeDirectory } from '@gatehouse/shared/node';
import { OutboxError } from '../../app/ports.js';
import type { LossCount } from '../../app/ports.js';
import { numberOf, openConnection, textOf } from './connection.js';
import type { Connection, Row } from './connection.js';
import { applicationId, schemaSql, schemaVersion } from './schema.js';

export const databaseName = 'outbox.sqlite';
/** Names the process that has the outbox open. The lock itself is SQLite's and ends with the process, however it ends. */
const holderName = 'outbox.pid';
/** Left behind when a read or write met damage, so that the next start checks the whole file. */
export const suspectName = 'outbox.suspect';

export interface OpenDatabaseOptions {
  readonly directory: string;
  readonly newEpoch: string;
  /** Whether there must be a database already, because its loss counter is there. */
  readonly expected: boolean;
  /** What a new database takes as already accounted for. */
  readonly accountedLoss: LossCount;
  readonly busyTimeoutMs: number;
  /** Files up to this size are checked wholly at every start, larger ones by their ends. */
  readonly maxCheckedBytes: number;
  readonly keptDamagedFiles: number;
  /** Limits the file's size, for tests of a full disk. */
  readonly maxPages: number | undefined;
  readonly clock: Clock;
  readonly sha256: Sha256;
  readonly logger: Logger;
}

interface CheckedDatabase {
  readonly connection: Connection;
  readonly row: Row;
  /** There was no outbox yet. */
  readonly created: boolean;
}

export interface OpenedDatabase {
  readonly connection: Connection;
  readonly row: Row;
  readonly damaged: string | null;
}

export async function openDatabase(options: OpenDatabaseOptions): Promise<OpenedDatabase> {
  const path = join(options.directory, databaseName);
  try {
    const { connection, row, created } = await openAndCheck(path, options);
    return { connection, row, damaged: created && options.expected ? 'the file was missing or empty' : null };
  } catch (error) {
    if (!(error instanceof OutboxError) || error.code !== 'damaged') throw error;
    const aside = await setAside(path, options);
    const damaged = `${error.message}; kept aside as ${aside}`;
    options.logger.error({ aside, problem: error.message }, 'the outbox was damaged; a new one is begun');
    const { connection, row } = await openAndCheck(path, options);
    return { connection, row, damaged };
  }
}

/** @throws OutboxError `unwritable` naming the directory. */
export async function prepareDirectory(directory: string): Promise<void> {
  try {
    await makeDirectory(directory, 0o750);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new OutboxError('unwritable', `the data directory ${directory} cannot be written (${why})`, { cause: error });
  }
}

async function openAndCheck(path: string, options: OpenDatabaseOptions): Promise<CheckedDatabase> {
  const connection = await openConnection(path, options.busyTimeoutMs);
  try {
    await lock(connection, options);
    await checkVersion(connection, path);
    await tune(connection, options);
    const { row, created } = await checkContents(connection, options);
    await writeFile(join(options.directory, holderName), String(process.pid));
    return { connection, row, created };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** With exclusive locking the first access takes the lock and keeps it until the connection, or the process, ends. */
async function lock(connection: Connection, options: OpenDatabaseOptions): Promise<void> {
  try {
    await connection.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;');
  } catch (error) {
    if (!(error instanceof OutboxError) || error.code !== 'in-use') throw error;
    const holder = await readFile(join(options.directory, holderName), 'utf8').catch(() => 'unknown');
    throw new OutboxError('in-use', `the outbox in ${options.directory} is in use by process ${holder}`, {
      cause: error,
    });
  }
}

export async function checkVersion(connection: Connection, path: string): Promise<void> {
  const [row] = await connection.all(
    'SELECT (SELECT user_version FROM pragma_user_version) AS version, (SELECT application_id FROM pragma_application_id) AS application',
  );
  const version = numberOf(row, 'version');
  const application = numberOf(row, 'application');
  if (version > schemaVersion) {
    throw new OutboxError(
      'newer-database',
      `${path} has version ${String(version)}; this program knows up to ${String(schemaVersion)}: install the newer program again`,
    );
  }
  if (application !== 0 && application !== applicationId) {
    throw new OutboxError('newer-database', `${path} is a database of another program`);
  }
}

/** Pages of the log after which a commit itself moves it: of an edge that is cut off, and hears of no acknowledgement. */
const lastResortCheckpointPages = 4_000;

async function tune(connection: Connection, options: OpenDatabaseOptions): Promise<void> {
  await connection.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;
     PRAGMA wal_autocheckpoint = ${String(lastResortCheckpointPages)}; PRAGMA journal_size_limit = 16777216;`,
  );
  if (options.maxPages !== undefined) await connection.exec(`PRAGMA max_page_count = ${String(options.maxPages)}`);
}

async function checkContents(
  connection: Connection,
  options: OpenDatabaseOptions,
): Promise<Omit<CheckedDatabase, 'connection'>> {
  const [tables] = await connection.all("SELECT count(*) AS tables FROM sqlite_schema WHERE name = 'outbox'");
  const created = numberOf(tables, 'tables') === 0;
  if (created) await create(connection, options);
  await checkPages(connection, options);
  const [row] = await connection.all(
    `SELECT outbox.*, (SELECT min(seq) FROM event) AS first, (SELECT max(seq) FROM event) AS last,
      (SELECT hash FROM event ORDER BY seq DESC LIMIT 1) AS hash_of_last FROM outbox WHERE id = 1`,
  );
  const oldest = numberOf(row, 'oldest');
  const next = numberOf(row, 'next');
  const empty = oldest === next;
  const agrees = empty
    ? row?.last === null && textOf(row, 'base_hash') === textOf(row, 'last_hash')
    : row?.first === oldest && row.last === next - 1 && row.hash_of_last === textOf(row, 'last_hash');
  if (row === undefined || !agrees) throw new OutboxError('damaged', 'the events and the head of the outbox disagree');
  return { row, created };
}

async function create(connection: Connection, options: OpenDatabaseOptions): Promise<void> {
  const { newEpoch, accountedLoss } = options;
  const genesis = genesisHash(options.sha256, newEpoch);
  const losses = [accountedLoss.events, accountedLoss.entries, accountedLoss.exits].map(String).join(', ');
  try {
    await connection.exec(
      `BEGIN; ${schemaSql} INSERT INTO outbox VALUES (1, '${newEpoch}', 1, '${genesis}', 1, '${genesis}', 0, 0, ${losses}); COMMIT;`,
    );
  } catch (error) {
    // The transaction may or may not still be open; closing the connection ends it either way.
    throw error instanceof OutboxError && error.code === 'io'
      ? new OutboxError('damaged', `the tables cannot be made: ${error.message}`, { cause: error })
      : error;
  }
}

async function checkPages(connection: Connection, options: OpenDatabaseOptions): Promise<void> {
  const suspect = join(options.directory, suspectName);
  const suspected = await stat(suspect).then(
    () => true,
    () => false,
  );
  const { size } = await stat(join(options.directory, databaseName));
  if (!suspected && size > options.maxCheckedBytes) return;
  const [row] = await connection.all('PRAGMA quick_check(1)');
  const verdict = textOf(row, 'quick_check');
  if (verdict !== 'ok') throw new OutboxError('damaged', `the file is damaged (${verdict.slice(0, 120)})`);
  await rm(suspect, { force: true });
}

/** Renames the damaged files with the time; keeps the newest few. Answers the new name. */
async function setAside(path: string, options: OpenDatabaseOptions): Promise<string> {
  const stamp = new Date(options.clock.wallMs()).toISOString().replace(/[:.]/g, '-');
  const prefix = `${databaseName}.damaged-`;
  const kept = (await readdir(options.directory)).filter((name) => /\.damaged-[^.]*Z$/.test(name)).sort();
  for (const name of kept.slice(0, Math.max(0, kept.length - options.keptDamagedFiles + 1))) {
    for (const suffix of ['', '-wal']) await rm(join(options.directory, name + suffix), { force: true });
  }
  await rename(path, join(options.directory, `${prefix}${stamp}`));
  await rename(`${path}-wal`, join(options.directory, `${prefix}${stamp}-wal`)).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
  await rm(`${path}-shm`, { force: true });
  await rm(join(options.directory, suspectName), { force: true });
  return `${prefix}${stamp}`;
}
