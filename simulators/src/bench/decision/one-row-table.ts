/** The least that keeps a row through a power cut: one table, one prepared statement, one row and one flush a commit. */
import sqlite3 from 'sqlite3';

export interface OneRowTable {
  /** Resolves when the row is on the disk. */
  commit(hash: string, json: string): Promise<void>;
  close(): Promise<void>;
}

/** The log is as long as it gets from the start: a commit that makes a file longer costs a flush of the file system's journal too. */
const logPages = 1_000;

export async function openOneRowTable(path: string): Promise<OneRowTable> {
  const database = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened = new sqlite3.Database(path, (error) => {
      if (error === null) resolve(opened);
      else reject(error);
    });
  });
  const exec = (sql: string): Promise<void> => call((done) => database.exec(sql, done));
  await exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
     CREATE TABLE event (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, json TEXT NOT NULL) STRICT;
     CREATE TABLE filler (content BLOB);
     INSERT INTO filler VALUES (zeroblob(${String(logPages * 4096)}));
     DROP TABLE filler;
     PRAGMA wal_checkpoint(RESTART);`,
  );
  const statement = await new Promise<sqlite3.Statement>((resolve, reject) => {
    const prepared = database.prepare('INSERT INTO event (hash, json) VALUES (?, ?)', (error: Error | null) => {
      if (error === null) resolve(prepared);
      else reject(error);
    });
  });
  return {
    commit: (hash, json) => call((done) => statement.run([hash, json], done)),
    async close() {
      await call((done) => statement.finalize(() => done(null)));
      await call((done) => {
        database.close(done);
      });
    },
  };
}

function call(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
