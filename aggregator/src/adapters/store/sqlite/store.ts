/**
 * The store on disk: a log of commits, and behind it the tables, one SQLite database each in the data directory. A commit is answered
 * when it is in the log. Whatever is asked of the tables waits until they have what was committed before.
 */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '@gatehouse/shared';
import { StoreError } from '../../../app/ports.js';
import type { AggregatorStore, AuditRow, Page, StoredState } from '../../../app/ports.js';
import { encodeCursor } from '../cursors.js';
import type { CursorPart, ListName } from '../cursors.js';
import { auditPlace, eventPlace, maxPageRows, quarantinePlace, reviewPlace, sessionPlace } from '../lists.js';
import { oldAuditOf } from '../pruning.js';
import { tableOf } from '../tables.js';
import type { RowOf, RowTable } from '../tables.js';
import { createCheckpoints, logLimits, tableLimits } from './checkpoints.js';
import type { Checkpoints } from './checkpoints.js';
import { checkCredentialTexts, textKey } from '../constraints.js';
import { currentLayout, membersOf, textsOf } from './change-texts.js';
import { createCommitLog, deleteCommitLog } from './commit-log.js';
import type { CommitLog } from './commit-log.js';
import { openConnection } from './connection.js';
import type { Connection, Parameter, Session } from './connection.js';
import { makeDatabaseFile, makeDataDirectory } from './directory.js';
import { storeErrorFrom } from './errors.js';
import { commitLogFile, databaseFile } from './files.js';
import { loadState, readState } from './load.js';
import { lockDirectory } from './lock.js';
import type { DirectoryLock } from './lock.js';
import { checkOwner, databaseVersion, migrate } from './migrations.js';
import { auditQuery, eventsQuery, quarantineQuery, reviewsQuery, sessionsQueries } from './queries.js';
import type { Query } from './queries.js';
import { oldestAuditSql, pruneAuditSql, pruneSql } from './prune.js';
import { recoverLog } from './recover-log.js';
import { rowFromSql, selectList } from './schema.js';
import { createTableWriter } from './table-writer.js';
import type { TableWriter, TableWriterBounds } from './table-writer.js';
import { attachLog, beginTakingOver, takeOver } from './take-over.js';
import { pruneCredentials } from './unused-credentials.js';
import { listVehicles } from './vehicles.js';
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

export interface SqliteStore extends AggregatorStore {
  /** Room in the database that deleted rows left, and that is written again before it grows. Rejects with a StoreError. */
  freeBytes(): Promise<number>;
}

/** Each connection holds one of Node's four threads at a time, so that a commit finds one free, or waits for a lookup by key. */
interface Opened {
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
  readonly logCheckpoints: Checkpoints;
  readonly checkpoints: Checkpoints;
  /** Number of the newest commit. */
  committed: number;
}

/** What the pages of the smallest commit weigh in the log. */
const leastCommitBytes = 8 * 1024;
/** What the tables write for what they take over, about, by what it weighs in the log. */
const writtenByTaken = 2;
/** What a deleted row weighs in the log, about: it shares most of its pages with others of its time. */
const bytesPerDeletedRow = 8 * 1024;
const members = membersOf(currentLayout);
/** Takes about a second. */
const defaultMaxCheckedBytes = 512 * 1024 * 1024;

