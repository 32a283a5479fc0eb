/** What goes over into a new epoch: everything that is not acknowledged, and the beginnings of arrivals that are spoken of later. */
import { arrivalsSpokenOf } from '../domain/outbox/new-epoch.js';
import type { OutboxEvent, OutboxStore } from './ports.js';

const pageEvents = 1_000;
const pageBytes = 4 * 1024 * 1024;

/** Where the epoch stands that ends: events from `oldest` to `next - 1` are kept, those up to `acked` are acknowledged. */
export interface EndingEpoch {
  readonly oldest: number;
  readonly acked: number;
  readonly next: number;
  /** Arrivals that are open. */
  readonly openArrivals: Iterable<number>;
}

/** The events in their order, page by page. Reads the store twice, and keeps no more than a page in memory. */
export async function* eventsToTakeAlong(
  store: Pick<OutboxStore, 'read'>,
  epoch: EndingEpoch,
): AsyncGenerator<readonly OutboxEvent[], undefined> {
  for (const seq of await beginningsToTakeAlong(store, epoch)) {
    const [event] = await store.read(seq, 1, pageBytes);
    if (event?.seq === seq) yield [event];
  }
  yield* unacknowledged(store, epoch);
}

/** Acknowledged arrivals that are open or spoken of later, rising: a few at each gate. */
async function beginningsToTakeAlong(store: Pick<OutboxStore, 'read'>, epoch: EndingEpoch): Promise<number[]> {
  const wanted = new Set([...epoch.openArrivals].filter((seq) => seq <= epoch.acked));
  for await (const page of unacknowledged(store, epoch)) {
    for (const seq of arrivalsSpokenOf(page, epoch.acked)) wanted.add(seq);
  }
  return [...wanted].filter((seq) => seq >= epoch.oldest).sort((a, b) => a - b);
}

async function* unacknowledged(
  store: Pick<OutboxStore, 'read'>,
  { oldest, acked, next }: EndingEpoch,
): AsyncGenerator<readonly OutboxEvent[], undefined> {
  let from = Math.max(acked + 1, oldest);
  while (from < next) {
    const page = await store.read(from, pageEvents, pageBytes);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    from = last.seq + 1;
  }
}
