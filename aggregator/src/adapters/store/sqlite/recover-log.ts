/** Before a store is used: what an aggregator committed and did not come to write into the tables. */
import { rename } from 'node:fs/promises';
import type { Clock, Logger } from '@gatehouse/shared';
import { StoreError } from '../../../app/ports.js';
import { deleteCommitLog } from './commit-log.js';
import type { Connection, Session } from './connection.js';
import { attachLog, detachLog, hasLog, logStanding, takeOverAll } from './take-over.js';
import type { LogStanding } from './take-over.js';

export interface RecoveryPorts {
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Takes over what waits in the log at `path`, which is gone afterwards. One that belongs to other tables is kept under another name: the
 * tables were put in their place by hand, and nobody but a person can tell what is right.
 */
export async function recoverLog(writer: Connection, path: string, { clock, logger }: RecoveryPorts): Promise<void> {
  if (!(await hasLog(path))) return;
  const { waiting, isForeign } = await writer
    .exclusive((session) => takeOverFrom(session, path))
    .catch(explained(path));
  if (isForeign) {
    const kept = `${path}.of-another-store-${new Date(clock.wallMs()).toISOString().replace(/[:.]/g, '-')}`;
    for (const suffix of ['', '-wal']) await renameIfThere(`${path}${suffix}`, `${kept}${suffix}`);
    logger.warn({ kept }, 'the log of commits is of another store, which was here before: it is kept and not used');
  }
  if (waiting > 0) logger.info({ commits: waiting }, 'commits from before the program ended were taken over');
  await deleteCommitLog(path);
}

/** Takes over whatever waits in the log at `path`, which stays as it is. */
export async function takeOverFrom(session: Session, path: string): Promise<LogStanding> {
  await attachLog(session, path);
  try {
    const standing = await logStanding(session);
    if (standing.waiting > 0) await takeOverAll(session);
    return standing;
  } finally {
    await detachLog(session);
  }
}

/** What a person can do when a log cannot be taken over: restore, or go on without it. */
function explained(path: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof StoreError) || (error.code !== 'damaged' && error.code !== 'constraint')) throw error;
    const reason = error.code === 'damaged' ? 'it or the store is damaged' : 'the store cannot take it';
    throw new StoreError(
      error.code,
      `${path}, which holds the last commits, cannot be read into the store (${reason}): restore the latest backup, or move that file elsewhere to go on without the last moments before the program ended`,
      { cause: error },
    );
  };
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
