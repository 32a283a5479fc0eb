/** What a process uses, as Linux tells it. */
import { readFileSync } from 'node:fs';

/** What `/proc` counts processor time in, per second, on every Linux that Node.js runs on (proc(5), sysconf(3)). */
const ticksPerSecond = 100;

/** Memory that is in RAM, bytes. `mostSoFar`: at its highest. @throws Error when there is no such process */
export function residentBytes(pid: number, which: 'now' | 'mostSoFar' = 'now'): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  const kibibytes = new RegExp(`^${which === 'now' ? 'VmRSS' : 'VmHWM'}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return Number(kibibytes) * 1024;
}

/** Processor time of all its threads, user and system, seconds. @throws Error when there is no such process */
export function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  // The name, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
