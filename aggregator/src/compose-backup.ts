/** Backup, restore and verification of the store, assembled: the database, the audit log’s chain, and what the aggregator would load. */
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { createScaledClock, messageOf, silentLogger } from '@gatehouse/shared';
import { sha256, systemClock, systemRandom } from '@gatehouse/shared/node';
import { compactDatabase, copyDatabase, replaceDatabase } from './adapters/store/sqlite/backup.js';
import { databaseFile } from './adapters/store/sqlite/files.js';
import { createSqliteStore } from './adapters/store/sqlite/index.js';
import { inspectDatabase } from './adapters/store/sqlite/inspect.js';
import type { DatabaseSummary, OpenedDatabase } from './adapters/store/sqlite/inspect.js';
import { createAggregator } from './app/aggregator.js';
import { verifyAudit } from './app/operations/audit.js';
import { beginRecovery } from './app/operations/restore.js';
import type { CentreLink } from './app/ports.js';
import { createMemory, reloadMemory } from './app/turn/memory.js';
import { createMemoryDirectory } from './app/turn/memory-directory.js';
import type { Configuration } from './configuration.js';

export interface StoreReport extends DatabaseSummary {
  readonly file: string;
  /** Nothing is wrong with it. */
  readonly sound: boolean;
  /** The aggregator can run with it, whatever is wrong in it. */
  readonly usable: boolean;
  /** In words. */
  readonly problems: readonly string[];
  /** null when the audit log could not be read. */
  readonly audit: { readonly entries: number; readonly lastHash: string | null } | null;
}

export interface RestoreReport {
  /** What the backup held. */
  readonly backup: StoreReport;
  readonly store: string;
  /** Where the store that was there is now; null when there was none. */
  readonly replaced: string | null;
}

/** A backup or a store that is not to be used. */
export class UnsoundStoreError extends Error {
  override readonly name = 'UnsoundStoreError';
}

/** The database of a configuration. */
export function storeFile({ dataDir }: Pick<Configuration, 'dataDir'>): string {
  return join(resolve(dataDir), databaseFile);
}

/** Looks at a store, also one in use, or at a backup, and changes nothing. Rejects with an Error when it cannot be read at all. */
export async function verifyStore(file: string): Promise<StoreReport> {
  const database = await inspectDatabase(file);
  try {
    const problems = [...database.problems];
    const audit = database.isReadable ? await verifyAudit(database, sha256) : null;
    if (audit?.intact === false) problems.push(`the audit log is broken: ${audit.problem ?? ''}`);
    const loading = await loadingProblems(database);
    problems.push(...loading);
    return {
      file,
      sound: problems.length === 0,
      usable: database.isReadable && loading.length === 0,
      problems,
      ...database.summary,
      audit: audit === null ? null : { entries: audit.entries, lastHash: audit.lastHash },
    };
  } finally {
    await database.close();
  }
}

/**
 * Copies the store of `configuration`, also while the aggregator runs. The copy is verified before it gets its name. Rejects with an
 * UnsoundStoreError when nobody could use it; one that contradicts itself is better than none, and the report says how.
 */
export async function backUpStore(
  configuration: Pick<Configuration, 'dataDir'>,
  to: string,
  overwrite: boolean,
): Promise<StoreReport> {
  let report: StoreReport | undefined;
  await copyDatabase({
    directory: resolve(configuration.dataDir),
    to,
    overwrite,
    async check(copy) {
      report = await verifyStore(copy);
      if (!report.usable) throw unsound(report, 'the store cannot be backed up as it is');
    },
  });
  if (report === undefined) throw new Error(`${to} was not checked`);
  return { ...report, file: to };
}

/**
 * Puts the backup `from` in the place of the store. Rejects with an UnsoundStoreError when something is wrong with the backup, unless
 * `acceptProblems` and it is usable; with a StoreError `in-use` while an aggregator runs. The store is as it was then.
 */
export async function restoreStore(
  configuration: Configuration,
  from: string,
  acceptProblems = false,
): Promise<RestoreReport> {
  const check = (report: StoreReport): void => {
    if (!report.usable) throw unsound(report, `${from} is not restored`);
    if (report.sound || acceptProblems) return;
    throw unsound(report, `${from} is not restored without --accept-problems`);
  };
  if ((statSync(`${from}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) {
    throw new UnsoundStoreError(
      `${from} has a write-ahead log beside it: it is a store, not a backup; back it up first`,
    );
  }
  let backup: StoreReport | undefined;
  const replaced = await replaceDatabase({
    directory: resolve(configuration.dataDir),
    from,
    stamp: new Date(systemClock.wallMs()).toISOString().replace(/[:.]/g, '-'),
    async prepare(staging, file) {
      backup = await verifyStore(file);
      check(backup);
      await beginRecoveryIn(staging, configuration, basename(from), backup.newestEventAtMs);
      check(await verifyStore(file));
    },
  });
  if (backup === undefined) throw new Error(`${from} was not checked`);
  return { backup: { ...backup, file: from }, store: storeFile(configuration), replaced };
}

export interface CompactReport {
  readonly store: string;
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/**
 * Makes the store as small as what it holds. Rejects with a StoreError `in-use` while an aggregator runs, and with an
 * UnsoundStoreError when nobody could use what would take its place; the store is as it was then.
 */
export async function compactStore(configuration: Pick<Configuration, 'dataDir'>): Promise<CompactReport> {
  const sizes = await compactDatabase({
    directory: resolve(configuration.dataDir),
    async check(copy) {
      const report = await verifyStore(copy);
      if (!report.sound) throw unsound(report, 'the store stays as it is');
    },
  });
  return { store: storeFile(configuration), ...sizes };
}

/** Opens the copy as the aggregator does, which brings it to this version, and leaves word in it that it is a copy. */
async function beginRecoveryIn(
  directory: string,
  configuration: Configuration,
  backup: string,
  newestEventAtMs: number | null,
): Promise<void> {
  const scaled = configuration.simulation.clock;
  const aggregator = createAggregator(
    {
      clock: scaled === null ? systemClock : createScaledClock(systemClock, scaled),
      linkClock: systemClock,
      random: systemRandom,
      sha256,
      logger: silentLogger,
      store: createSqliteStore({ directory, logger: silentLogger, clock: systemClock }),
      link: noLink,
    },
    configuration.aggregator,
  );
  await aggregator.start();
  try {
    await aggregator.committer.execute((turn) => {
      beginRecovery(turn, aggregator.siteIds(), { by: 'restore', reason: `restored from ${backup}`, newestEventAtMs });
    });
  } finally {
    await aggregator.stop();
  }
}

/** Nobody hears what happens while a copy is prepared. */
const noLink: CentreLink = {
  start: () => Promise.resolve(),
  publish: () => Promise.resolve(),
  disconnect: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  status: () => ({ connected: false, clients: null }),
};

async function loadingProblems(database: OpenedDatabase): Promise<string[]> {
  if (!database.isLoadable) return [];
  try {
    const memory = createMemory(createMemoryDirectory({ maxRetiredEpochs: 1, maxCommands: 1 }));
    reloadMemory(memory, await database.load());
    return [];
  } catch (error) {
    return [`the aggregator could not load it: ${messageOf(error)}`];
  }
}

function unsound({ problems }: StoreReport, sentence: string): UnsoundStoreError {
  return new UnsoundStoreError([`${sentence}:`, ...problems.map((problem) => `  ${problem}`)].join('\n'));
}
