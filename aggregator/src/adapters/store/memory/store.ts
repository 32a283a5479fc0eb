/** The store in memory, for tests and simulations: the same promises as the one on disk, and failures on demand. */
import { InvalidCursorError, StoreError } from '../../../app/ports.js';
import type {
  AggregatorStore,
  AuditRow,
  ChangeSet,
  Page,
  PageRequest,
  PrunableKind,
  PrunedCredentials,
  StoredState,
  StoreErrorCode,
  VehicleFilter,
} from '../../../app/ports.js';
import type { VehicleRow } from '../../../domain/rows.js';
import { decodeCursor, encodeCursor } from '../cursors.js';
import {
  auditPlace,
  comparePlaces,
  eventPlace,
  foldCase,
  matchesEvent,
  matchesReview,
  matchesSession,
  maxPageRows,
  pageOf,
  quarantinePlace,
  reviewPlace,
  sessionPlace,
} from '../lists.js';
import { isPrunable, oldAuditOf, tablesWithCredential } from '../pruning.js';
import { statesInside, statesWaiting } from '../tables.js';
import { applyChanges, createMemoryBacking, deleteCredential, deleteRow, getRow, rowsOf } from './backing.js';
import { textKey } from '../constraints.js';
import type { MemoryBacking } from './backing.js';

export interface MemoryStore extends AggregatorStore {
  /** The next commit rejects with this code. `stored`: after it was stored all the same, as when an answer is lost. */
  failNextCommit(code: StoreErrorCode, options?: { readonly stored?: boolean; readonly times?: number }): void;
  /** The next call of any other method rejects with this code. */
  failNextRead(code: StoreErrorCode): void;
  /** Commits wait until the function that is returned is called. */
  holdCommits(): () => void;
  /** What a power cut does: the store is gone, the backing stays and can be opened again. */
  crash(): void;
  readonly commitCount: number;
}

