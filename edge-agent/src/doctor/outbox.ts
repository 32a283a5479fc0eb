/** The outbox, as a copy of it shows. */
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';
import { ageInWords } from './words.js';

export interface OutboxSeen {
  readonly schemaVersion: number;
  readonly unsentEvents: number;
  readonly oldestUnsentAtMs: number | null;
  readonly verifiedEvents: number;
  readonly problems: readonly string[];
  readonly lost: { readonly events: number };
}

/** Older than this, the aggregator should have it. */
const longWaitMs = 15 * 60_000;

/** @param seen null when there is none yet */
export function checkOutbox(seen: OutboxSeen | null, nowMs: number): Finding {
  const { pass, warn, fail } = findingsOf('outbox');
  if (seen === null) return pass('none yet; the agent makes it at its first start');
  if (seen.problems.length > 0) {
    return fail(
      `damaged: ${seen.problems.join('; ')}`,
      'copy the data directory: a new epoch begins when the agent at its start, or the aggregator, meets this',
    );
  }
  const chain = `format ${String(seen.schemaVersion)}, hash chain whole over ${String(seen.verifiedEvents)} events`;
  if (seen.lost.events > 0) {
    return warn(`${chain}; ${String(seen.lost.events)} lost events are not reported yet`, 'make room on the disk');
  }
  if (seen.oldestUnsentAtMs === null) return pass(`${chain}, nothing unsent`);
  const ageMs = nowMs - seen.oldestUnsentAtMs;
  const says = `${chain}, ${String(seen.unsentEvents)} unsent since ${ageInWords(ageMs)}`;
  return ageMs > longWaitMs ? warn(says, 'look at the broker and at the aggregator') : pass(says);
}
