/** The clock: certificates and the times of events go by it; the order of events does not. */
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';

export interface ClockSeen {
  readonly nowMs: number;
  /** Undefined where nothing tells. */
  readonly isSynchronised: boolean | undefined;
  readonly hasHardwareClock: boolean | undefined;
}

/** Before this there was no such program. */
const earliestMs = Date.UTC(2025, 0, 1);
const latestMs = Date.UTC(2100, 0, 1);

export function checkClock({ nowMs, isSynchronised, hasHardwareClock }: ClockSeen): Finding {
  const { pass, warn, fail } = findingsOf('clock');
  const now = new Date(nowMs).toISOString();
  if (nowMs < earliestMs || nowMs > latestMs) {
    return fail(`says ${now}`, 'set the clock, and let systemd-timesyncd or chrony keep it');
  }
  if (isSynchronised === undefined) return warn(`${now}; nothing here tells whether it is kept by NTP`);
  if (!isSynchronised) {
    return warn(`${now}; not synchronised`, 'let systemd-timesyncd or chrony keep it; look at "timedatectl"');
  }
  return hasHardwareClock === false
    ? pass(`${now}, synchronised; no hardware clock, so it is wrong from a boot until NTP answers`)
    : pass(`${now}, synchronised`);
}
