/** The least that keeps a row through a power cut: one table, one prepared statement, one row and one flush a commit. */
import { closeDatabase, openDatabase, prepareStatement, settled } from '../sqlite.js';

export interface OneRowTable {
  /** Resolves when the row is on the disk. */
  commit(hash: string, json: string): Promise<void>;
  close(): Promise<void>;
}

/** The log is as long as it gets from the start: a commit that makes a file longer costs a flush of the file system's journal too. */
const logPages = 1_000;

export async function openOneRowTable(path: string): Promise<OneRowTable> {
  const database = await openDatabase(path);
  await settled((done) =>
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
     CREATE TABLE event (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, json TEXT NOT NULL) STRICT;
     CREATE TABLE filler (content BLOB);
     INSERT INTO filler VALUES (zeroblob(${String(logPages * 4096)}));
     DROP TABLE filler;
     PRAGMA wal_checkpoint(RESTART);`,
      done,
    ),
  );
  const statement = await prepareStatement(database, 'INSERT INTO event (hash, json) VALUES (?, ?)');
  return {
    commit: (hash, json) => settled((done) => statement.run([hash, json], done)),
    async close() {
      await settled((done) => statement.finalize(() => done(null)));
      await closeDatabase(database);
    },
  };
}
