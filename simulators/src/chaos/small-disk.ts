/** A file system of its own that is small enough to fill: tmpfs, which only root may mount. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface SmallDisk {
  /** Takes all the room that is left. */
  fill(): void;
  /** Gives back what `fill` took. */
  free(): void;
  /** Idempotent. */
  unmount(): void;
}

const ballastName = 'ballast';

/** Why no small file system can be had here; undefined when it can. */
export function smallDiskProblem(): string | undefined {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-mount-'));
  try {
    const problem = mount(directory, 1024 * 1024);
    if (problem !== undefined) return `a small file system cannot be mounted (${problem}) — enable with: run as root`;
    unmount(directory);
    return undefined;
  } finally {
    rmdirSync(directory);
  }
}

/** @throws Error when this user may not mount */
export function mountSmallDisk(directory: string, bytes: number): SmallDisk {
  mkdirSync(directory, { recursive: true });
  const problem = mount(directory, bytes);
  if (problem !== undefined) throw new Error(`cannot mount a file system on ${directory}: ${problem}`);
  let isMounted = true;
  const ballast = path.join(directory, ballastName);
  return {
    fill() {
      const file = openSync(ballast, 'a');
      try {
        // Large pieces first; the last ones take what a page leaves.
        for (const piece of [256 * 1024, 4_096, 1]) while (tryWrite(file, Buffer.alloc(piece, 1)));
      } finally {
        closeSync(file);
      }
    },
    free() {
      rmSync(ballast, { force: true });
    },
    unmount() {
      if (!isMounted) return;
      isMounted = false;
      unmount(directory);
    },
  };
}

function tryWrite(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

function mount(directory: string, bytes: number): string | undefined {
  const { status, stderr, error } = spawnSync(
    'mount',
    ['-t', 'tmpfs', '-o', `size=${String(bytes)},mode=0700`, 'tmpfs', directory],
    { encoding: 'utf8' },
  );
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim();
}

function unmount(directory: string): void {
  // Lazily: a process that is being killed may still hold a file in it.
  spawnSync('umount', ['-l', directory]);
}
