/**
 * The store on disk: a log of commits, and behind it the tables, one SQLite database each in the data directory. A commit is answered
 * when it is in the log. Whatever is asked of the tables waits until they have what was committed before.
 */
import { join } from 'node:path';
import { StoreError } from '../../../app/ports.js';
import type { AggregatorStore, AuditRow, ChangeSet, Page, StoredState } from '../../../app/ports.js';
import { checkCredentialTexts, textKey } from '../constraints.js';
import { encodeCursor } from '../cursors.js';
import type { CursorPart, ListName } from '../cursors.js';
import { auditPlace, eventPlace, maxPageRows, quarantinePlace, reviewPlace, sessionPlace } from '../lists.js';
import { oldAuditOf } from '../pruning.js';
import { tableOf } from '../tables.js';
import type { RowOf, RowTable } from '../tables.js';
import { textsOf } from './change-texts.js';
import { weightOf } from './commit-log.js';
import type { Parameter, Session } from './connection.js';
import { databaseFile } from './files.js';
import { loadState } from './load.js';
import { closeStore, loadAhead, openStore } from './open-store.js';
import type { OpenStore, SqliteStoreOptions } from './open-store.js';
import { auditQuery, eventsQuery, quarantineQuery, reviewsQuery, sessionsQueries } from './queries.js';
import type { Query } from './queries.js';
import { oldestAuditSql, pruneAuditSql, pruneSql } from './prune.js';
import { rowFromSql, selectList } from './schema.js';
import { pruneCredentials } from './unused-credentials.js';
import { listVehicles } from './vehicles.js';

export interface StoreReading {
  /** Room in the database that deleted rows left, and that is written again before it grows. */
  readonly freeBytes: number;
  /** Since when the oldest commit waits that the tables have not taken over; 0 when they have all. */
  readonly behindMs: number;
}

export interface SqliteStore extends AggregatorStore {
  /** Rejects with a StoreError. */
  reading(): Promise<StoreReading>;
}

/** What a deleted row weighs in the log, about: it shares most of its pages with others of its time. */
const bytesPerDeletedRow = 8 * 1024;

/** More than the works of a turn look for. */
const maxAbsentTexts = 100_000;

const findCredentialsSql = `SELECT ${selectList('credentials', 'c')} FROM json_each(?) AS j CROSS JOIN credentials AS c
  ON c.kind = json_extract(j.value, '$[0]') AND c.value = json_extract(j.value, '$[1]')`;
const getCredentialsSql = `SELECT ${selectList('credentials', 'c')} FROM json_each(?) AS j
  CROSS JOIN credentials AS c ON c.credentialId = j.value`;

