/** Reads what strace wrote of a process: what went to files, and how often storage was asked to flush. */

/** Arguments of strace by which its output can be read here; the program to run follows.
 * @param {string} file where it writes to
 */
export const straceArguments = (file) => {
  const calls = 'trace=write,writev,pwrite64,pwritev,fsync,fdatasync,sync_file_range,msync';
  return ['-f', '-qq', '-ttt', '-y', '-s', '0', '-e', calls, '-e', 'signal=none', '-o', file];
};

/**
 * @typedef {object} Calls
 * @property {number} syncs fsync and fdatasync
 * @property {number} writes
 * @property {number} writtenBytes
 */

/** Counts calls on files below a folder, between two times in ms since the Unix epoch.
 * @param {string} text of strace
 * @param {string} folder
 * @param {number} fromMs
 * @param {number} toMs
 * @returns {Calls}
 */
export function callsOn(text, folder, fromMs, toMs) {
  const calls = { syncs: 0, writes: 0, writtenBytes: 0 };
  for (const line of text.split('\n')) {
    // A call that another thread interrupts has a second line without its arguments, which counts no more.
    const found = /^\d+\s+(\d+\.\d+) (\w+)\(\d+<([^>]*)>(?:, [^,]*, (\d+))?/.exec(line);
    if (found === null) continue;
    const [, atSeconds = '', call = '', path = '', bytes] = found;
    const atMs = Number(atSeconds) * 1000;
    if (!path.startsWith(folder) || atMs < fromMs || atMs > toMs) continue;
    if (call === 'fsync' || call === 'fdatasync') calls.syncs += 1;
    else if (bytes !== undefined) {
      calls.writes += 1;
      calls.writtenBytes += Number(bytes);
    }
  }
  return calls;
}
