/** What a process uses, as Linux tells it. */
import { readFileSync } from 'node:fs';

/** Memory that is in RAM. @throws Error when there is no such process */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return Number(kibibytes) * 1024;
}