export function createSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const { directory, logger, clock } = options;
  const path = join(directory, databaseFile);
  let opened: OpenStore | null = null;
  /** Texts that were looked for and not found since the last commit: before they are stored they are not looked for again. */
  let absent = new Set<string>();
  /** The commit that was begun last. */
  let storing: Promise<void> = Promise.resolve();

  const use = (): OpenStore => {
    if (opened === null) throw new StoreError('closed', `${path} is closed`);
    return opened;
  };

  /** Deleting writes the pages of each row, of its indices, and of the room it leaves. */
  const pruned = ({ checkpoints }: OpenStore, rows: number): number => {
    checkpoints.onWritten(rows * bytesPerDeletedRow);
    return rows;
  };

  /** The connections, once the commit that is under way has ended: memory shows it already, so that whoever saw a total finds its sessions. */
  const afterCommit = async (): Promise<OpenStore> => {
    const connections = use();
    await storing.catch(() => undefined);
    return connections;
  };

  /** The connections, once the tables have what was committed until now. */
  const current = async (): Promise<OpenStore> => {
    const connections = await afterCommit();
    await connections.tables.catchUp();
    return connections;
  };

  /** The same for lists, which go on being answered when there is no room to write: without the last moments before that. */
  const listed = async (): Promise<OpenStore> => {
    const connections = await afterCommit();
    // Why they do not follow is logged where it is found.
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

  /** A text that was erased stands in the log until the tables have taken over the commits that had it. */
  const eraseFromLog = async ({ tables, log }: OpenStore): Promise<void> => {
    try {
      await tables.catchUp();
      await log.letGo(tables.takenOver);
    } catch (error) {
      logger.warn({ err: error }, 'a text that was erased stays in the log of commits until later ones take its place');
    }
  };

  /** Credentials of the tables that nothing which waits for them has erased or changed. */
  const lookUp = async (sql: string, wanted: string): Promise<RowOf<'credentials'>[]> => {
    const { waiting, lookups, tables } = use();
    for (;;) {
      const { takenOver } = tables;
      const rows = await select(lookups, 'credentials', sql, [wanted]);
      // Otherwise what overruled a row may have been forgotten since that was read.
      if (tables.takenOver === takenOver) return rows.filter(({ credentialId }) => !waiting.isOverruled(credentialId));
    }
  };

  /** Those of which the tables may not have heard come from what waits for them. */
  const findCredentials = async (
    wanted: readonly { readonly kind: string; readonly value: string }[],
  ): Promise<RowOf<'credentials'>[]> => {
    const connections = use();
    const { waiting, committed } = connections;
    const distinct = [...new Set(wanted.map(textKey))];
    const noted = distinct.flatMap((text) => waiting.credentialByText(text) ?? []);
    const others = distinct.filter((text) => waiting.credentialByText(text) === undefined);
    if (others.length === 0) return noted;
    // Each is the JSON of its kind and value.
    const rows = await lookUp(findCredentialsSql, `[${others.join(',')}]`);
    if (connections.committed === committed && absent.size < maxAbsentTexts) {
      for (const text of others) absent.add(text);
      for (const row of rows) absent.delete(textKey(row));
    }
    return [...noted, ...rows];
  };

  /** Rejects with `constraint` when a text would have two ids. */
  const checkCredentials = async (changes: ChangeSet): Promise<void> => {
    const unsure = changes.credentials.filter((row) => !absent.has(textKey(row)));
    const stored = new Map((await findCredentials(unsure)).map((row) => [textKey(row), row.credentialId]));
    checkCredentialTexts(changes, (text) => stored.get(text));
  };

  const commit = async (changes: ChangeSet): Promise<void> => {
    const connections = use();
    const { log, tables, waiting } = connections;
    const texts = textsOf(changes);
    if (changes.credentials.length > 0) await checkCredentials(changes);
    await tables.room();
    const number = connections.committed + 1;
    await log.append(number, texts, tables.takenOver);
    connections.committed = number;
    // Anew instead of cleared: an old table of a Set keeps what was in it, and the next one, for long.
    if (absent.size > 0) absent = new Set();
    waiting.note(number, changes);
    tables.onAppended(number, weightOf(texts));
    if (changes.erasedCredentials.length > 0) void eraseFromLog(connections);
  };

  return {
    async open() {
      if (opened !== null) return;
      const startedMs = clock.monoMs();
      opened = await openStore(directory, path, options);
      logger.info({ path, durationMs: Math.round(clock.monoMs() - startedMs) }, 'store opened');
    },

    async close() {
      const closing = opened;
      opened = null;
      if (closing !== null) await closeStore(closing, directory);
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

    commit(changes) {
      storing = commit(changes);
      return storing;
    },

    findCredentials,

    async getCredentials(credentialIds) {
      const { waiting } = use();
      const distinct = [...new Set(credentialIds)];
      const noted = distinct.flatMap((id) => waiting.credential(id) ?? []);
      const others = distinct.filter((id) => !waiting.isOverruled(id));
      return others.length === 0 ? noted : [...noted, ...(await lookUp(getCredentialsSql, JSON.stringify(others)))];
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
      // Turns wait for this: it does not wait for the tables.
      if (connections.tables.isRunning) return { deleted: 0, lastId: afterId };
      const isUnused = (credentialId: string): boolean =>
        !connections.waiting.isReferredTo(credentialId) && mayGo(credentialId);
      const result = await pruneCredentials(connections, afterId, maxRows, isUnused);
      pruned(connections, result.deleted);
      if (result.deleted > 0) void eraseFromLog(connections);
      return result;
    },

    async reading() {
      const { lookups, tables } = use();
      const [row] = await lookups.all(
        'SELECT (SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size) AS bytes',
      );
      return { freeBytes: Number(row?.bytes), behindMs: tables.behindMs };
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
