/** The two databases of a store, opened, and what goes on between them. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '@gatehouse/shared';
import { StoreError } from '../../../app/ports.js';
import type { StoredState } from '../../../app/ports.js';
import { currentLayout, membersOf } from './change-texts.js';
import { createCheckpoints } from './checkpoints.js';
import type { Checkpoints } from './checkpoints.js';
import { createCommitLog, deleteCommitLog } from './commit-log.js';
import type { CommitLog } from './commit-log.js';
import { openConnection } from './connection.js';
import type { Connection } from './connection.js';
import { makeDatabaseFile, makeDataDirectory } from './directory.js';
import { storeErrorFrom } from './errors.js';
import { commitLogFile } from './files.js';
import { readState } from './load.js';
import { lockDirectory } from './lock.js';
import type { DirectoryLock } from './lock.js';
import { checkOwner, databaseVersion, migrate } from './migrations.js';
import { recoverLog } from './recover-log.js';
import { createTableWriter } from './table-writer.js';
import type { TableWriter, TableWriterBounds } from './table-writer.js';
import { attachLog, beginTakingOver, takeOver } from './take-over.js';
import { createWaitingRows } from './waiting-rows.js';
import type { WaitingRows } from './waiting-rows.js';

export interface SqliteStoreOptions {
  /** Made if it is not there; its parents too. */
  readonly directory: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Refuse to let one of the two files grow beyond this many pages of 4 KiB, with the code `full`. */
  readonly maxDatabasePages?: number;
  /** A database up to this size is checked wholly when it is opened; a larger one shows damage where it is read. Default 512 MiB. */
  readonly maxCheckedBytes?: number;
  /** When the tables follow the log, and how far behind they may be. */
  readonly following?: TableWriterBounds;
}

/** Each connection holds one of Node's four threads at a time, so that a commit finds one free, or waits for a lookup by key. */
export interface OpenStore {
  readonly lock: DirectoryLock;
  readonly log: CommitLog;
  /** Writes the tables. */
  readonly writer: Connection;
  /** Lookups by key, which ingest waits for. */
  readonly lookups: Connection;
  /** Lists, loading and checkpoints, which may take long. */
  readonly lists: Connection;
  readonly tables: TableWriter;
  readonly waiting: WaitingRows;
  readonly checkpoints: Checkpoints;
  /** Number of the newest commit. */
  committed: number;
}

/** What the tables write for what they take over, about, by what it weighs in the log. */
const writtenByTaken = 4;
const members = membersOf(currentLayout);
/** Takes about a second. */
const defaultMaxCheckedBytes = 512 * 1024 * 1024;

/** Takes the directory, and brings what is in it to this version. Rejects with a StoreError. */
export async function openStore(directory: string, path: string, options: SqliteStoreOptions): Promise<OpenStore> {
  const { maxDatabasePages: maxPages, maxCheckedBytes = defaultMaxCheckedBytes, logger } = options;
  const logPath = join(directory, commitLogFile);
  await makeDataDirectory(directory);
  const lock = await lockDirectory(directory);
  const connections: Connection[] = [];
  const connect = async (setup: string): Promise<Connection> => {
    const connection = await openConnection(path);
    connections.push(connection);
    await connection.exec(setup);
    return connection;
  };
  try {
    await makeDatabaseFile(path);
    // FULL: the log lets go of what was taken over, which must survive a power cut then.
    const writer = await connect(
      `PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
       PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0`,
    );
    // Every page is looked at once: kept, they would be memory that nobody needs.
    await checkPages(writer, path, maxCheckedBytes);
    // A run of commits changes so many pages that it would be written twice where memory has no room for them.
    await writer.exec('PRAGMA cache_size = -16384');
    await checkOwner(writer, path);
    // Before anything is migrated: commits of an older program go into the tables that it knew.
    await recoverLog(writer, logPath, options);
    await migrate(writer, path, (found) => {
      const detail = { path, from: found, to: databaseVersion };
      logger.info(detail, 'the store is brought to the version of this program, which may take minutes');
    });
    if (maxPages !== undefined) await writer.exec(`PRAGMA max_page_count = ${String(maxPages)}`);
    const log = await beginLog(writer, logPath, maxPages);
    connections.push(log.connection);
    const reading = 'PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA temp_store = MEMORY';
    const lookups = await connect(reading);
    const lists = await connect(reading);
    return {
      lock,
      log,
      writer,
      lookups,
      lists,
      committed: 0,
      ...follow({ log, writer, lists }, path, options),
    };
  } catch (error) {
    for (const connection of connections) await connection.close();
    await lock.release();
    throw storeErrorFrom(error, path);
  }
}

