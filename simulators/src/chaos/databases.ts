/** Reads the databases of the two programs as they are on disk, sharing no code with what wrote them. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sqlite3 from 'sqlite3';
import { until } from '../processes/index.js';

export interface StoredEvent {
  readonly edgeId: string;
  readonly epoch: string;
  readonly seq: number;
  readonly hash: string;
  readonly kind: string;
  readonly gateId: string | null;
  readonly body: string;
  /** EPOCH:SEQ:HASH under which it was committed first. */
  readonly origin: string | null;
}

export interface Outbox {
  readonly epoch: string;
  readonly oldest: number;
  readonly next: number;
  readonly acked: number;
  readonly events: readonly { readonly seq: number; readonly hash: string; readonly json: string }[];
}

export interface Books {
  readonly events: readonly StoredEvent[];
  /** Plate by the key of the arrival, EDGE:EPOCH:SEQ. */
  readonly plateOfArrival: ReadonlyMap<string, string>;
  /** Arrivals of which the centre says itself that it does not know what became of them: those of replaced outboxes, too. */
  readonly unknownArrivals?: readonly string[];
  readonly sessions: readonly {
    readonly sessionId: string;
    readonly slotId: string | null;
    readonly state: string;
    readonly plate: string | null;
  }[];
  readonly slots: readonly {
    readonly slotId: string;
    readonly state: string;
    readonly sessionId: string | null;
    readonly arrivalKey: string | null;
    readonly heldBy: string | null;
  }[];
  readonly ledger: { readonly count: number; readonly entriesTotal: number; readonly exitsTotal: number };
  readonly reviews: readonly {
    readonly kind: string;
    readonly edgeId: string | null;
    readonly gateId: string | null;
    readonly detail: string;
    readonly resolution: string | null;
  }[];
  readonly quarantined: number;
}

/** Rows of a database that may be open elsewhere, unless its owner keeps it to itself. */
export async function rowsOf<T>(
  file: string,
  sql: string,
  parameters: readonly (string | number)[] = [],
): Promise<T[]> {
  const database = await open(file);
  try {
    return await new Promise<T[]>((resolve, reject) => {
      database.all(sql, [...parameters], (error: Error | null, rows: T[]) => {
        if (error) reject(error);
        else resolve(rows);
      });
    });
  } finally {
    await new Promise((resolve) => {
      database.close(resolve);
    });
  }
}

/** Whether SQLite itself finds nothing wrong with it; of a program that is stopped. */
export async function isIntact(file: string): Promise<boolean> {
  const rows = await rowsOf<{ integrity_check: string }>(file, 'PRAGMA integrity_check');
  return rows.length === 1 && rows[0]?.integrity_check === 'ok';
}

/** Of an edge that is stopped. undefined when there is none. */
export async function readOutbox(dataDirectory: string): Promise<Outbox | undefined> {
  const file = path.join(dataDirectory, 'outbox.sqlite');
  if (!existsSync(file)) return undefined;
  const [head] = await rowsOf<Omit<Outbox, 'events'>>(file, 'SELECT epoch, oldest, next, acked FROM outbox');
  if (head === undefined) return undefined;
  return { ...head, events: await rowsOf(file, 'SELECT seq, hash, json FROM event ORDER BY seq') };
}

/** Vehicles that went out and that the edge could only count, ever: from the counter beside its outbox, which has two places. */
export function readLostExits(dataDirectory: string): number {
  const text = readFileSync(path.join(dataDirectory, 'outbox.lost'), 'latin1');
  const places = [0, placeBytes].flatMap((at) => {
    try {
      return [JSON.parse(text.slice(at, at + placeBytes - digestChars)) as { total: { exits: number } }];
    } catch {
      // Not written yet, or half written.
      return [];
    }
  });
  return Math.max(0, ...places.map(({ total }) => total.exits));
}

const placeBytes = 4_096;
const digestChars = 64;

