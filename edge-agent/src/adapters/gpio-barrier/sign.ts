/** A text sign behind a device, a FIFO or a file. At most one write is under way; of texts that come meanwhile the last one counts. */
import { constants } from 'node:fs';
import { open, rename, writeFile } from 'node:fs/promises';
import type { Logger } from '@gatehouse/shared/edge';
import type { SignSettings } from './settings.js';

export interface Sign {
  show(text: string): void;
  /** Resolves when nothing is under way any more. */
  idle(): Promise<void>;
}

const maxSignChars = 40;

export function createSign(settings: SignSettings, logger: Logger): Sign {
  let shown: string | undefined;
  let wanted = '';
  let writing: Promise<void> | undefined;
  let failing = false;

  const writeAll = async (): Promise<void> => {
    while (shown !== wanted) {
      const text = wanted;
      try {
        await writeSign(settings, text);
        failing = false;
      } catch (error) {
        if (!failing) logger.warn({ path: settings.path, error: String(error) }, 'the sign cannot be written');
        failing = true;
      }
      shown = text;
    }
  };

  return {
    show(text) {
      // Control characters could reconfigure a serial sign.
      wanted = [...text.replace(/\p{Cc}/gu, ' ')].slice(0, maxSignChars).join('');
      writing ??= writeAll().finally(() => {
        writing = undefined;
      });
    },
    idle: async () => {
      await writing;
    },
  };
}

async function writeSign({ path, mode, lineEnd }: SignSettings, text: string): Promise<void> {
  if (mode === 'replace') {
    await writeFile(`${path}.new`, `${text}\n`);
    await rename(`${path}.new`, path);
    return;
  }
  // Not waiting for the other end: a FIFO that nobody reads must not hold up the gate.
  const file = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    await file.write(`${text}${lineEnd}`);
  } finally {
    await file.close();
  }
}
