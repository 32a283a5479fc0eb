/** One connection to a SQLite file, with promises and with errors in the outbox's own terms. */
import sqlite3 from 'sqlite3';
import { OutboxError } from '../../app/ports.js';
import type { OutboxErrorCode } from '../../app/ports.js';

export type Row = Readonly<Record<string, unknown>>;
export type Parameters = readonly (string | number | null)[];

export interface Statement {
  run(parameters: Parameters): Promise<void>;
  all(parameters: Parameters): Promise<Row[]>;
  finalize(): Promise<void>;
}

export interface Connection {
  exec(sql: string): Promise<void>;
  all(sql: string): Promise<Row[]>;
  prepare(sql: string): Promise<Statement>;
  close(): Promise<void>;
}

type Done = (error: Error | null) => void;

function settle(action: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    action((error) => {
      if (error === null) resolve();
      else reject(outboxError(error));
    });
  });
}

function collect(action: (done: (error: Error | null, rows?: Row[]) => void) => void): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    action((error, rows) => {
      if (error === null) resolve(rows ?? []);
      else reject(outboxError(error));
    });
  });
}

/** Opens or creates; waits up to `busyTimeoutMs` for another process to let go. */
export async function openConnection(path: string, busyTimeoutMs: number): Promise<Connection> {
  const database = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(path, (error) => {
      if (error === null) resolve(opened);
      else reject(outboxError(error));
    });
  });
  database.configure('busyTimeout', busyTimeoutMs);
  return {
    exec: (sql) =>
      settle((done) => {
        database.exec(sql, done);
      }),
    all: (sql) =>
      collect((done) => {
        database.all<Row>(sql, done);
      }),
    prepare: async (sql) => {
      const statement = await new Promise<sqlite3.Statement>((resolve, reject) => {
        const prepared: sqlite3.Statement = database.prepare(sql, (error: Error | null) => {
          if (error === null) resolve(prepared);
          else reject(outboxError(error));
        });
      });
      return wrapStatement(statement);
    },
    close: () =>
      settle((done) => {
        database.close(done);
      }),
  };
}

function wrapStatement(statement: sqlite3.Statement): Statement {
  return {
    run: (parameters) =>
      settle((done) => {
        statement.run(parameters, done);
      }),
    all: (parameters) =>
      collect((done) => {
        // Resetting afterwards lets go of the read lock of a statement that was not stepped to its end.
        statement.all<Row>(parameters, done);
      }),
    finalize: () =>
      settle((done) => {
        statement.finalize(() => {
          done(null);
        });
      }),
  };
}

const codes: Readonly<Record<string, OutboxErrorCode>> = {
  SQLITE_FULL: 'full',
  SQLITE_IOERR: 'io',
  SQLITE_CORRUPT: 'damaged',
  SQLITE_NOTADB: 'damaged',
  SQLITE_BUSY: 'in-use',
  SQLITE_LOCKED: 'in-use',
  SQLITE_READONLY: 'unwritable',
  SQLITE_CANTOPEN: 'unwritable',
  SQLITE_PERM: 'unwritable',
  SQLITE_AUTH: 'unwritable',
  SQLITE_MISUSE: 'closed',
};

/** What SQLite says, as an outbox says it. Anything else is `io`: the store cannot be trusted to write. */
export function outboxError(error: Error): OutboxError {
  if (error instanceof OutboxError) return error;
  const code = codes[(error as { readonly code?: string }).code ?? ''] ?? 'io';
  return new OutboxError(code, error.message, { cause: error });
}

export function numberOf(row: Row | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== 'number') throw new OutboxError('damaged', `${column} is not a number`);
  return value;
}

export function textOf(row: Row | undefined, column: string): string {
  const value = row?.[column];
  if (typeof value !== 'string') throw new OutboxError('damaged', `${column} is not text`);
  return value;
}
