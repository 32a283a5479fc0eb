/** The newest notices, kept once for all streams; older ones come from the store. */
import type { Aggregator } from '../app/aggregator.js';
import type { NoticeRow } from '../app/ports.js';

export interface NoticeFeed {
  /** Notices after `afterId`, oldest first, at most `limit`. */
  after(afterId: number, limit: number): Promise<readonly NoticeRow[]>;
  /** The number of the newest notice; 0 when there is none. */
  lastId(): Promise<number>;
  /** Calls `wake` after each commit with notices. Answers a function that ends it. */
  subscribe(wake: () => void): () => void;
  stop(): void;
}

export function createNoticeFeed(
  aggregator: Pick<Aggregator, 'onNotices' | 'store'>,
  options: { readonly maxRememberedNotices: number },
): NoticeFeed {
  const recent: NoticeRow[] = [];
  const wakes = new Set<() => void>();
  const unsubscribe = aggregator.onNotices((rows) => {
    const newest = recent.at(-1);
    // A commit may be stored and yet fail: what it told nobody is read from the store.
    if (newest !== undefined && rows[0]?.noticeId !== newest.noticeId + 1) recent.length = 0;
    recent.push(...rows);
    if (recent.length > 2 * options.maxRememberedNotices) {
      recent.splice(0, recent.length - options.maxRememberedNotices);
    }
    for (const wake of wakes) wake();
  });
  return {
    async after(afterId, limit) {
      const oldest = recent[0];
      if (oldest === undefined || afterId < oldest.noticeId - 1) return aggregator.store.listNotices(afterId, limit);
      // Numbers rise by one, so that the place of the next notice follows from its number.
      const from = afterId - oldest.noticeId + 1;
      return recent.slice(from, from + limit);
    },
    async lastId() {
      return recent.at(-1)?.noticeId ?? findLastId(aggregator);
    },
    subscribe(wake) {
      wakes.add(wake);
      return () => {
        wakes.delete(wake);
      };
    },
    stop() {
      unsubscribe();
      wakes.clear();
    },
  };
}

/** Finds the newest number by doubling and halving: the store can only be asked what comes after a number. */
async function findLastId({ store }: Pick<Aggregator, 'store'>): Promise<number> {
  const firstAfter = async (id: number): Promise<number | undefined> => (await store.listNotices(id, 1))[0]?.noticeId;
  let last = (await firstAfter(0)) ?? 0;
  let step = 1_024;
  for (let next = await firstAfter(last + step); next !== undefined; next = await firstAfter(last + step)) {
    last = next;
    step *= 2;
  }
  let beyond = last + step;
  while (last < beyond) {
    const middle = Math.floor((last + beyond) / 2);
    const next = await firstAfter(middle);
    if (next === undefined) beyond = middle;
    else last = next;
  }
  return last;
}