/** A store over `backing`; give the same backing to another store for a restart. */
export function createMemoryStore(backing: MemoryBacking = createMemoryBacking()): MemoryStore {
  const self = {};
  let isOpen = false;
  let commitCount = 0;
  let held: Promise<void> | null = null;
  /** The commit that was begun last. */
  let storing: Promise<void> = Promise.resolve();
  const commitFailures: { code: StoreErrorCode; stored: boolean }[] = [];
  const readFailures: StoreErrorCode[] = [];

  const ensureOpen = (): void => {
    if (!isOpen || backing.owner !== self) throw new StoreError('closed', 'the store is closed');
  };
  const read = async <T>(answer: () => T): Promise<T> => {
    await Promise.resolve();
    ensureOpen();
    const failure = readFailures.shift();
    if (failure !== undefined) throw new StoreError(failure, `injected: ${failure}`);
    return structuredClone(answer());
  };
  /** With the commit that is under way, when there is one. */
  const readStored = async <T>(answer: () => T): Promise<T> => {
    await storing.catch(() => undefined);
    return read(answer);
  };
  const release = (): void => {
    isOpen = false;
    if (backing.owner === self) backing.owner = null;
  };

  const commit = async (changes: ChangeSet): Promise<void> => {
    await (held ?? Promise.resolve());
    ensureOpen();
    const failure = commitFailures.shift();
    if (failure?.stored === false) throw new StoreError(failure.code, `injected: ${failure.code}`);
    applyChanges(backing, changes);
    commitCount += 1;
    if (failure !== undefined) throw new StoreError(failure.code, `injected after storing: ${failure.code}`);
  };

  return {
    async open() {
      await Promise.resolve();
      if (isOpen) return;
      if (backing.owner !== null) throw new StoreError('in-use', 'another store has this backing open');
      backing.owner = self;
      isOpen = true;
    },
    async close() {
      await Promise.resolve();
      release();
    },
    load: () => read(() => loadFrom(backing)),
    commit(changes) {
      storing = commit(changes);
      return storing;
    },
    findCredentials: (wanted) =>
      read(() =>
        [...new Set(wanted.map(textKey))].flatMap((text) => {
          const credentialId = backing.credentialIdByText.get(text);
          return credentialId === undefined ? [] : (getRow(backing, 'credentials', [credentialId]) ?? []);
        }),
      ),
    getCredentials: (credentialIds) =>
      read(() => [...new Set(credentialIds)].flatMap((id) => getRow(backing, 'credentials', [id]) ?? [])),
    findEvents: (edgeId, wanted) =>
      readStored(() =>
        wanted.flatMap(({ epoch, seq }) => {
          const row = getRow(backing, 'events', [edgeId, epoch, seq]);
          const start = `${epoch}:${String(seq)}:`;
          const again = rowsOf(backing, 'events').flatMap(({ edgeId: of, origin }) =>
            of === edgeId && origin?.startsWith(start) === true ? [origin.slice(-64)] : [],
          );
          return [...(row === null ? [] : [row.hash]), ...again].map((hash) => ({ epoch, seq, hash }));
        }),
      ),
    getSession: (siteId, sessionId) => readStored(() => getRow(backing, 'sessions', [siteId, sessionId])),
    listSessions: (filter, page) =>
      readStored(() => {
        const rows = rowsOf(backing, 'sessions').filter(matchesSession(filter));
        return pageOf('sessions', rows, page, sessionPlace, 'descending');
      }),
    listEvents: (filter, page) =>
      readStored(() => {
        const rows = rowsOf(backing, 'events').filter(matchesEvent(filter));
        return pageOf('events', rows, page, eventPlace, 'descending');
      }),
    listVehicles: (filter, page) => readStored(() => vehiclePage(backing, filter, page)),
    listReviews: (filter, page) =>
      readStored(() => {
        const rows = rowsOf(backing, 'reviews').filter(matchesReview(filter));
        return pageOf('reviews', rows, page, reviewPlace, 'descending');
      }),
    listQuarantine: (filter, page) =>
      readStored(() => {
        const rows = rowsOf(backing, 'quarantine').filter(
          (row) => filter.siteId === undefined || row.siteId === filter.siteId,
        );
        return pageOf('quarantine', rows, page, quarantinePlace, 'descending');
      }),
    listAudit: (filter, page) =>
      readStored(() => {
        const rows = rowsOf(backing, 'audit').filter(
          (row) => filter.siteId === undefined || row.siteId === filter.siteId,
        );
        return pageOf('audit', rows, page, auditPlace, 'ascending');
      }),
    listNotices: (afterId, limit) =>
      readStored(() =>
        rowsOf(backing, 'notices')
          .filter((row) => row.noticeId > afterId)
          .sort((one, other) => one.noticeId - other.noticeId)
          .slice(0, limit),
      ),
    getIdempotency: (idempotencyKey) => read(() => getRow(backing, 'idempotency', [idempotencyKey])),
    prune: (kind, beforeMs, maxRows) => read(() => pruneFrom(backing, kind, beforeMs, maxRows)),
    findOldAudit: (beforeMs, maxRows) => read(() => oldAuditOf(auditInOrder(backing).slice(0, maxRows), beforeMs)),
    pruneAudit: (upTo, maxRows) =>
      read(() => {
        const rows = auditInOrder(backing).slice(0, -1);
        const old = rows.filter((row) => row.auditId <= upTo).slice(0, maxRows);
        for (const row of old) deleteRow(backing, 'audit', row);
        return old.length;
      }),
    pruneCredentials: (afterId, maxRows, mayGo) => read(() => pruneCredentialsFrom(backing, afterId, maxRows, mayGo)),

    failNextCommit(code, options = {}) {
      for (let left = options.times ?? 1; left > 0; left -= 1) {
        commitFailures.push({ code, stored: options.stored ?? false });
      }
    },
    failNextRead(code) {
      readFailures.push(code);
    },
    holdCommits() {
      let letGo: () => void = () => undefined;
      held = new Promise((resolve) => (letGo = resolve));
      return () => {
        held = null;
        letGo();
      };
    },
    crash: release,
    get commitCount() {
      return commitCount;
    },
  };
}

