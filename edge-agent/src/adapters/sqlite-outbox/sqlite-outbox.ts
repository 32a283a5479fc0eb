/**
 * The durable outbox on SQLite: write-ahead log, flushed at every commit, one connection that keeps the file to itself. An append
 * is one statement, so one trip to the thread pool and one flush.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { genesisHash, hex128Schema, silentLogger } from '@gatehouse/shared/edge';
import type { Clock, Logger, Sha256 } from '@gatehouse/shared/edge';
import { OutboxError } from '../../app/ports.js';
import type { EpochBeginning, LossCount, OutboxEvent, OutboxStore, OutboxWrite } from '../../app/ports.js';
import { applyLoss, checkWrite, createAcknowledgements, noLoss, outboxBoundsDefaults } from '../outbox-rules.js';
import type { AcknowledgementMark, Acknowledgements, OutboxBounds } from '../outbox-rules.js';
import { numberOf, textOf } from './connection.js';
import type { Connection, Row, Statement } from './connection.js';
import { openLossFile } from './loss-file.js';
import type { LossFile } from './loss-file.js';
import { openDatabase, prepareDirectory, suspectName } from './open-database.js';
import { commitSql, hashSql, readSql, stagedTableSql, stageSql, trimmableSql, trimSql, unstageSql } from './schema.js';

export interface SqliteOutboxOptions {
  /** Made if it is not there. */
  readonly directory: string;
  readonly sha256: Sha256;
  /** Names files set aside. */
  readonly clock: Clock;
  readonly logger?: Logger;
  readonly bounds?: Partial<OutboxBounds>;
  /** How long to wait for a former process to let go; default 1000. */
  readonly busyTimeoutMs?: number;
  readonly maxCheckedBytes?: number;
  readonly keptDamagedFiles?: number;
  readonly maxPages?: number;
}

interface Statements {
  readonly commit: Statement;
  readonly trim: Statement;
  readonly read: Statement;
  readonly hash: Statement;
  readonly trimmable: Statement;
}

/** What the head row of the database says, kept in step with it. */
interface Head {
  epoch: string;
  oldest: number;
  baseHash: string;
  next: number;
  lastHash: string;
  bytes: number;
  /** May be ahead of the database: it is written along with the next append or trim. */
  acked: number;
  accounted: LossCount;
}

interface Opened {
  readonly connection: Connection;
  readonly statements: Statements;
  readonly lossFile: LossFile;
  readonly notes: Map<string, string>;
  readonly head: Head;
  acknowledgements: Acknowledgements;
  unwrittenMark: AcknowledgementMark | undefined;
  acknowledgedUnwritten: boolean;
  commitsSinceCheckpoint: number;
  /** The checkpoint that is under way, or was the last. */
  checkpoint: Promise<void>;
}

/** Each writes a few pages of the write-ahead log, so that it stays at some megabytes. */
const commitsBetweenCheckpoints = 256;

