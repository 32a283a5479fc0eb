/**
 * Moves the write-ahead log into the database beside the commits. A log can only begin anew when all of it has been moved, which under
 * steady writing never happens by itself: then the little that is left is moved between two commits. As long as somebody reads an
 * old moment (a backup does), the log goes on growing; what piled up is moved beside, too, however much it is.
 */
import type { Logger } from '@gatehouse/shared';
import type { Connection, Session } from './connection.js';
import { storeErrorFrom } from './errors.js';

export interface Checkpoints {
  /** Something was committed that has about so many bytes in the log. */
  onWritten(bytes: number): void;
}

export interface CheckpointParts {
  readonly writer: Connection;
  /** Does what may take long. */
  readonly beside: Connection;
  /** Size of the log's file. */
  readonly logBytes: () => Promise<number>;
  readonly path: string;
  readonly logger: Logger;
}

/** Bytes written after which the log is moved: pages that are written again and again are moved once. */
const checkpointBytes = 24 * 1024 * 1024;
/** Pages in the log after which it should begin anew: 64 MB. */
const longLogPages = 16_000;
/** What is worth moving beside once more before the rest is moved between two commits. */
const smallRestPages = 500;
/** Times that a long log is moved beside in a row; with each the rest is what was committed meanwhile. */
const maxTries = 3;
/** What may be moved between two commits unless the disk is too slow for anything better: 32 MB. */
const maxRestPages = 8_000;
/** Size of the file that is kept for the next log. */
const keptLogBytes = 64 * 1024 * 1024;
/** A longer file is cut by so much each time that the log begins anew: the commit that does it waits for the file system. */
const cutBytes = 8 * 1024 * 1024;

export function createCheckpoints({ writer, beside, logBytes, path, logger }: CheckpointParts): Checkpoints {
  let bytesSince = 0;
  let isRunning = false;
  /** What the log's file is cut to when it begins anew. */
  let limitBytes = Infinity;

  const run = async (): Promise<void> => {
    // Before the log is moved: once it is, it may begin anew, and is cut then.
    await limitCut();
    let { logPages, restPages } = await checkpoint(beside);
    if (logPages < longLogPages) return;
    let isMoving = true;
    for (let tries = 1; tries < maxTries && restPages > smallRestPages && isMoving; tries += 1) {
      const movedBefore = logPages - restPages;
      ({ logPages, restPages } = await checkpoint(beside));
      isMoving = logPages - restPages > movedBefore;
    }
    // Nothing moves while an old moment is read. Something always moves and never catches up: commits have to wait for the disk.
    if (isMoving || restPages <= smallRestPages) await checkpointBetween(restPages);
  };

  const limitCut = async (): Promise<void> => {
    const nextBytes = Math.max(keptLogBytes, (await logBytes()) - cutBytes);
    if (nextBytes === limitBytes) return;
    await writer.exec(`PRAGMA main.journal_size_limit = ${String(nextBytes)}`);
    limitBytes = nextBytes;
  };

  const checkpointBetween = async (restPages: number): Promise<void> => {
    if (restPages > maxRestPages) logger.warn({ restPages }, 'the disk is slow: commits wait for the write-ahead log');
    await checkpoint(writer);
  };

  return {
    onWritten(bytes) {
      bytesSince += bytes;
      if (isRunning || bytesSince < checkpointBytes) return;
      isRunning = true;
      bytesSince = 0;
      run()
        .catch((error: unknown) => {
          const failure = storeErrorFrom(error, path);
          if (failure.code !== 'closed') logger.warn({ code: failure.code }, `checkpoint: ${failure.message}`);
        })
        .finally(() => {
          isRunning = false;
        });
    },
  };
}

/** How long the log is, and how much of it is not in the database yet. */
async function checkpoint(connection: Session): Promise<{ logPages: number; restPages: number }> {
  const [row] = await connection.all('PRAGMA main.wal_checkpoint(PASSIVE)');
  const logPages = Math.max(0, Number(row?.log));
  return { logPages, restPages: logPages - Math.max(0, Number(row?.checkpointed)) };
}
