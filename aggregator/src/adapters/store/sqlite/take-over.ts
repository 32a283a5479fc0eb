/**
 * From the log of commits into the tables. A commit is a row of the log, in a file of its own; here the tables take over a run of them in
 * one transaction, which also says how far they are. What was taken over twice would be as if taken once, and it is not: the
 * number of the last one stands in the same transaction.
 */
import { stat } from 'node:fs/promises';
import type { Session, SqlRow } from './connection.js';
import { membersOf, removals } from './change-texts.js';
import type { Layout } from './change-texts.js';
import { quoted } from './schema.js';
import { tableOf } from '../tables.js';
import type { RowTable } from '../tables.js';

/** Of a log: what is in it and whether it continues what is in the tables. */
export interface LogStanding {
  /** Commits that the tables lack. 0 when the log is not theirs. */
  readonly waiting: number;
  /** The log holds commits and is not the one that these tables follow: they were put in the place of others. */
  readonly isForeign: boolean;
}

/** Commits taken over in one transaction when their sizes are not known. */
const commitsAtOnce = 64;

/** The name under which a connection has the log. */
export const logSchema = 'commitLog';

/** Creates the tables of an empty log. `owner`: the same as in `commitPosition` of the tables that follow it. */
export function createLogSql(layout: Layout): string {
  const columns = membersOf(layout).map((name) => `${quoted(name)} TEXT`);
  return [
    `CREATE TABLE commits (number INTEGER PRIMARY KEY, ${columns.join(', ')})`,
    'CREATE TABLE owner (logId TEXT NOT NULL)',
    'CREATE TABLE layout (name TEXT PRIMARY KEY, place INTEGER NOT NULL, columns TEXT NOT NULL)',
  ].join(';\n');
}

/** What version 8 added: whose commits the tables follow, and up to which. */
export const version8Sql: readonly string[] = [
  'CREATE TABLE commitPosition (logId TEXT NOT NULL, number INTEGER NOT NULL)',
  `INSERT INTO commitPosition VALUES ('', 0)`,
];

export async function attachLog(session: Session, path: string): Promise<void> {
  await session.run(`ATTACH DATABASE ? AS ${logSchema}`, [path]);
}

export async function detachLog(session: Session): Promise<void> {
  await session.exec(`DETACH DATABASE ${logSchema}`);
}

/**
 * Views that are written to and never read: what is inserted into them runs a trigger, so that a run of commits is one statement, with one
 * turn of a worker thread and one flush of the disk. Rows are written in the layout of the program that committed them.
 */
export async function beginTakingOver(session: Session, layout: Layout): Promise<void> {
  const members = membersOf(layout);
  await session.exec(
    [
      'CREATE TEMP VIEW commitRun AS SELECT NULL AS afterNumber, NULL AS upTo;',
      'CREATE TEMP TRIGGER storeCommitRun INSTEAD OF INSERT ON commitRun BEGIN',
      ...[...layout].map(([name, columns]) => `${upsertSql(name, columns, rowsOfRun(name, columns))};`),
      'UPDATE commitPosition SET number = NEW.upTo;',
      'END;',
      `CREATE TEMP VIEW changeSet AS SELECT NULL AS number, ${members.map((name) => `NULL AS ${quoted(name)}`).join(', ')};`,
      'CREATE TEMP TRIGGER storeChangeSet INSTEAD OF INSERT ON changeSet BEGIN',
      `DELETE FROM slots WHERE (siteId, slotId) IN
         (SELECT json_extract(value, '$.siteId'), json_extract(value, '$.slotId') FROM json_each(NEW.removedSlots));`,
      'DELETE FROM vehicles WHERE vehicleId IN (SELECT value FROM json_each(NEW.removedVehicles));',
      `DELETE FROM retiredEpochs WHERE (edgeId, epoch) IN
         (SELECT json_extract(value, '$.edgeId'), json_extract(value, '$.epoch') FROM json_each(NEW.removedRetiredEpochs));`,
      eraseSql,
      ...[...layout].map(
        ([name, columns]) => `${upsertSql(name, columns, `jsonb_each(NEW.${quoted(name)}) WHERE true`)};`,
      ),
      eraseSql,
      'UPDATE commitPosition SET number = NEW.number;',
      'END',
    ].join('\n'),
  );
}

export async function endTakingOver(session: Session): Promise<void> {
  await session.exec(
    'DROP TRIGGER temp.storeChangeSet; DROP VIEW temp.changeSet; DROP TRIGGER temp.storeCommitRun; DROP VIEW temp.commitRun',
  );
}

/**
 * Takes over the commits after `after` up to `upTo`, of which there is at least one, all or nothing. `members`: of their layout. Table by
 * table, and of a row that several of them have only the last: under load the cursor of each edge is in every commit, and an
 * arrival, its slot and its session in the next one again. Where something is taken away, one commit after the other.
 */