export function createSqliteOutbox(options: SqliteOutboxOptions): OutboxStore {
  const { sha256, directory } = options;
  const logger = options.logger ?? silentLogger;
  const bounds: OutboxBounds = { ...outboxBoundsDefaults, ...options.bounds };
  let opened: Opened | undefined;

  const use = async <T>(action: (store: Opened) => Promise<T>): Promise<T> => {
    if (opened === undefined) throw new OutboxError('closed', 'the outbox is not open');
    try {
      return await action(opened);
    } catch (error) {
      if (error instanceof OutboxError && error.code === 'damaged') await markSuspect(directory, error, logger);
      throw error;
    }
  };

  const commit = async (store: Opened, write: OutboxWrite): Promise<void> => {
    const { head, notes } = store;
    const unacknowledgedEvents = head.next - 1 - Math.max(head.acked, head.oldest - 1);
    const fill = { next: head.next, unacknowledgedEvents, keptBytes: head.bytes, notes };
    const { bytes } = checkWrite(write, fill, bounds);
    const next = head.next + write.events.length;
    const lastHash = write.events.at(-1)?.hash ?? head.lastHash;
    const loss = write.accountedLoss ?? noLoss;
    await store.statements.commit.run([
      null,
      rowsOf(write.events),
      JSON.stringify([...(write.notes ?? [])]),
      next,
      lastHash,
      head.bytes + bytes,
      head.acked,
      store.unwrittenMark === undefined ? null : JSON.stringify(store.unwrittenMark),
      loss.events,
      loss.entries,
      loss.exits,
    ]);
    Object.assign(head, { next, lastHash, bytes: head.bytes + bytes });
    head.accounted = applyLoss(head.accounted, loss, 1);
    store.commitsSinceCheckpoint += 1;
    committed(store, write.notes ?? new Map());
    if (write.accountedLoss !== undefined) await mirrorAccounted(store);
  };

  const committed = (store: Opened, notes: ReadonlyMap<string, string | null>): void => {
    store.unwrittenMark = undefined;
    store.acknowledgedUnwritten = false;
    for (const [name, value] of notes) {
      if (value === null) store.notes.delete(name);
      else store.notes.set(name, value);
    }
  };

  const beginEpoch = async (store: Opened, epoch: string, beginning: EpochBeginning): Promise<void> => {
    const { connection, statements, head } = store;
    const genesis = genesisHash(sha256, epoch);
    await connection.exec('BEGIN IMMEDIATE');
    try {
      const { next, lastHash, bytes } = await stage(connection, beginning, genesis, bounds);
      const notes = beginning.notes();
      checkWrite({ events: [], notes }, { next, unacknowledgedEvents: 0, keptBytes: 0, notes: store.notes }, bounds);
      const noLosses = [null, 0, 0, 0];
      const news = JSON.stringify({ epoch, genesis });
      await statements.commit.run([news, '[]', JSON.stringify([...notes]), next, lastHash, bytes, 0, ...noLosses]);
      await connection.exec(`${unstageSql}; COMMIT`);
      Object.assign(head, { epoch, oldest: 1, baseHash: genesis, next, lastHash, bytes, acked: 0 });
      store.acknowledgements = createAcknowledgements([]);
      committed(store, notes);
    } catch (error) {
      // After a failure of the disk SQLite has often done so already.
      await connection.exec('ROLLBACK').catch((rollback: unknown) => {
        logger.debug({ error: String(rollback) }, 'nothing was left to take back');
      });
      throw error;
    }
  };

  /**
   * Moves the log into the database. Flushes twice more, and a commit that comes meanwhile waits: so it is done when an acknowledgement
   * came, behind which nobody stands at a gate and waits for his own.
   */
  const checkpointIfDue = (store: Opened): void => {
    if (store.commitsSinceCheckpoint < commitsBetweenCheckpoints) return;
    store.commitsSinceCheckpoint = 0;
    store.checkpoint = store.connection.exec('PRAGMA wal_checkpoint(PASSIVE)').catch((error: unknown) => {
      logger.debug({ error: String(error) }, 'the log of the outbox is moved another time');
    });
  };

  /** The events are committed; that the loss file learns of it too only matters if the database is lost later. */
  const mirrorAccounted = async ({ lossFile, head }: Opened): Promise<void> => {
    await lossFile.setAccounted(head.accounted).catch((error: unknown) => {
      logger.warn({ error: String(error) }, 'the loss file could not be brought up to date');
    });
  };

  const trim = async (store: Opened, bound: Parameters<OutboxStore['trim']>[0]): Promise<void> => {
    const { head, statements, acknowledgements } = store;
    const agedUpTo = acknowledgements.upToBefore(bound.ackedBeforeMs);
    // By age or by number of events: all up to here.
    const goesUpTo = Math.max(agedUpTo, head.next - 1 - bound.maxEvents);
    const mayGo = goesUpTo >= head.oldest || head.bytes > bound.maxBytes;
    const rows = mayGo ? await statements.trimmable.all([head.acked, bound.maxRows]) : [];
    const cut = cutOf(rows, goesUpTo, head.bytes, bound.maxBytes);
    if (cut === undefined && !store.acknowledgedUnwritten) return;
    const upTo = cut?.seq ?? head.oldest - 1;
    acknowledgements.forgetBelow(upTo + 1);
    const bytes = cut?.bytesLeft ?? head.bytes;
    const baseHash = cut?.hash ?? head.baseHash;
    await statements.trim.run([upTo, baseHash, bytes, head.acked, JSON.stringify(acknowledgements.marks())]);
    Object.assign(head, { oldest: upTo + 1, bytes, baseHash });
    store.unwrittenMark = undefined;
    store.acknowledgedUnwritten = false;
  };

  const close = async (): Promise<void> => {
    const store = opened;
    opened = undefined;
    if (store === undefined) return;
    try {
      if (store.acknowledgedUnwritten) await trim(store, nothingToTrim);
    } catch (error) {
      logger.warn({ error: String(error) }, 'the last acknowledgement could not be written; it will come again');
    }
    await store.checkpoint;
    for (const statement of Object.values(store.statements) as Statement[]) await statement.finalize();
    await store.connection.close();
    await store.lossFile.close();
  };

  return {
    async open(newEpoch) {
      if (opened !== undefined) throw new OutboxError('in-use', 'this outbox is open already');
      await prepareDirectory(directory);
      const lossFile = await openLossFile(join(directory, 'outbox.lost')).catch((error: unknown) => {
        throw fileError(error, directory);
      });
      try {
        const { connection, row, damaged } = await openDatabase({
          directory,
          newEpoch: hex128Schema.parse(newEpoch),
          expected: lossFile.existed,
          accountedLoss: lossFile.accounted,
          busyTimeoutMs: options.busyTimeoutMs ?? 1_000,
          maxCheckedBytes: options.maxCheckedBytes ?? 32 * 1024 * 1024,
          keptDamagedFiles: options.keptDamagedFiles ?? 3,
          maxPages: options.maxPages,
          clock: options.clock,
          sha256,
          logger,
        });
        opened = await load(connection, row, lossFile);
        const { epoch, oldest, next, acked, lastHash, bytes, accounted } = opened.head;
        const lost = applyLoss(lossFile.total, accounted, -1);
        const ackedAtMs = opened.acknowledgements.newestMs();
        return { epoch, oldest, next, acked, ackedAtMs, lastHash, bytes, notes: new Map(opened.notes), lost, damaged };
      } catch (error) {
        await lossFile.close();
        throw error;
      }
    },
    append: (write) => use((store) => commit(store, write)),
    beginEpoch: (epoch, beginning) => use((store) => beginEpoch(store, epoch, beginning)),
    read: (fromSeq, maxEvents, maxBytes) =>
      use(async ({ statements }) => {
        const rows = await statements.read.all([fromSeq, Math.max(1, maxEvents)]);
        return withinBytes(rows.map(eventOf), maxBytes);
      }),
    hashAt: (seq) =>
      use(async ({ head, statements }) => {
        if (seq === 0) return genesisHash(sha256, head.epoch);
        if (seq === head.next - 1) return head.lastHash;
        if (seq === head.oldest - 1) return head.baseHash;
        const [row] = await statements.hash.all([seq]);
        return row === undefined ? null : textOf(row, 'hash');
      }),
    acknowledge: (upTo, atMs) =>
      use((store) => {
        const capped = Math.min(upTo, store.head.next - 1);
        if (capped > store.head.acked) {
          store.head.acked = capped;
          const mark = store.acknowledgements.add(capped, atMs);
          // Two marks since the last write: only a trim writes them all.
          if (store.unwrittenMark === undefined || store.unwrittenMark.id === mark.id) store.unwrittenMark = mark;
          store.acknowledgedUnwritten = true;
          checkpointIfDue(store);
        }
        return Promise.resolve();
      }),
    rewind: (upTo) =>
      use(async (store) => {
        store.head.acked = Math.min(store.head.acked, upTo);
        store.acknowledgements.rewind(upTo);
        store.acknowledgedUnwritten = true;
        await trim(store, nothingToTrim);
      }),
    trim: (bound) =>
      use(async (store) => {
        await trim(store, bound);
        return store.head.oldest;
      }),
    countLoss: (loss) =>
      use(({ lossFile }) =>
        lossFile.add(loss).catch((error: unknown) => {
          throw fileError(error, directory);
        }),
      ),
    close,
  };
}