export function createSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const { directory, logger, clock } = options;
  const path = join(directory, databaseFile);
  let opened: Opened | null = null;

  const use = (): Opened => {
    if (opened === null) throw new StoreError('closed', `${path} is closed`);
    return opened;
  };

  /** Deleting writes the pages of each row, of its indices, and of the room it leaves. */
  const pruned = ({ checkpoints }: Opened, rows: number): number => {
    checkpoints.onWritten(rows * bytesPerDeletedRow);
    return rows;
  };

  /** The connections, once the tables have what was committed until now. */
  const current = async (): Promise<Opened> => {
    const connections = use();
    await connections.tables.catchUp();
    return connections;
  };

  /** The same for lists, which go on being answered when there is no room to write: without the last moments before that. */
  const listed = async (): Promise<Opened> => {
    const connections = use();
    await connections.tables.catchUp().catch(() => undefined);
    return connections;
  };

  const page = async <T extends RowTable & ListName>(
    table: T,
    queries: readonly Query[],
    asked: number,
    place: (row: RowOf<T>) => CursorPart[],
  ): Promise<Page<RowOf<T>>> => {
    const limit = Math.min(asked, maxPageRows);
    const rows: RowOf<T>[] = [];
    const { lists } = await listed();
    for (const { sql, parameters } of queries) {
      if (rows.length <= limit) rows.push(...(await select(lists, table, sql, parameters)));
    }
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    const more = rows.length > items.length && last !== undefined;
    return { items, nextCursor: more ? encodeCursor(table, place(last)) : null };
  };

  /** Those of which the tables may not have heard come from what waits for them. */
  const findCredentials = async (
    wanted: readonly { readonly kind: string; readonly value: string }[],
  ): Promise<RowOf<'credentials'>[]> => {
    const { waiting, lookups } = use();
    const distinct = [...new Set(wanted.map(textKey))];
    const noted = distinct.flatMap((text) => waiting.credentialByText(text) ?? []);
    const others = distinct.filter((text) => waiting.credentialByText(text) === undefined);
    if (others.length === 0) return noted;
    const rows = await select(
      lookups,
      'credentials',
      `SELECT ${selectList('credentials', 'c')} FROM json_each(?) AS j CROSS JOIN credentials AS c
        ON c.kind = json_extract(j.value, '$[0]') AND c.value = json_extract(j.value, '$[1]')`,
      // Each is the JSON of its kind and value.
      [`[${others.join(',')}]`],
    );
    return [...noted, ...rows.filter(({ credentialId }) => !waiting.isOverruled(credentialId))];
  };

  return {
    async open() {
      if (opened !== null) return;
      const startedMs = clock.monoMs();
      opened = await openAll(directory, path, options);
      logger.info({ path, durationMs: Math.round(clock.monoMs() - startedMs) }, 'store opened');
    },

    async close() {
      const closing = opened;
      opened = null;
      if (closing !== null) await closeAll(closing, directory);
    },

    async load(): Promise<StoredState> {
      const connections = use();
      try {
        await connections.tables.catchUp();
      } catch {
        // No room, perhaps: what waits is read as if it had been taken over.
        return loadAhead(connections);
      }
      return connections.lists.exclusive(loadState);
    },

    async commit(changes) {
      const connections = use();
      const { log, tables, waiting, logCheckpoints } = connections;
      const texts = textsOf(changes);
      if (changes.credentials.length > 0) {
        const stored = new Map(
          (await findCredentials(changes.credentials)).map((row) => [textKey(row), row.credentialId]),
        );
        checkCredentialTexts(changes, (text) => stored.get(text));
      }
      await tables.room();
      const number = connections.committed + 1;
      await log.append(number, texts, tables.takenOver);
      connections.committed = number;
      const bytes = texts.reduce<number>((sum, text) => sum + (text?.length ?? 0), leastCommitBytes);
      waiting.note(number, changes);
      tables.onAppended(number, bytes);
      logCheckpoints.onWritten(bytes);
    },

    findCredentials,

    async getCredentials(credentialIds) {
      const { waiting, lookups } = use();
      const distinct = [...new Set(credentialIds)];
      const noted = distinct.flatMap((id) => waiting.credential(id) ?? []);
      const others = distinct.filter((id) => !waiting.isOverruled(id));
      if (others.length === 0) return noted;
      const rows = await select(
        lookups,
        'credentials',
        `SELECT ${selectList('credentials', 'c')} FROM json_each(?) AS j CROSS JOIN credentials AS c ON c.credentialId = j.value`,
        [JSON.stringify(others)],
      );
      return [...noted, ...rows];
    },

    async findEvents(edgeId, wanted) {
      if (wanted.length === 0) return [];
      const { lookups } = await current();
      const rows = await lookups.all(
        `SELECT e.epoch, e.seq, e.hash FROM json_each(?1) AS j CROSS JOIN events AS e
          ON e.edgeId = ?2 AND e.epoch = json_extract(j.value, '$.epoch') AND e.seq = json_extract(j.value, '$.seq')
        UNION ALL
        SELECT json_extract(j.value, '$.epoch'), json_extract(j.value, '$.seq'), substr(e.origin, -64)
          FROM json_each(?1) AS j CROSS JOIN events AS e
          ON e.edgeId = ?2 AND e.origin >= json_extract(j.value, '$.epoch') || ':' || json_extract(j.value, '$.seq') || ':'
            AND e.origin < json_extract(j.value, '$.epoch') || ':' || json_extract(j.value, '$.seq') || ';'`,
        [JSON.stringify(wanted.map(({ epoch, seq }) => ({ epoch, seq }))), edgeId],
      );
      return rows as { epoch: string; seq: number; hash: string }[];
    },

    async getSession(siteId, sessionId) {
      const sql = `SELECT ${selectList('sessions')} FROM sessions WHERE siteId = ? AND sessionId = ?`;
      const [row] = await select((await current()).lookups, 'sessions', sql, [siteId, sessionId]);
      return row ?? null;
    },

    listSessions: async (filter, request) =>
      page('sessions', sessionsQueries(filter, request), request.limit, sessionPlace),
    listEvents: async (filter, request) => page('events', [eventsQuery(filter, request)], request.limit, eventPlace),
    listVehicles: async (filter, request) =>
      (await listed()).lists.exclusive((session) => listVehicles(session, filter, request)),
    listReviews: async (filter, request) =>
      page('reviews', [reviewsQuery(filter, request)], request.limit, reviewPlace),
    listQuarantine: async (filter, request) =>
      page('quarantine', [quarantineQuery(filter, request)], request.limit, quarantinePlace),
    listAudit: async (filter, request) => page('audit', [auditQuery(filter, request)], request.limit, auditPlace),

    async listNotices(afterId, limit) {
      const sql = `SELECT ${selectList('notices')} FROM notices WHERE noticeId > ? ORDER BY noticeId LIMIT ?`;
      return select((await listed()).lists, 'notices', sql, [afterId, Math.min(limit, maxPageRows)]);
    },

    async getIdempotency(idempotencyKey) {
      const { waiting, lookups } = use();
      const noted = waiting.idempotency(idempotencyKey);
      if (noted !== undefined) return noted;
      const sql = `SELECT ${selectList('idempotency')} FROM idempotency WHERE idempotencyKey = ?`;
      const [row] = await select(lookups, 'idempotency', sql, [idempotencyKey]);
      return row ?? null;
    },

    async prune(kind, beforeMs, maxRows) {
      const connections = await current();
      return pruned(connections, await connections.writer.run(pruneSql(kind), [beforeMs, maxRows]));
    },

    async findOldAudit(beforeMs, maxRows) {
      const rows = await (await current()).lookups.all(oldestAuditSql, [maxRows]);
      return oldAuditOf(rows as unknown as Pick<AuditRow, 'auditId' | 'atMs' | 'hash'>[], beforeMs);
    },

    async pruneAudit(upTo, maxRows) {
      const connections = await current();
      return pruned(connections, await connections.writer.run(pruneAuditSql, [upTo, maxRows]));
    },

    async pruneCredentials(afterId, maxRows, mayGo) {
      const connections = await current();
      const { lookups, writer, tables, log } = connections;
      const result = await pruneCredentials(
        {
          lookups,
          // What was committed while `mayGo` was asked is seen by the statement that deletes.
          deleteFrom: async (sql, parameters) => {
            await tables.catchUp();
            return writer.run(sql, parameters);
          },
        },
        afterId,
        maxRows,
        mayGo,
      );
      // Nor does the text stand in the log.
      if (result.deleted > 0) await log.letGo(tables.takenOver);
      pruned(connections, result.deleted);
      return result;
    },

    async freeBytes() {
      const [row] = await use().lookups.all(
        'SELECT (SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size) AS bytes',
      );
      return Number(row?.bytes);
    },
  };
}

