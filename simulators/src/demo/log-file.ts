/** Log files of child processes: one a program, a few generations, each bounded when it is taken up again. */
import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log of more than this becomes an old generation at the next start. */
export const maxLogBytes = 5 * 1024 * 1024;
/** Old generations kept: `NAME.log.1` is the youngest. */
export const keptGenerations = 3;

/** Opens the log for appending, setting a long one aside first. Answers a file descriptor; the caller closes it. */
export function openLog(path: string, maxBytes = maxLogBytes): number {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path) && statSync(path).size > maxBytes) {
    for (let generation = keptGenerations - 1; generation >= 1; generation -= 1) {
      const from = `${path}.${String(generation)}`;
      if (existsSync(from)) renameSync(from, `${path}.${String(generation + 1)}`);
    }
    renameSync(path, `${path}.1`);
  }
  return openSync(path, 'a');
}

/** The last lines of a log, for a person who has to know why a process died. */
export function lastLines(path: string, lines: number): string[] {
  if (!existsSync(path)) return [];
  const file = openSync(path, 'r');
  try {
    const { size } = statSync(path);
    const bytes = Math.min(size, 16 * 1024);
    const buffer = Buffer.alloc(bytes);
    readSync(file, buffer, 0, bytes, size - bytes);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lines);
  } finally {
    closeSync(file);
  }
}