async function load(connection: Connection, row: Row, lossFile: LossFile): Promise<Opened> {
  const notes = await connection.all('SELECT name, value FROM note');
  const marks = await connection.all('SELECT id, started_ms, at_ms, up_to FROM acknowledgement ORDER BY id');
  const [commit, trim, read, hash, trimmable] = await Promise.all(
    ([commitSql, trimSql, readSql, hashSql, trimmableSql] as const).map((sql) => connection.prepare(sql)),
  );
  if (!commit || !trim || !read || !hash || !trimmable) throw new OutboxError('io', 'statements are missing');
  return {
    connection,
    statements: { commit, trim, read, hash, trimmable },
    lossFile,
    notes: new Map(notes.map((note) => [textOf(note, 'name'), textOf(note, 'value')])),
    head: {
      epoch: textOf(row, 'epoch'),
      oldest: numberOf(row, 'oldest'),
      baseHash: textOf(row, 'base_hash'),
      next: numberOf(row, 'next'),
      lastHash: textOf(row, 'last_hash'),
      bytes: numberOf(row, 'bytes'),
      acked: numberOf(row, 'acked'),
      accounted: {
        events: numberOf(row, 'accounted_events'),
        entries: numberOf(row, 'accounted_entries'),
        exits: numberOf(row, 'accounted_exits'),
      },
    },
    acknowledgements: createAcknowledgements(
      marks.map((mark) => ({
        id: numberOf(mark, 'id'),
        startedMs: numberOf(mark, 'started_ms'),
        atMs: numberOf(mark, 'at_ms'),
        upTo: numberOf(mark, 'up_to'),
      })),
    ),
    unwrittenMark: undefined,
    acknowledgedUnwritten: false,
    commitsSinceCheckpoint: 0,
    checkpoint: Promise.resolve(),
  };
}

