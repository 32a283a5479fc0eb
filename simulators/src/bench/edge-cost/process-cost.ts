/** What Linux counts of a process since it began: finer than processor time in ticks, for one that has little to do. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessCost {
  /** On a processor, all threads. */
  readonly processorNs: number;
  /** Times that a thread went to sleep of its own accord, all threads. */
  readonly wakeUps: number;
  /** Of pages made dirty, which storage is to take. */
  readonly storageBytes: number;
}

/** @throws Error when there is no such process, or it is another user's */
export function costOf(pid: number): ProcessCost {
  const folder = `/proc/${String(pid)}`;
  let processorNs = 0;
  let wakeUps = 0;
  for (const thread of readdirSync(`${folder}/task`)) {
    processorNs += Number(readFileSync(`${folder}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    wakeUps += numberIn(`${folder}/task/${thread}/status`, /^voluntary_ctxt_switches:\s+(\d+)/m);
  }
  return { processorNs, wakeUps, storageBytes: numberIn(`${folder}/io`, /^write_bytes: (\d+)/m) };
}

function numberIn(file: string, pattern: RegExp): number {
  const found = pattern.exec(readFileSync(file, 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${file} does not say ${String(pattern)}`);
  return Number(found);
}
