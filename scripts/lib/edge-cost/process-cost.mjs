/** What Linux counts of a process. */
import { readdirSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} ProcessCost since the process began
 * @property {number} cpuNs on a processor, all threads
 * @property {number} wakeUps times that a thread went to sleep of its own accord, all threads
 * @property {number} residentBytes now
 * @property {number} writeBytes bytes of pages made dirty, which storage is to take, as the kernel counts them
 */

/** @param {number} pid @returns {ProcessCost} */
export function costOf(pid) {
  let cpuNs = 0;
  let wakeUps = 0;
  for (const thread of readdirSync(`/proc/${String(pid)}/task`)) {
    const folder = `/proc/${String(pid)}/task/${thread}`;
    cpuNs += Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]);
    wakeUps += numberIn(`${folder}/status`, /^voluntary_ctxt_switches:\s+(\d+)/m);
  }
  return {
    cpuNs,
    wakeUps,
    residentBytes: 1024 * numberIn(`/proc/${String(pid)}/status`, /^VmRSS:\s+(\d+) kB/m),
    writeBytes: numberIn(`/proc/${String(pid)}/io`, /^write_bytes: (\d+)/m),
  };
}

/** @param {string} file @param {RegExp} pattern */
function numberIn(file, pattern) {
  const found = pattern.exec(readFileSync(file, 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${file} does not say ${String(pattern)}`);
  return Number(found);
}