/** Only writes what was acknowledged. */
const nothingToTrim = { ackedBeforeMs: 0, maxBytes: Infinity, maxEvents: Infinity, maxRows: 0 };

/** How far the rows may go: all up to `goesUpTo`, and as many more as the bytes are over their bound. */
function cutOf(
  rows: readonly Row[],
  goesUpTo: number,
  bytes: number,
  maxBytes: number,
): { readonly seq: number; readonly hash: string; readonly bytesLeft: number } | undefined {
  let bytesLeft = bytes;
  let cut: { seq: number; hash: string; bytesLeft: number } | undefined;
  for (const row of rows) {
    const seq = numberOf(row, 'seq');
    if (seq > goesUpTo && bytesLeft <= maxBytes) break;
    bytesLeft -= numberOf(row, 'bytes');
    cut = { seq, hash: textOf(row, 'hash'), bytesLeft };
  }
  return cut;
}

/** Writes the events of a new epoch step by step, out of the way of the old one's. */
async function stage(
  connection: Connection,
  beginning: EpochBeginning,
  genesis: string,
  bounds: OutboxBounds,
): Promise<{ readonly next: number; readonly lastHash: string; readonly bytes: number }> {
  await connection.exec(stagedTableSql);
  const statement = await connection.prepare(stageSql);
  let staged = { next: 1, lastHash: genesis, bytes: 0 };
  try {
    for (let events = await beginning.next(); events !== null; events = await beginning.next()) {
      const fill = { next: staged.next, unacknowledgedEvents: staged.next - 1, keptBytes: staged.bytes };
      const { bytes } = checkWrite({ events }, { ...fill, notes: new Map() }, bounds);
      await statement.run([rowsOf(events)]);
      const lastHash = events.at(-1)?.hash ?? staged.lastHash;
      staged = { next: staged.next + events.length, lastHash, bytes: staged.bytes + bytes };
    }
  } finally {
    await statement.finalize();
  }
  return staged;
}

function rowsOf(events: readonly OutboxEvent[]): string {
  return JSON.stringify(events.map((event) => [event.seq, event.hash, event.json]));
}

function eventOf(row: Row): OutboxEvent {
  return { seq: numberOf(row, 'seq'), hash: textOf(row, 'hash'), json: textOf(row, 'json') };
}

function withinBytes(events: OutboxEvent[], maxBytes: number): OutboxEvent[] {
  let bytes = 0;
  const beyond = events.findIndex((event) => {
    bytes += Buffer.byteLength(event.json);
    return bytes > maxBytes;
  });
  return beyond < 0 ? events : events.slice(0, Math.max(1, beyond));
}

async function markSuspect(directory: string, problem: OutboxError, logger: Logger): Promise<void> {
  await writeFile(join(directory, suspectName), problem.message).catch((error: unknown) => {
    logger.warn({ error: String(error) }, 'the outbox could not be marked as suspect');
  });
}

function fileError(error: unknown, directory: string): OutboxError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  const what = `the loss counter in ${directory} cannot be used (${code})`;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new OutboxError('full', what, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new OutboxError('unwritable', what, { cause: error });
  }
  return new OutboxError('io', what, { cause: error });
}
