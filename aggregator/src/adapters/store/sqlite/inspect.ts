/** Looks at a database file, a store that is in use or a backup, without changing it: what it holds and whether it can be trusted. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import sqlite3 from 'sqlite3';
import { messageOf } from '@gatehouse/shared';
import type { AggregatorStore, AuditRow, StoredState } from '../../../app/ports.js';
import { openConnection } from './connection.js';
import type { Connection, Session, SqlRow } from './connection.js';
import { storeErrorFrom } from './errors.js';
import { commitLogFile, databaseFile } from './files.js';
import { loadState } from './load.js';
import { checkColumns, databaseVersion } from './migrations.js';
import { applicationId } from './schema.js';
import { attachLog, detachLog, hasLog, logStanding } from './take-over.js';

/** Problems that are named one by one. */
const maxProblems = 20;

export interface DatabaseSummary {
  /** Of the schema; null when it could not be read. */
  readonly version: number | null;
  /** Of the file, without a write-ahead log. */
  readonly sizeBytes: number;
  readonly sites: number;
  readonly edges: number;
  readonly sessionsInside: number;
  readonly sessions: number;
  readonly events: number;
  /** Commits in the log beside a store that its tables have not taken over: of an aggregator that runs, or was killed. */
  readonly waitingCommits: number;
  /** When the aggregator received the newest event, by its clock; null when there is none. */
  readonly newestEventAtMs: number | null;
}

export interface OpenedDatabase extends Pick<AggregatorStore, 'listAudit'> {
  /** What is wrong, in words; at most 20 sentences and one that says how many more. */
  readonly problems: readonly string[];
  readonly summary: DatabaseSummary;
  /** Whether its rows could be looked at: not so in a damaged database, or one of another program or a newer version. */
  readonly isReadable: boolean;
  /** Whether it is of this version, so that `load` can read it. */
  readonly isLoadable: boolean;
  /** What the aggregator would load. */
  load(): Promise<StoredState>;
  close(): Promise<void>;
}

/**
 * Opens the file for reading and checks its pages, whose it is, its version, its tables, its cursors and its slots. Rejects with a
 * StoreError when there is no file, or it cannot be read.
 */
