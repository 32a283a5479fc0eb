/**
 * One SQLite connection. Its statements run one after the other: statements of two callers that mix on one connection share
 * their transactions, and each waiting one would hold a thread of Node's pool.
 */
import sqlite3 from 'sqlite3';
import { StoreError } from '../../../app/ports.js';
import { storeErrorFrom } from './errors.js';

export type Parameter = string | number | null;
export type SqlRow = Record<string, unknown>;

/** What can be done while no other statement comes between. */
export interface Session {
  /** Several statements without parameters. */
  exec(sql: string): Promise<void>;
  /** Answers how many rows changed. */
  run(sql: string, parameters?: readonly Parameter[]): Promise<number>;
  all(sql: string, parameters?: readonly Parameter[]): Promise<SqlRow[]>;
}

export interface Connection extends Session {
  /** Keeps other statements out until `work` ends. */
  exclusive<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Waits for what runs, then closes. May be called twice. */
  close(): Promise<void>;
}

const maxCachedStatements = 128;
/** Callers that wait for one connection; more are turned away. */
const maxWaitingCalls = 10_000;

/** Rejects with a StoreError that names `path`, as every method does. `mode`: flags of SQLite. */
export async function openConnection(
  path: string,
  mode = sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE,
): Promise<Connection> {
  const database = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened = new sqlite3.Database(path, mode, (error) => {
      if (error === null) resolve(opened);
      else reject(storeErrorFrom(error, path));
    });
  });
  return createConnection(database, path);
}

function createConnection(database: sqlite3.Database, path: string): Connection {
  const statements = new Map<string, sqlite3.Statement>();
  let tail: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let closing: Promise<void> | null = null;

  const call = <T>(start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      start((error, value) => {
        if (error === null) resolve(value as T);
        else reject(storeErrorFrom(error, path));
      });
    });

  const prepare = async (sql: string): Promise<sqlite3.Statement> => {
    const cached = statements.get(sql);
    if (cached !== undefined) {
      statements.delete(sql);
      statements.set(sql, cached);
      return cached;
    }
    let statement: sqlite3.Statement | undefined;
    await call((done) => {
      statement = database.prepare(sql, done);
    });
    if (statement === undefined) throw new StoreError('io', `${path}: no statement was prepared`);
    statements.set(sql, statement);
    const [oldest] = statements.keys();
    if (statements.size > maxCachedStatements && oldest !== undefined) await finalize(oldest);
    return statement;
  };
  const finalize = async (sql: string): Promise<void> => {
    const statement = statements.get(sql);
    statements.delete(sql);
    await call((done) => statement?.finalize(() => done(null)));
  };

  const session: Session = {
    exec: (sql) => call((done) => database.exec(sql, done)),
    async run(sql, parameters = []) {
      const statement = await prepare(sql);
      return call<number>((done) => {
        statement.run(parameters, function (error) {
          done(error, this.changes);
        });
      });
    },
    // `all`, never `get`: a statement read to its end lets go of its snapshot, so that the write-ahead log can be recycled.
    async all(sql, parameters = []) {
      const statement = await prepare(sql);
      return call<SqlRow[]>((done) => statement.all(parameters, done));
    },
  };

  const exclusive = <T>(work: (inner: Session) => Promise<T>): Promise<T> => {
    if (closing !== null) return Promise.reject(new StoreError('closed', `${path} is closed`));
    if (waiting >= maxWaitingCalls) {
      return Promise.reject(new StoreError('io', `${path}: more than ${String(maxWaitingCalls)} calls are waiting`));
    }
    waiting += 1;
    const result = tail.then(() => work(session));
    tail = result.then(
      () => (waiting -= 1),
      () => (waiting -= 1),
    );
    return result;
  };

  return {
    exclusive,
    exec: (sql) => exclusive((inner) => inner.exec(sql)),
    run: (sql, parameters) => exclusive((inner) => inner.run(sql, parameters)),
    all: (sql, parameters) => exclusive((inner) => inner.all(sql, parameters)),
    close() {
      closing ??= tail.then(async () => {
        for (const sql of [...statements.keys()]) await finalize(sql);
        await call((done) => {
          database.close(done);
        });
      });
      return closing;
    },
  };
}
