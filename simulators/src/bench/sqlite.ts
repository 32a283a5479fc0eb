/** The callbacks of sqlite3 as promises, and nothing else: floors are measured with it. */
import sqlite3 from 'sqlite3';

/** @param mode of `sqlite3.OPEN_…`; default: it is made when it is not there */
export function openDatabase(file: string, mode?: number): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null): void => {
      if (error === null) resolve(database);
      else reject(error);
    };
    const database = mode === undefined ? new sqlite3.Database(file, done) : new sqlite3.Database(file, mode, done);
  });
}

/** Resolves when what is started is done. */
export function settled(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

export function prepareStatement(database: sqlite3.Database, sql: string): Promise<sqlite3.Statement> {
  return new Promise((resolve, reject) => {
    const statement = database.prepare(sql, (error: Error | null) => {
      if (error === null) resolve(statement);
      else reject(error);
    });
  });
}

export function allRows<Row>(database: sqlite3.Database, sql: string): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    database.all<Row>(sql, (error, rows) => {
      if (error === null) resolve(rows);
      else reject(error);
    });
  });
}

export async function closeDatabase(database: sqlite3.Database): Promise<void> {
  await settled((done) => {
    database.close(done);
  });
}
