/** Keeps the two counts that `health` tells, and hands everything on to whoever listens outside. */
import type { AggregatorObserver } from './observer.js';

/** Since the start. */
export interface DropCounts {
  /** By reason. */
  readonly dropped: ReadonlyMap<string, number>;
  readonly quarantined: number;
}

export function createCountingObserver(outside: AggregatorObserver): {
  readonly observer: AggregatorObserver;
  readonly counts: DropCounts;
} {
  const counts = { dropped: new Map<string, number>(), quarantined: 0 };
  const observer: AggregatorObserver = {
    ...outside,
    onQuarantine(siteId, reason) {
      counts.quarantined += 1;
      outside.onQuarantine(siteId, reason);
    },
    onDropped(reason) {
      counts.dropped.set(reason, (counts.dropped.get(reason) ?? 0) + 1);
      outside.onDropped(reason);
    },
  };
  return { observer, counts };
}