/** Makes a log that the tables follow from its first commit on. */
async function beginLog(writer: Connection, logPath: string, maxPages: number | undefined): Promise<CommitLog> {
  const logId = randomBytes(16).toString('hex');
  const log = await createCommitLog(logPath, logId, maxPages);
  try {
    await writer.run('UPDATE commitPosition SET logId = ?, number = 0', [logId]);
    await attachLog(writer, logPath);
    await beginTakingOver(writer, currentLayout);
    return log;
  } catch (error) {
    await log.connection.close();
    throw error;
  }
}

type Following = Pick<OpenStore, 'tables' | 'waiting' | 'checkpoints'>;

function follow(
  { log, writer, lists }: Pick<OpenStore, 'log' | 'writer' | 'lists'>,
  path: string,
  { logger, clock, following }: SqliteStoreOptions,
): Following {
  const waiting = createWaitingRows();
  const checkpoints = createCheckpoints({
    writer,
    beside: lists,
    logBytes: async () => (await stat(`${path}-wal`)).size,
    path,
    logger,
  });
  const tables = createTableWriter({
    async takeOver(after, upTo) {
      await takeOver(writer, members, after, upTo);
      // The tables have them, whatever becomes of the log.
      await log.shorten(writer).catch((error: unknown) => {
        logger.warn({ err: error }, 'the write-ahead log of the log of commits could not be moved');
      });
    },
    onTakenOver(takenOver, bytes) {
      waiting.forget(takenOver);
      checkpoints.onWritten(bytes * writtenByTaken);
    },
    monoMs: () => clock.monoMs(),
    path,
    logger,
    ...(following === undefined ? {} : { bounds: following }),
  });
  return { tables, waiting, checkpoints };
}

/** Everything that is kept in memory as it will be when the tables have followed, of which nothing is written. */
export async function loadAhead({ writer, tables, committed }: OpenStore): Promise<StoredState> {
  return writer.exclusive(async (session) => {
    await session.exec('BEGIN');
    try {
      await takeOver(session, members, tables.takenOver, committed);
      return await readState(session);
    } finally {
      await session.exec('ROLLBACK');
    }
  });
}

/** History that is damaged would be noticed when somebody asks for it, long after the last good backup has been replaced. */
async function checkPages(connection: Connection, path: string, maxBytes: number): Promise<void> {
  const [size] = await connection.all(
    'SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS bytes',
  );
  if (Number(size?.bytes) > maxBytes) return;
  const [row] = await connection.all('PRAGMA quick_check(1)');
  if (row?.quick_check === 'ok') return;
  throw new StoreError(
    'damaged',
    `${path} is damaged: put it aside and restore the latest backup (${String(row?.quick_check).slice(0, 120)})`,
  );
}

/** A log that the tables have all of is deleted; any other is taken over at the next start. */
export async function closeStore(opened: OpenStore, directory: string): Promise<void> {
  const { lock, log, writer, lookups, lists, tables } = opened;
  try {
    const isWhole = await tables.catchUp().then(
      () => true,
      () => false,
    );
    await tables.stop();
    await lookups.close();
    await lists.close();
    await writer.close();
    await log.connection.close();
    if (isWhole && tables.takenOver === opened.committed) await deleteCommitLog(join(directory, commitLogFile));
  } finally {
    await lock.release();
  }
}