function loadFrom(backing: MemoryBacking): StoredState {
  const sessions = rowsOf(backing, 'sessions').filter((row) => statesInside.includes(row.state));
  const arrivals = rowsOf(backing, 'arrivals').filter((row) => statesWaiting.includes(row.state));
  const vehicles = rowsOf(backing, 'vehicles');
  const inUse = new Set([...sessions, ...arrivals, ...vehicles].map((row) => row.credentialId));
  const newest = rowsOf(backing, 'audit').reduce<{ auditId: number; hash: string } | null>(
    (last, row) => (last === null || row.auditId > last.auditId ? row : last),
    null,
  );
  return {
    sites: rowsOf(backing, 'sites'),
    ledgers: rowsOf(backing, 'ledgers'),
    slots: rowsOf(backing, 'slots'),
    allowances: rowsOf(backing, 'allowances'),
    sessions,
    arrivals,
    reviews: rowsOf(backing, 'reviews').filter((row) => row.resolvedAtMs === null),
    credentials: rowsOf(backing, 'credentials').filter((row) => inUse.has(row.credentialId)),
    vehicles,
    cursors: rowsOf(backing, 'cursors'),
    retiredEpochs: rowsOf(backing, 'retiredEpochs'),
    edges: rowsOf(backing, 'edges'),
    keys: rowsOf(backing, 'keys'),
    commands: rowsOf(backing, 'commands').filter((row) => row.state === 'sent'),
    lastNoticeId: rowsOf(backing, 'notices').reduce((last, row) => Math.max(last, row.noticeId), 0),
    lastAudit: newest === null ? null : { auditId: newest.auditId, hash: newest.hash },
  };
}

function vehiclePage(backing: MemoryBacking, filter: VehicleFilter, page: PageRequest): Page<VehicleRow> {
  const textOf = (credentialId: string): string => getRow(backing, 'credentials', [credentialId])?.value ?? '';
  // Those whose credential was erased come last.
  const place = (row: VehicleRow): [number, string, string] => {
    const text = textOf(row.credentialId);
    return [text === '' ? 1 : 0, text, row.vehicleId];
  };
  const holder = filter.holderContains === undefined ? undefined : foldCase(filter.holderContains);
  let rows = rowsOf(backing, 'vehicles').filter(
    (row) =>
      textOf(row.credentialId).startsWith(filter.credentialPrefix ?? '') &&
      (holder === undefined || foldCase(row.holder ?? '').includes(holder)) &&
      (filter.slotClass === undefined || row.slotClass === filter.slotClass) &&
      (filter.blocked === undefined || filter.blocked === (row.blockedReason !== null)) &&
      (filter.permitSiteId === undefined || row.permits.some((permit) => permit.siteId === filter.permitSiteId)),
  );
  if (page.cursor !== null) {
    const [vehicleId] = decodeCursor('vehicles', page.cursor);
    const last = getRow(backing, 'vehicles', [vehicleId]);
    if (last === null) throw new InvalidCursorError('cursor: its vehicle is gone; read the list from its start');
    const after = place(last);
    rows = rows.filter((row) => comparePlaces(place(row), after) > 0);
  }
  rows.sort((one, other) => comparePlaces(place(one), place(other)));
  const items = rows.slice(0, Math.min(page.limit, maxPageRows));
  const last = items.at(-1);
  const more = rows.length > items.length && last !== undefined;
  return { items, nextCursor: more ? encodeCursor('vehicles', [last.vehicleId]) : null };
}

function pruneFrom(backing: MemoryBacking, kind: PrunableKind, beforeMs: number, maxRows: number): number {
  const newestNoticeId = rowsOf(backing, 'notices').reduce((last, row) => Math.max(last, row.noticeId), 0);
  const old = rowsOf(backing, kind)
    .filter((row) => isPrunable(kind, row, beforeMs, newestNoticeId))
    .slice(0, maxRows);
  for (const row of old) deleteRow(backing, kind, row);
  return old.length;
}

function auditInOrder(backing: MemoryBacking): AuditRow[] {
  return rowsOf(backing, 'audit').sort((one, other) => one.auditId - other.auditId);
}

function pruneCredentialsFrom(
  backing: MemoryBacking,
  afterId: string | null,
  maxRows: number,
  mayGo: (credentialId: string) => boolean,
): PrunedCredentials {
  const used = new Set(tablesWithCredential.flatMap((name) => rowsOf(backing, name).map((row) => row.credentialId)));
  const ids = rowsOf(backing, 'credentials')
    .map((row) => row.credentialId)
    .filter((id) => afterId === null || id > afterId)
    .sort()
    .slice(0, maxRows);
  const unused = ids.filter((id) => !used.has(id) && mayGo(id));
  for (const id of unused) deleteCredential(backing, id);
  return { deleted: unused.length, lastId: ids.length < maxRows ? null : (ids.at(-1) ?? null) };
}
