/** The store on disk: one SQLite database in the data directory, written by one connection and read by others. */
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
import { createCheckpoints } from './checkpoints.js';
import type { Checkpoints } from './checkpoints.js';
import { commitParameters, commitSql, commitViewSql } from './commit.js';
import { openConnection } from './connection.js';
import type { Connection, Parameter, Session } from './connection.js';
import { makeDatabaseFile, makeDataDirectory } from './directory.js';
import { storeErrorFrom } from './errors.js';
import { databaseFile } from './files.js';
import { loadState } from './load.js';
import { lockDirectory } from './lock.js';
import type { DirectoryLock } from './lock.js';
import { databaseVersion, migrate } from './migrations.js';
import { auditQuery, eventsQuery, quarantineQuery, reviewsQuery, sessionsQueries } from './queries.js';
import type { Query } from './queries.js';
import { oldestAuditSql, pruneAuditSql, pruneSql } from './prune.js';
import { rowFromSql, selectList } from './schema.js';
import { pruneCredentials } from './unused-credentials.js';
import { listVehicles } from './vehicles.js';

export interface SqliteStoreOptions {
  /** Made if it is not there; its parents too. */
  readonly directory: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Refuse to grow beyond this many pages of 4 KiB, with the code `full`. */
  readonly maxDatabasePages?: number;
  /** A database up to this size is checked wholly when it is opened; a larger one shows damage where it is read. Default 512 MiB. */
  readonly maxCheckedBytes?: number;
}

export interface SqliteStore extends AggregatorStore {
  /** Room in the database that deleted rows left, and that is written again before it grows. Rejects with a StoreError. */
  freeBytes(): Promise<number>;
}

interface Opened {
  readonly lock: DirectoryLock;
  readonly writer: Connection;
  /** Lookups by key, which ingest waits for. */
  readonly lookups: Connection;
  /** Lists, loading and checkpoints, which may take long. Together with the writer they hold at most three of Node's four threads. */
  readonly lists: Connection;
  readonly checkpoints: Checkpoints;
}