async function select<T extends RowTable>(
  connection: Session,
  table: T,
  sql: string,
  parameters: readonly Parameter[],
): Promise<RowOf<T>[]> {
  const rows = await connection.all(sql, parameters);
  return rows.map((raw) => rowFromSql(tableOf(table), raw)) as unknown as RowOf<T>[];
}

async function openAll(directory: string, path: string, options: SqliteStoreOptions): Promise<Opened> {
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
    // FULL: the log lets go of what was taken over, which must survive a power cut then. A run of commits changes so many pages that it
    // would be written twice where memory has no room for them.
    const writer = await connect(
      `PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
       PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -32768`,
    );
    await checkPages(writer, path, maxCheckedBytes);
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
      ...follow({ log, writer, lists }, path, logPath, options),
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

type Following = Pick<Opened, 'tables' | 'waiting' | 'logCheckpoints' | 'checkpoints'>;

function follow(
  { log, writer, lists }: Pick<Opened, 'log' | 'writer' | 'lists'>,
  path: string,
  logPath: string,
  { logger, following }: SqliteStoreOptions,
): Following {
  const waiting = createWaitingRows();
  const sizeOf = (file: string) => async (): Promise<number> => (await stat(`${file}-wal`)).size;
  const checkpoints = createCheckpoints({
    through: writer,
    beside: lists,
    logBytes: sizeOf(path),
    path,
    logger,
    limits: tableLimits,
  });
  const logCheckpoints = createCheckpoints({
    through: log.connection,
    beside: writer,
    besideSchema: 'commitLog',
    logBytes: sizeOf(logPath),
    path: logPath,
    logger,
    limits: logLimits,
  });
  const tables = createTableWriter({
    takeOver: (after, upTo) => takeOver(writer, members, after, upTo),
    onTakenOver(takenOver, bytes) {
      waiting.forget(takenOver);
      checkpoints.onWritten(bytes * writtenByTaken);
    },
    path,
    logger,
    ...(following === undefined ? {} : { bounds: following }),
  });
  return { tables, waiting, checkpoints, logCheckpoints };
}

/** Everything that is kept in memory as it will be when the tables have followed, of which nothing is written. */
async function loadAhead({ writer, tables, committed }: Opened): Promise<StoredState> {
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
async function closeAll(opened: Opened, directory: string): Promise<void> {
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