export async function readBooks(aggregatorDirectory: string, siteId: string): Promise<Books> {
  const file = path.join(aggregatorDirectory, 'gatehouse.db');
  await followed(aggregatorDirectory);
  const ofSite = <T>(sql: string): Promise<T[]> => rowsOf<T>(file, sql, [siteId]);
  const arrivals = await ofSite<{ key: string; plate: string }>(
    `SELECT a.edgeId || ':' || a.epoch || ':' || a.seq AS key, c.value AS plate FROM arrivals AS a
      JOIN credentials AS c ON c.credentialId = a.credentialId WHERE a.siteId = ?1
     UNION SELECT e.edgeId || ':' || e.epoch || ':' || e.seq, c.value FROM events AS e
      JOIN credentials AS c ON c.credentialId = e.credentialId WHERE e.siteId = ?1 AND e.kind = 'vehicle-arrived'`,
  );
  const unknown = await ofSite<{ key: string }>(
    "SELECT edgeId || ':' || epoch || ':' || seq AS key FROM arrivals WHERE siteId = ? AND state IN ('frozen', 'unresolved')",
  );
  const [ledger] = await ofSite<Books['ledger']>(
    'SELECT count, entriesTotal, exitsTotal FROM ledgers WHERE siteId = ?',
  );
  const [quarantine] = await ofSite<{ rows: number }>('SELECT count(*) AS rows FROM quarantine WHERE siteId = ?');
  return {
    events: await ofSite(
      'SELECT edgeId, epoch, seq, hash, kind, gateId, body, origin FROM events WHERE siteId = ? ORDER BY edgeId, epoch, seq',
    ),
    unknownArrivals: unknown.map(({ key }) => key),
    plateOfArrival: new Map(arrivals.map(({ key, plate }) => [key, plate])),
    sessions: await ofSite(
      `SELECT s.sessionId, s.slotId, s.state, c.value AS plate FROM sessions AS s
        LEFT JOIN credentials AS c ON c.credentialId = s.credentialId WHERE s.siteId = ?`,
    ),
    slots: await ofSite('SELECT slotId, state, sessionId, arrivalKey, heldBy FROM slots WHERE siteId = ?'),
    ledger: ledger ?? { count: 0, entriesTotal: 0, exitsTotal: 0 },
    reviews: await ofSite('SELECT kind, edgeId, gateId, detail, resolution FROM reviews WHERE siteId = ?'),
    quarantined: quarantine?.rows ?? 0,
  };
}

/** Resolves when the tables of a running aggregator have taken over what it had committed when this was called. */
export async function followed(aggregatorDirectory: string): Promise<void> {
  const log = path.join(aggregatorDirectory, 'gatehouse.commits.db');
  const tables = path.join(aggregatorDirectory, 'gatehouse.db');
  // Stopped.
  if (!existsSync(log)) return;
  const [newest] = await rowsOf<{ logId: string; number: number | null }>(
    log,
    'SELECT logId, (SELECT max(number) FROM commits) AS number FROM owner',
  );
  await until(
    'the tables have followed the log of commits',
    async () => {
      const [position] = await rowsOf<{ logId: string; number: number }>(
        tables,
        'SELECT logId, number FROM commitPosition',
      );
      // Another log: it was started anew, and takes everything over at the start.
      return position?.logId !== newest?.logId || (position?.number ?? 0) >= (newest?.number ?? 0);
    },
    followDeadlineMs,
  );
}

const followDeadlineMs = 30_000;

/** A copy of a database as a backup makes it: whole, also while a program writes. The target must not be there. */
export async function saveCopy(file: string, target: string): Promise<void> {
  await rowsOf(file, 'VACUUM INTO ?', [target]);
}

function open(file: string): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const opened: sqlite3.Database = new sqlite3.Database(file, sqlite3.OPEN_READONLY, (error) => {
      if (error === null) resolve(opened);
      else reject(error);
    });
    opened.configure('busyTimeout', 5_000);
  });
}