export async function takeOver(
  session: Session,
  members: readonly string[],
  after: number,
  upTo: number,
): Promise<void> {
  const within = 'number > ? AND number <= ?';
  const removed = removals.filter((name) => members.includes(name)).map((name) => `${quoted(name)} IS NOT NULL`);
  const [found] = await session.all(
    `SELECT EXISTS (SELECT 1 FROM ${logSchema}.commits WHERE ${within} AND (${removed.join(' OR ')})) AS takesAway`,
    [after, upTo],
  );
  if (found?.takesAway === 0) {
    await session.run('INSERT INTO commitRun VALUES (?, ?)', [after, upTo]);
    return;
  }
  const columns = ['number', ...members].map(quoted).join(', ');
  await session.run(
    `INSERT INTO changeSet (${columns}) SELECT ${columns} FROM ${logSchema}.commits WHERE ${within} ORDER BY number`,
    [after, upTo],
  );
}

/** Looks at the attached log, which may be of an older program. */
export async function logStanding(session: Session): Promise<LogStanding> {
  const nothing = { waiting: 0, isForeign: false };
  // A program that ended while it made the log left an empty one.
  if (!(await hasTable(session, logSchema, 'commits'))) return nothing;
  const [log] = await session.all(
    `SELECT (SELECT logId FROM ${logSchema}.owner) AS logId, min(number) AS "first", max(number) AS "last" FROM ${logSchema}.commits`,
  );
  if (log?.last === null || log?.last === undefined) return nothing;
  if (!(await hasTable(session, 'main', 'commitPosition'))) return { waiting: 0, isForeign: true };
  const position = await positionOf(session);
  // A gap: the tables are a copy from before what the log has already let go of.
  if (log.logId !== position.logId || Number(log.first) > position.number + 1) return { waiting: 0, isForeign: true };
  return { waiting: Math.max(0, Number(log.last) - position.number), isForeign: false };
}

/** Takes over whatever waits in the attached log, by its own layout. */
export async function takeOverAll(session: Session): Promise<void> {
  const rows = await session.all(`SELECT name, columns FROM ${logSchema}.layout ORDER BY place`);
  const layout: Layout = new Map(
    rows.map(({ name, columns }) => [String(name), JSON.parse(String(columns)) as string[]]),
  );
  const columns = await session.all(
    `SELECT name FROM pragma_table_info('commits', '${logSchema}') WHERE name <> 'number'`,
  );
  const members = columns.map(({ name }) => String(name));
  const [last] = await session.all(`SELECT max(number) AS number FROM ${logSchema}.commits`);
  await beginTakingOver(session, layout);
  try {
    let { number } = await positionOf(session);
    for (; number < Number(last?.number); number += commitsAtOnce) {
      await takeOver(session, members, number, Math.min(number + commitsAtOnce, Number(last?.number)));
    }
  } finally {
    await endTakingOver(session);
  }
}

/** Whether there is a log that says something: a program may have ended before it made one, or while it did. */
export async function hasLog(path: string): Promise<boolean> {
  const sizes = await Promise.all(
    [path, `${path}-wal`].map(async (file) => (await stat(file).catch(() => ({ size: 0 }))).size),
  );
  return sizes.some((size) => size > 0);
}

async function hasTable(session: Session, inSchema: string, name: string): Promise<boolean> {
  const rows = await session.all(`SELECT 1 FROM ${inSchema}.sqlite_schema WHERE type = 'table' AND name = ?`, [name]);
  return rows.length > 0;
}

async function positionOf(session: Session): Promise<{ logId: string; number: number }> {
  const [row]: (SqlRow | undefined)[] = await session.all('SELECT logId, number FROM commitPosition');
  return { logId: String(row?.logId), number: Number(row?.number) };
}

/** Before the rows, so that a text may come back under another id, and after them, so that an erased one stays erased. */
const eraseSql = 'DELETE FROM credentials WHERE credentialId IN (SELECT value FROM json_each(NEW.erasedCredentials));';

/** Tables in which the same rows change again and again. */
const changingTables: ReadonlySet<string> = new Set<RowTable>([
  'sites',
  'ledgers',
  'slots',
  'allowances',
  'sessions',
  'arrivals',
  'cursors',
]);

/** The rows of one table in a run of commits: all of them in their order, or the last of each. */
function rowsOfRun(name: string, columns: readonly string[]): string {
  const rows = `commits AS log CROSS JOIN jsonb_each(log.${quoted(name)}) WHERE log.number > NEW.afterNumber AND log.number <= NEW.upTo`;
  if (!changingTables.has(name)) return `${rows} ORDER BY log.number`;
  const key = keyOf(name).map((column) => `value ->> ${String(columns.indexOf(column))}`);
  // Beside max(), SQLite takes `value` from the row that has the maximum.
  return `(SELECT value, max(log.number) FROM ${rows} GROUP BY ${key.join(', ')}) WHERE true`;
}

/** `jsonb_each` hands each row on in binary: with `json_each` it would be made text again, to be parsed once more for its values. */
function upsertSql(name: string, columns: readonly string[], rows: string): string {
  const key = keyOf(name);
  const updates = columns
    .filter((column) => !key.includes(column))
    .map((column) => `${quoted(column)} = excluded.${quoted(column)}`);
  return [
    `INSERT INTO ${quoted(name)} (${columns.map(quoted).join(', ')})`,
    `SELECT ${columns.map((_, index) => `value ->> ${String(index)}`).join(', ')}`,
    `FROM ${rows}`,
    `ON CONFLICT (${key.map(quoted).join(', ')}) DO UPDATE SET ${updates.join(', ')}`,
  ].join(' ');
}

function keyOf(name: string): readonly string[] {
  return tableOf(name as RowTable).key;
}
