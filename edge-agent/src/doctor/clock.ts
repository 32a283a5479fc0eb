/** The clock: certificates and the times of events go by it; the order of events does not. */
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';

export interface ClockSeen {
  readonly nowMs: number;
  /** Undefined where nothing tells. */
  readonly isSynchronised: boolean | undefined;
  /** The program that keeps it, where one is known. */
  readonly keptBy: string | undefined;
  /** By how much it may be wrong at most, as the kernel says. */
  readonly maxErrorMs: number | undefined;
  /** Null: this machine has none. Undefined: nothing tells. */
  readonly hardwareClock: string | null | undefined;
  /** What the kernel counts time by. */
  readonly counter: string | undefined;
}

/** Before this there was no such program. */
const earliestMs = Date.UTC(2025, 0, 1);
const latestMs = Date.UTC(2100, 0, 1);

const remedy = 'let systemd-timesyncd or chrony keep it; look at "timedatectl"';

export function checkClock(seen: ClockSeen): Finding {
  const { nowMs, isSynchronised, keptBy, maxErrorMs } = seen;
  const { pass, warn, fail } = findingsOf('clock');
  const now = new Date(nowMs).toISOString();
  if (nowMs < earliestMs || nowMs > latestMs) {
    return fail(`says ${now}`, 'set the clock, and let systemd-timesyncd or chrony keep it');
  }
  const sources = sourcesInWords(seen);
  if (isSynchronised === undefined) return warn(`${now}; nothing here tells whether it is kept by NTP${sources}`);
  if (!isSynchronised) return warn(`${now}; not synchronised${sources}`, remedy);
  const by = keptBy === undefined ? '' : ` by ${keptBy}`;
  const within = maxErrorMs === undefined ? '' : `, at most ${String(Math.ceil(maxErrorMs))} ms off`;
  return pass(`${now}, synchronised${by}${within}${sources}`);
}

function sourcesInWords({ hardwareClock, counter }: ClockSeen): string {
  const hardware =
    hardwareClock === null
      ? '; no hardware clock, so it is wrong from a boot until NTP answers'
      : hardwareClock === undefined
        ? ''
        : `; hardware clock ${hardwareClock}`;
  return `${hardware}${counter === undefined ? '' : `; the kernel counts by ${counter}`}`;
}
