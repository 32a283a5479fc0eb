/** Counts what became of the events of a batch, so that it is told once for all of them. */
import type { EventResult } from '../observer.js';

export interface EventFates {
  add(kind: string, result: EventResult): void;
  tell(listener: (kind: string, result: EventResult, events: number) => void): void;
}

export function createEventFates(): EventFates {
  const counts = new Map<EventResult, Map<string, number>>();
  return {
    add(kind, result) {
      const byKind = counts.get(result) ?? new Map<string, number>();
      counts.set(result, byKind);
      byKind.set(kind, (byKind.get(kind) ?? 0) + 1);
    },
    tell(listener) {
      for (const [result, byKind] of counts) for (const [kind, events] of byKind) listener(kind, result, events);
    },
  };
}
