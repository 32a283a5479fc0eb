/**
 * Looks at an outbox without touching it. A running agent keeps its file to itself, and even a reader would leave files behind or
 * keep an agent from starting: so the files are copied, and the copy is looked at.
 */
import { constants, copyFile, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { genesisHash, nextHashOfText } from '@gatehouse/shared/edge';
import type { EdgeEvent, Sha256 } from '@gatehouse/shared/edge';
import { readVolume } from '@gatehouse/shared/node';
import { OutboxError } from '../../app/ports.js';
import type { LossCount, OutboxEvent } from '../../app/ports.js';
import { applyLoss } from '../outbox-rules.js';
import { numberOf, openConnection, textOf } from './connection.js';
import type { Connection, Row } from './connection.js';
import { readLosses } from './loss-file.js';
import { checkVersion, databaseName } from './open-database.js';
import { readSql } from './schema.js';

export interface OutboxInspection {
  readonly schemaVersion: number;
  readonly epoch: string;
  readonly oldest: number;
  readonly next: number;
  /** As written down: a running agent notes an acknowledgement along with the next event, and may know of more. */
  readonly acked: number;
  readonly unsentEvents: number;
  /** Wall-clock time of the oldest unsent event, ms since the Unix epoch. */
  readonly oldestUnsentAtMs: number | null;
  /** UTF-8 bytes of the events kept. */
  readonly eventBytes: number;
  /** Of the files on the disk. */
  readonly fileBytes: number;
  /** Not reported by an event yet. */
  readonly lost: LossCount;
  readonly verifiedEvents: number;
  /** What is damaged; empty when everything fits. */
  readonly problems: readonly string[];
  readonly lastEvents: readonly OutboxEvent[];
}

export interface InspectOptions {
  readonly directory: string;
  readonly sha256: Sha256;
  /** How many of the newest events are answered. */
  readonly lastEvents: number;
  /** Larger files are refused with the code `full`. */
  readonly maxFileBytes: number;
}

/** Files that change while they are copied, or a copy that was caught between two writes, are copied anew. */
const maxCopies = 5;
const rowsAtOnce = 500;
/** Salts and counters of a write-ahead log stand in its first bytes. */
const walHeaderBytes = 32;

/** Null when there is no outbox. @throws OutboxError `full`, `in-use`, `newer-database` or `io`. */
export async function inspectOutbox(options: InspectOptions): Promise<OutboxInspection | null> {
  const path = join(options.directory, databaseName);
  for (let copies = 1; ; copies += 1) {
    const fileBytes = await sizeOf(path);
    if (fileBytes === undefined) return null;
    const scratch = await makeScratch(fileBytes, options.maxFileBytes);
    try {
      const isWhole = await copyUnchanged(path, join(scratch, databaseName));
      const found = isWhole ? await lookAt(scratch, fileBytes, options) : undefined;
      if (found !== undefined && (found.problems.length === 0 || copies >= maxCopies)) return found;
      if (copies >= maxCopies)
        throw new OutboxError('in-use', `${path} changes faster than it can be copied: try again`);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  const bytes = async (file: string): Promise<number | undefined> => {
    try {
      return (await stat(file)).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unreadable(error, file);
    }
  };
  const main = await bytes(path);
  return main === undefined ? undefined : main + ((await bytes(`${path}-wal`)) ?? 0);
}

async function makeScratch(neededBytes: number, maxFileBytes: number): Promise<string> {
  if (neededBytes > maxFileBytes) {
    const sizes = `${String(neededBytes)} bytes, more than ${String(maxFileBytes)}`;
    throw new OutboxError('full', `the outbox is too large to be looked at here (${sizes})`);
  }
  const { freeBytes } = await readVolume(tmpdir());
  if (freeBytes < 2 * neededBytes) {
    const words = `needs ${String(2 * neededBytes)} bytes, ${tmpdir()} has ${String(freeBytes)}: set TMPDIR to a directory with room`;
    throw new OutboxError('full', `the copy that is looked at ${words}`);
  }
  return mkdtemp(join(tmpdir(), 'gatehouse-inspect-'));
}

/** Answers false when the originals changed meanwhile in a way that could leave the copy in pieces. */
async function copyUnchanged(path: string, copy: string): Promise<boolean> {
  const before = await signOf(path);
  try {
    await copyFile(path, copy, constants.COPYFILE_FICLONE);
    await copyFile(`${path}-wal`, `${copy}-wal`, constants.COPYFILE_FICLONE);
  } catch (error) {
    // A stopped agent leaves no log behind.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(error, path);
  }
  return before === (await signOf(path));
}

/** Of the database's own pages and of the log's generation; what is merely added to the log does not count. */
async function signOf(path: string): Promise<string> {
  const { mtimeNs, size } = await stat(path, { bigint: true });
  const header = Buffer.alloc(walHeaderBytes);
  try {
    const log = await open(`${path}-wal`, 'r');
    try {
      await log.read(header, 0, walHeaderBytes, 0);
    } finally {
      await log.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(error, path);
  }
  return `${String(mtimeNs)} ${String(size)} ${header.toString('hex')}`;
}

async function lookAt(scratch: string, fileBytes: number, options: InspectOptions): Promise<OutboxInspection> {
  const lost = await readLosses(join(options.directory, 'outbox.lost'));
  let connection: Connection | undefined;
  try {
    connection = await openConnection(join(scratch, databaseName), 0);
    return await readAll(connection, scratch, { fileBytes, lost, ...options });
  } catch (error) {
    if (!(error instanceof OutboxError) || error.code !== 'damaged') throw error;
    return { ...nothing, fileBytes, lost: applyLoss(lost.total, lost.accounted, -1), problems: [error.message] };
  } finally {
    await connection?.close();
  }
}

const nothing = {
  schemaVersion: 0,
  epoch: '',
  oldest: 0,
  next: 0,
  acked: 0,
  unsentEvents: 0,
  oldestUnsentAtMs: null,
  eventBytes: 0,
  verifiedEvents: 0,
  lastEvents: [],
};

interface Looking extends InspectOptions {
  readonly fileBytes: number;
  readonly lost: { readonly total: LossCount };
}

async function readAll(connection: Connection, scratch: string, looking: Looking): Promise<OutboxInspection> {
  await checkVersion(connection, join(scratch, databaseName));
  const [version] = await connection.all('PRAGMA user_version');
  const [pages] = await connection.all('PRAGMA quick_check(1)');
  const verdict = textOf(pages, 'quick_check');
  const [head] = await connection.all('SELECT * FROM outbox WHERE id = 1');
  if (head === undefined) throw new OutboxError('damaged', 'the outbox has no head');
  const chain = await verifyChain(connection, head, looking);
  const next = numberOf(head, 'next');
  const acked = numberOf(head, 'acked');
  const accounted = {
    events: numberOf(head, 'accounted_events'),
    entries: numberOf(head, 'accounted_entries'),
    exits: numberOf(head, 'accounted_exits'),
  };
  return {
    schemaVersion: numberOf(version, 'user_version'),
    epoch: textOf(head, 'epoch'),
    oldest: numberOf(head, 'oldest'),
    next,
    acked,
    unsentEvents: Math.max(0, next - 1 - acked),
    oldestUnsentAtMs: chain.oldestUnsentAtMs,
    eventBytes: chain.bytes,
    fileBytes: looking.fileBytes,
    lost: applyLoss(looking.lost.total, accounted, -1),
    verifiedEvents: chain.verified,
    problems: [...(verdict === 'ok' ? [] : [`the file is damaged (${verdict.slice(0, 120)})`]), ...chain.problems],
    lastEvents: chain.lastEvents,
  };
}

interface Chain {
  readonly verified: number;
  readonly bytes: number;
  readonly oldestUnsentAtMs: number | null;
  readonly lastEvents: readonly OutboxEvent[];
  readonly problems: readonly string[];
}

/** Recomputes every hash from the base on, and stops at the first that does not fit. */
async function verifyChain(connection: Connection, head: Row, { sha256, lastEvents: wanted }: Looking): Promise<Chain> {
  const oldest = numberOf(head, 'oldest');
  const next = numberOf(head, 'next');
  const firstUnsent = numberOf(head, 'acked') + 1;
  let hash = textOf(head, 'base_hash');
  let seq = oldest;
  let bytes = 0;
  let oldestUnsentAtMs: number | null = null;
  const lastEvents: OutboxEvent[] = [];
  const answer = (problem?: string): Chain => {
    const problems = problem === undefined ? [] : [problem];
    return { verified: seq - oldest, bytes, oldestUnsentAtMs, lastEvents, problems };
  };
  if (oldest === 1 && hash !== genesisHash(sha256, textOf(head, 'epoch'))) {
    return answer('the chain does not begin with the hash of its epoch');
  }
  const statement = await connection.prepare(readSql);
  try {
    while (seq < next) {
      const rows = await statement.all([seq, rowsAtOnce]);
      if (rows.length === 0) return answer(`event ${String(seq)} is missing`);
      for (const row of rows) {
        const event = { seq: numberOf(row, 'seq'), hash: textOf(row, 'hash'), json: textOf(row, 'json') };
        if (event.seq !== seq) return answer(`event ${String(seq)} is missing`);
        hash = nextHashOfText(sha256, hash, event.json);
        if (hash !== event.hash) return answer(`event ${String(seq)} does not fit the hash chain`);
        if (seq === firstUnsent) oldestUnsentAtMs = (JSON.parse(event.json) as EdgeEvent).atMs;
        bytes += Buffer.byteLength(event.json);
        if (next - seq <= wanted) lastEvents.push(event);
        seq += 1;
      }
    }
  } finally {
    await statement.finalize();
  }
  return answer(hash === textOf(head, 'last_hash') ? undefined : 'the last event and the head of the outbox disagree');
}

function unreadable(error: unknown, path: string): OutboxError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  return new OutboxError('io', `${path} cannot be read (${code})`, { cause: error });
}
