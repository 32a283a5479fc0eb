/** The least that keeps events: sqlite3 and one table with the columns of the aggregator's, many rows in one statement, flushed. */
import { allRows, closeDatabase, openDatabase, prepareStatement, settled } from './sqlite.js';

const integers = new Set(['seq', 'atMs', 'receivedAtMs']);
const nullable = new Set(['gateId', 'credentialId', 'origin']);
const columns = [
  'edgeId',
  'epoch',
  'seq',
  'siteId',
  'gateId',
  'kind',
  'hash',
  'atMs',
  'receivedAtMs',
  'credentialId',
  'body',
  'origin',
  'flags',
] as const;
export type EventTableRow = Readonly<Record<(typeof columns)[number], string | number | null>>;

const createSql = `CREATE TABLE events (${columns
  .map((name) => `${name} ${integers.has(name) ? 'INTEGER' : 'TEXT'}${nullable.has(name) ? '' : ' NOT NULL'}`)
  .join(', ')}, PRIMARY KEY (edgeId, epoch, seq))`;
/** Rows as arrays: as objects with `json_extract` it takes half as long again. */
const insertSql = `INSERT INTO events (${columns.join(', ')})
  SELECT ${columns.map((_, index) => `value ->> ${String(index)}`).join(', ')} FROM json_each(?)`;

export interface EventTable {
  /** Resolves when the rows of a text are on the disk. */
  insert(text: string): Promise<void>;
  /** Rows in it. */
  count(): Promise<number>;
  close(): Promise<void>;
}

/** Rows as `insert` takes them. */
export function textOfRows(rows: readonly EventTableRow[]): string {
  return JSON.stringify(rows.map((row) => columns.map((name) => row[name])));
}

/** @param file that is not there yet */
export async function openEventTable(file: string): Promise<EventTable> {
  const database = await openDatabase(file);
  await settled((done) => database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${createSql}`, done));
  const statement = await prepareStatement(database, insertSql);
  return {
    insert: (text) => settled((done) => statement.run([text], done)),
    async count() {
      const [counted] = await allRows<{ rows: number }>(database, 'SELECT count(*) AS rows FROM events');
      return counted?.rows ?? 0;
    },
    async close() {
      await settled((done) => statement.finalize(() => done(null)));
      await closeDatabase(database);
    },
  };
}