/** What the pages of a small commit weigh in the log, whatever little is written: those of a row and of each of its indices. */
const leastCommitBytes = 16 * 1024;
/** What a deleted row weighs in the log, about: it shares most of its pages with others of its time. */
const bytesPerDeletedRow = 8 * 1024;
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

  const page = async <T extends RowTable & ListName>(
    table: T,
    queries: readonly Query[],
    asked: number,
    place: (row: RowOf<T>) => CursorPart[],
  ): Promise<Page<RowOf<T>>> => {
    const limit = Math.min(asked, maxPageRows);
    const rows: RowOf<T>[] = [];
    for (const { sql, parameters } of queries) {
      if (rows.length <= limit) rows.push(...(await select(use().lists, table, sql, parameters)));
    }
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    const more = rows.length > items.length && last !== undefined;
    return { items, nextCursor: more ? encodeCursor(table, place(last)) : null };
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
      if (closing !== null) await closeAll(closing);
    },

    async load(): Promise<StoredState> {
      return use().lists.exclusive(loadState);
    },

    async commit(changes) {
      const parameters = commitParameters(changes);
      const { writer, checkpoints } = use();
      await writer.run(commitSql, parameters);
      checkpoints.onWritten(parameters.reduce<number>((bytes, text) => bytes + (text?.length ?? 0), leastCommitBytes));
    },

    async findCredentials(wanted) {
      if (wanted.length === 0) return [];
      const distinct = new Map(wanted.map(({ kind, value }) => [JSON.stringify([kind, value]), [kind, value]]));
      return select(
        use().lookups,
        'credentials',
        `SELECT ${selectList('credentials', 'c')} FROM json_each(?) AS j CROSS JOIN credentials AS c
          ON c.kind = json_extract(j.value, '$[0]') AND c.value = json_extract(j.value, '$[1]')`,
        [JSON.stringify([...distinct.values()])],
      );
    },

    async getCredentials(credentialIds) {
      if (credentialIds.length === 0) return [];
      return select(
        use().lookups,
        'credentials',
        `SELECT ${selectList('credentials', 'c')} FROM json_each(?) AS j CROSS JOIN credentials AS c ON c.credentialId = j.value`,
        [JSON.stringify([...new Set(credentialIds)])],
      );
    },

    async findEvents(edgeId, wanted) {
      if (wanted.length === 0) return [];
      const rows = await use().lookups.all(
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
      const [row] = await select(use().lookups, 'sessions', sql, [siteId, sessionId]);
      return row ?? null;
    },

    listSessions: async (filter, request) =>
      page('sessions', sessionsQueries(filter, request), request.limit, sessionPlace),
    listEvents: async (filter, request) => page('events', [eventsQuery(filter, request)], request.limit, eventPlace),
    listVehicles: async (filter, request) => use().lists.exclusive((session) => listVehicles(session, filter, request)),
    listReviews: async (filter, request) =>
      page('reviews', [reviewsQuery(filter, request)], request.limit, reviewPlace),
    listQuarantine: async (filter, request) =>
      page('quarantine', [quarantineQuery(filter, request)], request.limit, quarantinePlace),
    listAudit: async (filter, request) => page('audit', [auditQuery(filter, request)], request.limit, auditPlace),

    async listNotices(afterId, limit) {
      const sql = `SELECT ${selectList('notices')} FROM notices WHERE noticeId > ? ORDER BY noticeId LIMIT ?`;
      return select(use().lists, 'notices', sql, [afterId, Math.min(limit, maxPageRows)]);
    },

    async getIdempotency(idempotencyKey) {
      const sql = `SELECT ${selectList('idempotency')} FROM idempotency WHERE idempotencyKey = ?`;
      const [row] = await select(use().lookups, 'idempotency', sql, [idempotencyKey]);
      return row ?? null;
    },

    async prune(kind, beforeMs, maxRows) {
      const connections = use();
      return pruned(connections, await connections.writer.run(pruneSql(kind), [beforeMs, maxRows]));
    },

    async findOldAudit(beforeMs, maxRows) {
      const rows = await use().lookups.all(oldestAuditSql, [maxRows]);
      return oldAuditOf(rows as unknown as Pick<AuditRow, 'auditId' | 'atMs' | 'hash'>[], beforeMs);
    },

    async pruneAudit(upTo, maxRows) {
      const connections = use();
      return pruned(connections, await connections.writer.run(pruneAuditSql, [upTo, maxRows]));
    },

    async pruneCredentials(afterId, maxRows, mayGo) {
      const connections = use();
      const result = await pruneCredentials(connections, afterId, maxRows, mayGo);
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
  const { maxDatabasePages: maxPages, maxCheckedBytes = defaultMaxCheckedBytes } = options;
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
    // FULL: a commit that was answered survives a power cut, as far as the disk keeps its word.
    const writer = await connect(
      `PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
       PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0`,
    );
    await checkPages(writer, path, maxCheckedBytes);
    await migrate(writer, path, (found) => {
      const detail = { path, from: found, to: databaseVersion };
      options.logger.info(detail, 'the store is brought to the version of this program, which may take minutes');
    });
    for (const statement of commitViewSql) await writer.exec(statement);
    if (maxPages !== undefined) await writer.exec(`PRAGMA max_page_count = ${String(maxPages)}`);
    const reading = 'PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA temp_store = MEMORY';
    const lookups = await connect(reading);
    const lists = await connect(reading);
    const checkpoints = createCheckpoints({
      writer,
      beside: lists,
      logBytes: async () => (await stat(`${path}-wal`)).size,
      path,
      logger: options.logger,
    });
    return { lock, writer, lookups, lists, checkpoints };
  } catch (error) {
    for (const connection of connections) await connection.close();
    await lock.release();
    throw storeErrorFrom(error, path);
  }
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

async function closeAll({ lock, writer, lookups, lists }: Opened): Promise<void> {
  try {
    await lookups.close();
    await lists.close();
    await writer.close();
  } finally {
    await lock.release();
  }
}
