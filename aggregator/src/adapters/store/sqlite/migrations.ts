/** Versions of the database and the way from each to the next. There is no way back: a newer database is refused. */
import { dirname } from 'node:path';
import { StoreError } from '../../../app/ports.js';
import { version7Sql, version9Sql } from './list-indexes.js';
import {
  applicationId,
  createTableSql,
  derivedColumns,
  indexSql,
  version2Sql,
  version3Sql,
  version4Sql,
  version5Sql,
  version6Sql,
} from './schema.js';
import { version8Sql } from './take-over.js';
import { rowTables, tableOf } from '../tables.js';
import type { Connection, Session } from './connection.js';

/** The statements that lead from version `index` to `index + 1`. Only ever add to the end. */
const migrations: readonly (() => readonly string[])[] = [
  () => [...rowTables.filter((name) => name !== 'allowances').map(createTableSql), ...indexSql],
  () => version2Sql,
  () => version3Sql(),
  () => version4Sql,
  () => version5Sql,
  () => version6Sql,
  () => version7Sql,
  () => version8Sql,
  () => version9Sql,
];

export const databaseVersion = migrations.length;

/** Rejects with `newer-database` for one that this program does not know, or with `damaged` for a stranger's file. */
export async function checkOwner(connection: Session, path: string): Promise<void> {
  const found = await readNumber(connection, 'user_version');
  const owner = await readNumber(connection, 'application_id');
  if (!(await isEmptyDatabase(connection)) && owner !== applicationId) {
    throw new StoreError('damaged', `${path} is a database of another program: choose another data directory`);
  }
  if (found > databaseVersion) {
    throw new StoreError(
      'newer-database',
      `${path} is version ${String(found)} and this program knows versions up to ${String(databaseVersion)}: run the newer program, or restore a backup from before it`,
    );
  }
}

/**
 * Brings the database of this program to this version. `onOlder` is told of one that has to be changed before that begins: with much in
 * it, it takes minutes.
 */
export async function migrate(
  connection: Connection,
  path: string,
  onOlder: (found: number) => void = () => undefined,
): Promise<void> {
  await connection.exclusive(async (session) => {
    const found = await readNumber(session, 'user_version');
    const isEmpty = await isEmptyDatabase(session);
    const isOlder = !isEmpty && found < databaseVersion;
    if (isOlder) {
      onOlder(found);
      // An index of many rows is sorted where the data lie: neither memory nor a small /tmp may have room for it.
      process.env.SQLITE_TMPDIR ??= dirname(path);
      await session.exec('PRAGMA temp_store = FILE');
    }
    for (const [offset, statements] of migrations.slice(found).entries()) {
      await apply(session, statements(), found + offset + 1);
    }
    if (isOlder) await session.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA temp_store = MEMORY');
    await checkColumns(session, path);
  });
}

async function apply(session: Session, statements: readonly string[], version: number): Promise<void> {
  await session.exec('BEGIN IMMEDIATE');
  try {
    for (const statement of statements) await session.exec(statement);
    await session.exec(`PRAGMA application_id = ${String(applicationId)}; PRAGMA user_version = ${String(version)}`);
    await session.exec('COMMIT');
  } catch (error) {
    await session.exec('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** A table that is not as described would fail at the first commit: better now. */
export async function checkColumns(session: Session, path: string): Promise<void> {
  for (const name of rowTables) {
    const rows = await session.all(`SELECT name FROM pragma_table_info('${name}')`);
    const present = new Set(rows.map((row) => row.name));
    const missing = Object.keys({ ...tableOf(name).columns, ...derivedColumns[name] }).filter(
      (member) => !present.has(member),
    );
    if (missing.length > 0) {
      throw new StoreError(
        'damaged',
        `${path}: table ${name} has no column ${missing.join(', ')}: the file was changed by hand or made by an unreleased program`,
      );
    }
  }
}

async function isEmptyDatabase(session: Session): Promise<boolean> {
  return (await session.all('SELECT 1 FROM sqlite_schema LIMIT 1')).length === 0;
}

async function readNumber(session: Session, pragma: string): Promise<number> {
  const [row] = await session.all(`PRAGMA ${pragma}`);
  return Number(row?.[pragma] ?? 0);
}
