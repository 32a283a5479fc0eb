/** Counts what became of the events of a turn, so that it is told once for all of them. */
import type { EventResult } from '../observer.js';

export interface EventFates {
  add(siteId: string, kind: string, result: EventResult): void;
  tell(listener: (siteId: string, kind: string, result: EventResult, events: number) => void): void;
}

interface Fate {
  readonly kind: string;
  readonly result: EventResult;
  events: number;
}

export function createEventFates(): EventFates {
  /** By site; each list is short. */
  const fates = new Map<string, Fate[]>();
  return {
    add(siteId, kind, result) {
      let ofSite = fates.get(siteId);
      if (ofSite === undefined) {
        ofSite = [];
        fates.set(siteId, ofSite);
      }
      for (const fate of ofSite) {
        if (fate.kind !== kind || fate.result !== result) continue;
        fate.events += 1;
        return;
      }
      ofSite.push({ kind, result, events: 1 });
    },
    tell(listener) {
      for (const [siteId, ofSite] of fates)
        for (const { kind, result, events } of ofSite) listener(siteId, kind, result, events);
    },
  };
}
