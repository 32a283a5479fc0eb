/** What storage does to files that nobody expected: bytes in the middle become others, the end is missing. */
import { closeSync, openSync, readSync, statSync, truncateSync, writeSync } from 'node:fs';
import type { Random } from '@gatehouse/shared';

export type DamageKind = 'overwritten' | 'truncated';

const pageBytes = 4_096;

/** Answers what was done, for people. */
export function damageFile(file: string, kind: DamageKind, random: Random): string {
  const { size } = statSync(file);
  return kind === 'truncated' ? truncate(file, size, random) : overwrite(file, size, random);
}

/** Cuts the file somewhere in its second half, at any byte. */
function truncate(file: string, size: number, random: Random): string {
  const left = Math.floor(size * (0.5 + random.next() * 0.49));
  truncateSync(file, left);
  return `truncated from ${String(size)} to ${String(left)} bytes`;
}

/** Writes over a quarter of the pages after the first, each with bytes that were not there. */
function overwrite(file: string, size: number, random: Random): string {
  const pages = Math.floor(size / pageBytes);
  const handle = openSync(file, 'r+');
  let damaged = 0;
  try {
    for (let page = 1; page < pages; page += 1) {
      if (random.next() > 0.25 && !(page === Math.floor(pages / 2))) continue;
      const bytes = Buffer.alloc(pageBytes);
      readSync(handle, bytes, 0, pageBytes, page * pageBytes);
      const noise = Buffer.from(random.hex(pageBytes), 'hex');
      // The second half of each page: that is where its newest rows are.
      for (let index = pageBytes / 2; index < pageBytes; index += 1)
        bytes[index] = (bytes[index] ?? 0) ^ (noise[index] ?? 0);
      writeSync(handle, bytes, 0, pageBytes, page * pageBytes);
      damaged += 1;
    }
  } finally {
    closeSync(handle);
  }
  return `${String(damaged)} of ${String(pages)} pages overwritten`;
}
