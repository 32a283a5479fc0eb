/** The disk of the aggregator: a store in memory that outlives processes, takes its time, and fails as disks do. */
import { createMemoryBacking, createMemoryStore, StoreError } from '@gatehouse/aggregator';
import type { AggregatorStore, ChangeSet, MemoryBacking, StoreErrorCode } from '@gatehouse/aggregator';
import type { Life } from '../processes/life.js';
import type { DiskFaults, StepWatch } from './disk-faults.js';
import type { DiskPorts } from './outbox-disk.js';

export interface StoreDisk {
  backing: MemoryBacking;
  readonly faults: DiskFaults & {
    /** Share of commits that are stored and yet answered with an error. */ lostAnswerRate: number;
  };
}

export function createStoreDisk(faults: StoreDisk['faults']): StoreDisk {
  return { backing: createMemoryBacking(), faults };
}

/** What is on the disk now, as a backup would hold it. Rows in a backing never change; they are replaced. */
export function copyStore(backing: MemoryBacking): MemoryBacking {
  return {
    owner: null,
    tables: new Map([...backing.tables].map(([name, rows]) => [name, new Map(rows)])),
    credentialIdByText: new Map(backing.credentialIdByText),
  };
}

/** Every row that a backing holds. */
export function contentsOf(backing: MemoryBacking): ChangeSet {
  const contents: Record<string, unknown[]> = {
    removedSlots: [],
    removedVehicles: [],
    erasedCredentials: [],
    removedRetiredEpochs: [],
  };
  for (const [name, rows] of backing.tables) contents[name] = [...rows.values()];
  return contents as unknown as ChangeSet;
}

/** The store of one life. Its calls never settle once the life is over. */
export function openStore(disk: StoreDisk, life: Life, watch: StepWatch, ports: DiskPorts): AggregatorStore {
  const { timeline, random, tell } = ports;
  const { faults } = disk;
  const inner = createMemoryStore(disk.backing);
  life.onEnd(() => {
    inner.crash();
  });

  const failureOf = (operation: string): StoreErrorCode | undefined => {
    if (faults.full > 0 && operation === 'commit') return 'full';
    return faults.errorRate > 0 && random.next() < faults.errorRate ? 'io' : undefined;
  };
  const slowedMs = (): number => (faults.slowMs > 0 ? random.next() * 2 * faults.slowMs : 0);

  const call = <T>(operation: string, usualMs: number, work: () => Promise<T>, done?: () => void): Promise<T> =>
    new Promise((resolve, reject) => {
      if (life.isOver) return;
      const crash = watch.step(operation);
      timeline.after(usualMs + slowedMs(), () => {
        if (life.isOver) return;
        if (crash === 'before') {
          watch.crash(`before ${operation}`);
          return;
        }
        const code = failureOf(operation);
        if (code !== undefined) {
          reject(new StoreError(code, `the aggregator's disk: ${code}`));
          return;
        }
        const answerIsLost = operation === 'commit' && faults.lostAnswerRate > random.next();
        work().then(
          (value) => {
            if (life.isOver) return;
            done?.();
            if (crash === 'after') watch.crash(`after ${operation}`);
            else if (answerIsLost) reject(new StoreError('io', "the aggregator's disk: stored, and yet an error"));
            else resolve(value);
          },
          (error: unknown) => {
            if (!life.isOver) reject(error instanceof Error ? error : new Error(String(error)));
          },
        );
      });
    });
  const read = <T>(work: () => Promise<T>): Promise<T> => call('read', 0.3, work);
  /** The commit that was begun last. */
  let storing: Promise<void> = Promise.resolve();
  /** With the commit that is under way, when there is one. */
  const readStored = <T>(work: () => Promise<T>): Promise<T> => {
    const begun = storing.catch(() => undefined);
    return read(() => begun.then(work));
  };

  return {
    open: () => call('open', 20, () => inner.open()),
    close: () => (life.isOver ? Promise.resolve() : inner.close()),
    load: () => call('load', 5, () => inner.load()),
    commit(changes) {
      const tellCommit = (): void => {
        tell({ type: 'store-committed', changes });
      };
      storing = call('commit', 1 + random.next() * 4, () => inner.commit(changes), tellCommit);
      return storing;
    },
    findCredentials: (wanted) => read(() => inner.findCredentials(wanted)),
    getCredentials: (credentialIds) => read(() => inner.getCredentials(credentialIds)),
    findEvents: (edgeId, wanted) => readStored(() => inner.findEvents(edgeId, wanted)),
    getSession: (siteId, sessionId) => readStored(() => inner.getSession(siteId, sessionId)),
    listSessions: (filter, page) => readStored(() => inner.listSessions(filter, page)),
    listEvents: (filter, page) => readStored(() => inner.listEvents(filter, page)),
    listVehicles: (filter, page) => readStored(() => inner.listVehicles(filter, page)),
    listReviews: (filter, page) => readStored(() => inner.listReviews(filter, page)),
    listQuarantine: (filter, page) => readStored(() => inner.listQuarantine(filter, page)),
    listAudit: (filter, page) => readStored(() => inner.listAudit(filter, page)),
    listNotices: (afterId, limit) => readStored(() => inner.listNotices(afterId, limit)),
    getIdempotency: (idempotencyKey) => read(() => inner.getIdempotency(idempotencyKey)),
    prune: (kind, beforeMs, maxRows) => call('prune', 0.5, () => inner.prune(kind, beforeMs, maxRows)),
    findOldAudit: (beforeMs, maxRows) => read(() => inner.findOldAudit(beforeMs, maxRows)),
    pruneAudit: (upTo, maxRows) => call('prune', 0.5, () => inner.pruneAudit(upTo, maxRows)),
    pruneCredentials: (afterId, maxRows, mayGo) =>
      call('prune', 0.5, () => inner.pruneCredentials(afterId, maxRows, mayGo)),
  };
}
