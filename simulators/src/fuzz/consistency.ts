/** Whether what the aggregator says of itself in one place is what it says in another. */
import type { TestedAggregator } from './aggregator.js';

interface Occupancy {
  readonly siteId: string;
  readonly vehiclesInside: number;
  readonly sessionsOpen: number;
  readonly entriesTotal: number;
  readonly exitsTotal: number;
  readonly reviewsOpen: number;
  readonly drift: number;
  readonly slots: Readonly<Record<'free' | 'reserved' | 'occupied' | 'held', number>>;
}

interface Slot {
  readonly slotId: string;
  readonly state: 'free' | 'reserved' | 'occupied' | 'held';
  readonly sessionId: string | null;
  readonly outOfService: string | null;
}

/** `books`: the figures of each site as one text, to be compared with those of another time. */
export async function differencesInBooks(
  aggregator: TestedAggregator,
): Promise<{ problems: string[]; books: Map<string, string> }> {
  const problems: string[] = [];
  const books = new Map<string, string>();
  for (const site of await aggregator.list<Occupancy>('/api/v1/occupancy')) {
    const { siteId } = site;
    const at = `/api/v1/sites/${siteId}`;
    const slots = await aggregator.list<Slot>(`${at}/slots`);
    for (const state of ['reserved', 'occupied', 'held'] as const) {
      const counted = slots.filter((slot) => slot.state === state).length;
      if (counted !== site.slots[state]) {
        problems.push(`${siteId}: ${String(counted)} slots are ${state}, ${String(site.slots[state])} are counted`);
      }
    }
    const inSlots = slots.flatMap(({ sessionId }) => sessionId ?? []);
    if (new Set(inSlots).size !== inSlots.length) problems.push(`${siteId}: two slots have one session`);
    const reviews = await aggregator.list(`${at}/reviews?open=true`);
    if (reviews.length !== site.reviewsOpen) {
      problems.push(`${siteId}: ${String(reviews.length)} reviews are open, ${String(site.reviewsOpen)} are counted`);
    }
    const open = await aggregator.list<{ slotId: string | null }>(`${at}/sessions?state=open`);
    const uncertain = await aggregator.list(`${at}/sessions?state=uncertain`);
    const sessions = open.length + uncertain.length;
    if (open.length !== site.sessionsOpen && sessions !== site.sessionsOpen) {
      problems.push(`${siteId}: ${String(open.length)} sessions are open, ${String(site.sessionsOpen)} are counted`);
    }
    // A count below nothing is shown as nothing.
    if (site.vehiclesInside > 0 && site.drift !== site.vehiclesInside - site.sessionsOpen)
      problems.push(`${siteId}: the drift is ${String(site.drift)}`);
    const { vehiclesInside, sessionsOpen, entriesTotal, exitsTotal, reviewsOpen } = site;
    books.set(
      siteId,
      JSON.stringify({ vehiclesInside, sessionsOpen, entriesTotal, exitsTotal, reviewsOpen, ...site.slots }),
    );
  }
  return { problems, books };
}
