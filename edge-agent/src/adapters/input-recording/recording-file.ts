/** A recording on disk: a file that is appended to, and the one before it. Not flushed: it is worth no wear of the storage. */
import { mkdir, open, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock, Logger } from '@gatehouse/shared/edge';
import type { RecordingSink } from '../../app/ports.js';

/** Text that waits to be written, in characters, at most. */
export const maxPendingChars = 1024 * 1024;
/** How long a stop waits for what is pending. */
const stopTimeoutMs = 2_000;

export interface RecordingFileOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A file that cannot be written is given up until the next start: a recording is never worth the gate. */
export function createRecordingFile({ file, clock, logger }: RecordingFileOptions): RecordingSink {
  let handle: FileHandle | undefined;
  let pending: (string | typeof nextFile)[] = [];
  let pendingChars = 0;
  let writing: Promise<void> | undefined;

  const giveUp = async (error: unknown): Promise<void> => {
    logger.warn({ file, error: String(error) }, 'the recording cannot be written; it ends here');
    pending = [];
    pendingChars = 0;
    const closing = handle;
    handle = undefined;
    await closing?.close().catch((reason: unknown) => {
      logger.warn({ file, error: String(reason) }, 'the recording was not closed well');
    });
  };
  const drain = async (): Promise<void> => {
    try {
      while (pending.length > 0 && handle !== undefined) {
        const at = pending.indexOf(nextFile);
        const batch = pending.slice(0, at === -1 ? undefined : at).join('');
        pending = at === -1 ? [] : pending.slice(at + 1);
        pendingChars -= batch.length;
        if (batch !== '') await handle.appendFile(batch);
        if (at === -1) continue;
        await handle.close();
        await rename(file, `${file}.1`);
        handle = await open(file, 'a', 0o640);
      }
    } catch (error) {
      await giveUp(error);
    } finally {
      writing = undefined;
    }
  };
  const push = (piece: string | typeof nextFile): void => {
    pending.push(piece);
    // Not at once: what one happening brings is written together.
    writing ??= Promise.resolve().then(drain);
  };

  return {
    async start() {
      try {
        await mkdir(dirname(file), { recursive: true });
        handle = await open(file, 'a', 0o640);
        return (await handle.stat()).size;
      } catch (error) {
        await giveUp(error);
        return 0;
      }
    },
    append(text) {
      if (handle === undefined || pendingChars + text.length > maxPendingChars) return false;
      pendingChars += text.length;
      push(text);
      return true;
    },
    nextFile() {
      if (handle !== undefined) push(nextFile);
    },
    async stop() {
      let cancel: () => void = () => undefined;
      const late = new Promise<void>((resolve) => {
        cancel = clock.setTimer(stopTimeoutMs, resolve);
      });
      await Promise.race([(writing ?? Promise.resolve()).then(() => handle?.close()), late]);
      cancel();
      handle = undefined;
    },
  };
}

const nextFile = Symbol('next file');
