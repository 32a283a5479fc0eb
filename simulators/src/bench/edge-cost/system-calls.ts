/** Reads what strace wrote of a process: what went to files, and how often storage was asked to flush. */
import { spawnSync } from 'node:child_process';

/** @throws Error that says how to get it, where there is no strace */
export function needStrace(): void {
  if (spawnSync('strace', ['-V']).status === 0) return;
  throw new Error('strace is needed to count what is written: "apt-get install strace"');
}

/** Arguments of strace by which its output can be read here; the program to run follows. @param file where it writes to */
export function straceArguments(file: string): string[] {
  const calls = 'trace=write,writev,pwrite64,pwritev,fsync,fdatasync,sync_file_range,msync';
  return ['-f', '-qq', '-ttt', '-y', '-s', '0', '-e', calls, '-e', 'signal=none', '-o', file];
}

export interface Calls {
  /** fsync and fdatasync. */
  readonly syncs: number;
  readonly writes: number;
  readonly writtenBytes: number;
}

/** Counts calls on files below a folder, between two times in ms since the Unix epoch. @param text of strace */
export function callsOn(text: string, folder: string, fromMs: number, toMs: number): Calls {
  const calls = { syncs: 0, writes: 0, writtenBytes: 0 };
  for (const line of text.split('\n')) {
    // A call that another thread interrupts has a second line without its arguments, which counts no more.
    const found = /^\d+\s+(\d+\.\d+) (\w+)\(\d+<([^>]*)>(?:, [^,]*, (\d+))?/.exec(line);
    if (found === null) continue;
    const [, atSeconds = '', call = '', file = '', bytes] = found;
    const atMs = Number(atSeconds) * 1000;
    if (!file.startsWith(folder) || atMs < fromMs || atMs > toMs) continue;
    if (call === 'fsync' || call === 'fdatasync') calls.syncs += 1;
    else if (bytes !== undefined) {
      calls.writes += 1;
      calls.writtenBytes += Number(bytes);
    }
  }
  return calls;
}
