/**
 * The log of commits: what a commit writes before it is answered, one row in a file of its own, so that it costs a few pages and one
 * flush whatever it changes, and waits for nothing that is done to the tables. Made anew at each start.
 */
import { rm } from 'node:fs/promises';
import { openConnection } from './connection.js';
import type { Connection, Session } from './connection.js';
import { currentLayout, membersOf } from './change-texts.js';
import { makeDatabaseFile } from './directory.js';
import { quoted } from './schema.js';
import { createLogSql, logSchema } from './take-over.js';

export interface CommitLog {
  readonly connection: Connection;
  /** Stores a commit durably, and lets go of some that the tables have taken over up to the number `takenOver`. */
  append(number: number, texts: readonly (string | null)[], takenOver: number): Promise<void>;
  /**
   * Moves the write-ahead log into the log's own file when it has become long, so that it begins anew: most of it through `beside`, which
   * has the log attached, and the rest between two commits. Nothing may read the log meanwhile.
   */
  shorten(beside: Session): Promise<void>;
  /** Lets go of all that the tables have taken over, and of the pages that held it, now or earlier. */
  letGo(takenOver: number): Promise<void>;
}

/** More than come in, so that a log that grew gets short again; few enough that a commit is not kept waiting. */
const letGoAtOnce = 4;

/** Written to the log until its write-ahead log is moved: most rows are gone again before their pages are moved. */
const longBytes = 16 * 1024 * 1024;
/** Of the write-ahead log, once it has begun anew: it grows beyond `longBytes` while somebody copies the log. */
const keptBytes = 64 * 1024 * 1024;

const members = membersOf(currentLayout);
const names = members.map(quoted).join(', ');

const letGoSql = (upTo: string): string =>
  `DELETE FROM commits WHERE number IN (SELECT number FROM commits WHERE number <= ${upTo} ORDER BY number LIMIT ${String(letGoAtOnce)})`;

const appendSql = `INSERT INTO appended (takenOver, number, ${names}) VALUES (?, ?, ${members.map(() => '?').join(', ')})`;

/**
 * What a commit does not touch is handed over as an empty text, which is none of JSON: the binding looks at a null, and at every number,
 * several times before it knows what it is, and a commit touches few of the members.
 */
const untouched = '';

/** Its first statement frees the pages that its second one takes: nothing is written twice. */
const viewSql = [
  `CREATE TEMP VIEW appended AS SELECT NULL AS takenOver, NULL AS number, ${members.map((name) => `NULL AS ${quoted(name)}`).join(', ')};`,
  'CREATE TEMP TRIGGER append INSTEAD OF INSERT ON appended BEGIN',
  `${letGoSql('NEW.takenOver')};`,
  `INSERT INTO commits (number, ${names}) VALUES (NEW.number, ${members.map((name) => `nullif(NEW.${quoted(name)}, '${untouched}')`).join(', ')});`,
  'END',
].join('\n');

/** What the pages of the smallest commit weigh. */
const leastBytes = 8 * 1024;

/** What a commit weighs in the log, about. */
export function weightOf(texts: readonly (string | null)[]): number {
  return texts.reduce<number>((sum, text) => sum + (text?.length ?? 0), leastBytes);
}

/** Makes an empty log at `path`, where there is none, for the tables that have `logId`. Rejects with a StoreError. */
export async function createCommitLog(path: string, logId: string, maxPages: number | undefined): Promise<CommitLog> {
  await makeDatabaseFile(path);
  const connection = await openConnection(path);
  try {
    // FULL: a commit that was answered survives a power cut, as far as the disk keeps its word. FAST: pages that are let go of are not
    // filled with zeros, which would write most of them twice; commits that come later take them.
    await connection.exec(
      `PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
       PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0;
       PRAGMA journal_size_limit = ${String(keptBytes)}`,
    );
    await connection.exclusive(async (session) => {
      await session.exec('BEGIN IMMEDIATE');
      await fill(session, logId);
      await session.exec('COMMIT');
    });
    if (maxPages !== undefined) await connection.exec(`PRAGMA max_page_count = ${String(maxPages)}`);
    await connection.exec(viewSql);
  } catch (error) {
    await connection.close();
    throw error;
  }
  let bytesSince = 0;
  return {
    connection,
    async append(number, texts, takenOver) {
      await connection.run(appendSql, [takenOver, number, ...texts.map((text) => text ?? untouched)]);
      bytesSince += weightOf(texts);
    },
    async shorten(beside) {
      if (bytesSince < longBytes) return;
      bytesSince = 0;
      await beside.all(`PRAGMA ${logSchema}.wal_checkpoint(PASSIVE)`);
      await connection.all('PRAGMA main.wal_checkpoint(PASSIVE)');
    },
    async letGo(takenOver) {
      while ((await connection.run(letGoSql('?'), [takenOver])) > 0);
      // Made anew, of the few pages that are left: the file is cut when they are moved into it.
      await connection.exec('VACUUM');
      await connection.all('PRAGMA main.wal_checkpoint(PASSIVE)');
    },
  };
}

/** Deletes a log of which the tables have everything. */
export async function deleteCommitLog(path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
}

async function fill(session: Session, logId: string): Promise<void> {
  await session.exec(createLogSql(currentLayout));
  await session.run('INSERT INTO owner VALUES (?)', [logId]);
  let place = 0;
  for (const [name, columns] of currentLayout) {
    await session.run('INSERT INTO layout VALUES (?, ?, ?)', [name, place, JSON.stringify(columns)]);
    place += 1;
  }
}