export async function inspectDatabase(path: string): Promise<OpenedDatabase> {
  const file = await stat(path).catch((error: unknown) => {
    throw new Error(`${path} cannot be read: ${messageOf(error)}`);
  });
  if (!file.isFile()) throw new Error(`${path} is not a file`);
  const { size } = file;
  const connection = await openConnection(path, sqlite3.OPEN_READONLY);
  try {
    await connection.exec('PRAGMA busy_timeout = 5000; PRAGMA query_only = ON');
    const look = await connection
      .exclusive((session) => examine(session, size, path))
      .catch((error: unknown) => {
        const { code, message } = storeErrorFrom(error, path);
        if (code !== 'damaged') throw error;
        const problem = message.includes('SQLITE_NOTADB') ? 'it is not a database' : 'the file is damaged';
        return { problems: [problem], summary: nothingRead(size), isReadable: false };
      });
    const isLoadable = look.isReadable && look.summary.version === databaseVersion;
    const summary = { ...look.summary, waitingCommits: look.isReadable ? await waitingCommits(connection, path) : 0 };
    return { ...look, summary, isLoadable, ...reading(connection), close: () => connection.close() };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

interface Look {
  readonly problems: readonly string[];
  readonly summary: DatabaseSummary;
  readonly isReadable: boolean;
}

function reading(connection: Connection): Pick<OpenedDatabase, 'load' | 'listAudit'> {
  return {
    load: () => connection.exclusive(loadState),
    async listAudit(_filter, page) {
      const after = Number(page.cursor ?? 0);
      const rows = await connection.all('SELECT * FROM audit WHERE auditId > ? ORDER BY auditId LIMIT ?', [
        after,
        page.limit,
      ]);
      const items = rows as unknown as AuditRow[];
      const last = items.length < page.limit ? undefined : items.at(-1);
      return { items, nextCursor: last === undefined ? null : String(last.auditId) };
    },
  };
}

async function examine(session: Session, sizeBytes: number, path: string): Promise<Look> {
  // One snapshot: the aggregator may be writing.
  await session.exec('BEGIN');
  try {
    const version = await numberFrom(session, 'PRAGMA user_version', 'user_version');
    const stranger = await whoseProblem(session, version);
    if (stranger !== null)
      return { problems: [stranger], summary: { ...nothingRead(sizeBytes), version }, isReadable: false };
    const damage = await session.all(`PRAGMA integrity_check(${String(maxProblems + 1)})`);
    const problems = damage.map((row) => String(row.integrity_check)).filter((text) => text !== 'ok');
    if (problems.length > 0) {
      const named = bounded(problems.map((text) => `the file is damaged: ${text.slice(0, 200)}`));
      return { problems: named, summary: { ...nothingRead(sizeBytes), version }, isReadable: false };
    }
    const summary = await summarise(session, sizeBytes, version);
    if (version < databaseVersion) return { problems: [], summary, isReadable: true };
    const columns = await checkColumns(session, path).then(
      () => [],
      (error: unknown) => [storeErrorFrom(error, path).message],
    );
    if (columns.length > 0) return { problems: columns, summary, isReadable: false };
    return { problems: bounded(await contradictions(session)), summary, isReadable: true };
  } finally {
    await session.exec('COMMIT').catch(() => undefined);
  }
}

async function whoseProblem(session: Session, version: number): Promise<string | null> {
  const owner = await numberFrom(session, 'PRAGMA application_id', 'application_id');
  if (owner !== applicationId) {
    return version === 0 && owner === 0
      ? 'it is empty or not a store of Gatehouse'
      : 'it is a database of another program';
  }
  if (version > databaseVersion) {
    return `it is version ${String(version)} and this program knows versions up to ${String(databaseVersion)}: use the newer program`;
  }
  return null;
}

async function summarise(session: Session, sizeBytes: number, version: number): Promise<DatabaseSummary> {
  const [row] = await session.all(
    `SELECT (SELECT count(*) FROM sites) AS sites, (SELECT count(*) FROM edges) AS edges,
      (SELECT count(*) FROM sessions WHERE state IN ('open', 'uncertain')) AS sessionsInside,
      (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM events) AS events,
      (SELECT max(receivedAtMs) FROM events) AS newestEventAtMs`,
  );
  const newest = row?.newestEventAtMs;
  return {
    version,
    sizeBytes,
    sites: Number(row?.sites),
    edges: Number(row?.edges),
    sessionsInside: Number(row?.sessionsInside),
    sessions: Number(row?.sessions),
    events: Number(row?.events),
    newestEventAtMs: typeof newest === 'number' ? newest : null,
    waitingCommits: 0,
  };
}

/** A backup has nothing beside it. */
async function waitingCommits(connection: Connection, path: string): Promise<number> {
  const log = join(dirname(path), commitLogFile);
  if (basename(path) !== databaseFile || !(await hasLog(log))) return 0;
  return connection.exclusive(async (session) => {
    await attachLog(session, log);
    try {
      return (await logStanding(session)).waiting;
    } finally {
      await detachLog(session);
    }
  });
}

function nothingRead(sizeBytes: number): DatabaseSummary {
  const none = { sites: 0, edges: 0, sessionsInside: 0, sessions: 0, events: 0, waitingCommits: 0 };
  return { version: null, sizeBytes, ...none, newestEventAtMs: null };
}

const inside = `state IN ('open', 'uncertain')`;

/** Each finds rows that contradict others; `name` says which, `what` what is wrong with it. */
const rules: readonly { readonly sql: string; readonly what: string }[] = [
  {
    sql: `SELECT 'site ' || siteId AS name FROM sites WHERE siteId NOT IN (SELECT siteId FROM ledgers)`,
    what: 'has no ledger',
  },
  {
    sql: `SELECT 'slot ' || t.slotId || ' of ' || t.siteId AS name FROM slots AS t WHERE t.state = 'occupied' AND NOT EXISTS
      (SELECT 1 FROM sessions AS s WHERE s.siteId = t.siteId AND s.sessionId = t.sessionId AND s.slotId = t.slotId AND s.${inside})`,
    what: 'is occupied by no session that is inside',
  },
  {
    sql: `SELECT 'session ' || s.sessionId || ' of ' || s.siteId AS name FROM sessions AS s WHERE s.${inside}
      AND s.slotId IS NOT NULL AND NOT EXISTS (SELECT 1 FROM slots AS t
        WHERE t.siteId = s.siteId AND t.slotId = s.slotId AND t.state = 'occupied' AND t.sessionId = s.sessionId)`,
    what: 'says it is in a slot that another one has',
  },
  {
    sql: `SELECT 'slot ' || slotId || ' of ' || siteId AS name FROM slots
      WHERE (state = 'held' AND heldBy IS NULL) OR (state = 'reserved' AND arrivalKey IS NULL)`,
    what: 'is set aside for nobody',
  },
  {
    sql: `SELECT 'edge ' || c.edgeId AS name FROM cursors AS c WHERE EXISTS
      (SELECT 1 FROM events AS e WHERE e.edgeId = c.edgeId AND e.epoch = c.epoch AND e.seq > c.upTo)`,
    what: 'has events beyond its cursor: they would be taken again',
  },
  {
    sql: `SELECT 'edge ' || c.edgeId AS name FROM cursors AS c JOIN events AS e
      ON e.edgeId = c.edgeId AND e.epoch = c.epoch AND e.seq = c.upTo WHERE e.hash <> c.hash`,
    what: 'has a cursor whose hash is not that of its last event',
  },
];

async function contradictions(session: Session): Promise<string[]> {
  const problems: string[] = [];
  for (const { sql, what } of rules) {
    const rows: SqlRow[] = await session.all(`${sql} LIMIT ${String(maxProblems + 1)}`);
    problems.push(...rows.map((row) => `${String(row.name)} ${what}`));
  }
  return problems;
}

function bounded(problems: readonly string[]): string[] {
  const named = problems.slice(0, maxProblems);
  return named.length === problems.length ? named : [...named, 'and more'];
}

async function numberFrom(session: Session, sql: string, name: string): Promise<number> {
  const [row] = await session.all(sql);
  return Number(row?.[name] ?? 0);
}
