/** Which rows may be deleted for their age: only what has ended, and never the row that numbers go on from. */
import type { AuditRow, OldAudit, PrunableKind } from '../../app/ports.js';
import type { RowOf } from './tables.js';

/** When a session ended; for one that was void from the start, when it began. */
export const sessionEndSql = 'coalesce(exitAtMs, entryAtMs)';

/** Sessions that are over; the words of a condition by which an index of them alone is found. */
export const sessionEndedSql = `state IN ('closed', 'void')`;

/** When a command ended; for one that was never answered, when it was given. */
export const commandAgeSql = 'coalesce(endedAtMs, createdAtMs)';

/**
 * For each kind: the index that has the old ones first and nothing else before them, the condition, and the state in which age
 * counts. SQL and TypeScript of one rule side by side.
 */
export const pruneRules: {
  readonly [K in PrunableKind]: {
    readonly index: string;
    readonly sql: string;
    readonly age: (row: RowOf<K>) => number | null;
  };
} = {
  sessions: {
    index: 'sessions_ended',
    sql: `siteId IN (SELECT siteId FROM sites) AND ${sessionEndSql} < ? AND ${sessionEndedSql}`,
    age: (row) => (row.state === 'closed' || row.state === 'void' ? (row.exitAtMs ?? row.entryAtMs) : null),
  },
  events: { index: 'events_received', sql: 'receivedAtMs < ?', age: (row) => row.receivedAtMs },
  arrivals: {
    index: 'arrivals_ended',
    sql: `state NOT IN ('open', 'frozen') AND endedAtMs < ?`,
    age: (row) => (row.state === 'open' || row.state === 'frozen' ? null : row.endedAtMs),
  },
  reviews: { index: 'reviews_resolved', sql: 'resolvedAtMs < ?', age: (row) => row.resolvedAtMs },
  quarantine: { index: 'quarantine_received', sql: 'receivedAtMs < ?', age: (row) => row.receivedAtMs },
  notices: {
    index: 'notices_at',
    sql: 'atMs < ? AND noticeId < (SELECT max(noticeId) FROM notices)',
    age: (row) => row.atMs,
  },
  // Also those that nobody ever answered.
  commands: {
    index: 'commands_age',
    sql: `${commandAgeSql} < ?`,
    age: (row) => row.endedAtMs ?? row.createdAtMs,
  },
  idempotency: { index: 'idempotency_created', sql: 'createdAtMs < ?', age: (row) => row.createdAtMs },
};

export function isPrunable<K extends PrunableKind>(
  kind: K,
  row: RowOf<K>,
  beforeMs: number,
  newestNoticeId: number,
): boolean {
  const age = pruneRules[kind].age(row);
  if (age === null || age >= beforeMs) return false;
  return !('noticeId' in row) || row.noticeId !== newestNoticeId;
}

/** The tables whose rows hold a credential by its member `credentialId`. */
export const tablesWithCredential = ['sessions', 'arrivals', 'events', 'reviews', 'vehicles'] as const;

/** `rows`: the oldest of the audit log, in order. */
export function oldAuditOf(
  rows: readonly Pick<AuditRow, 'auditId' | 'atMs' | 'hash'>[],
  beforeMs: number,
): OldAudit | null {
  const firstToStay = rows.findIndex((row) => row.atMs >= beforeMs);
  const old = firstToStay < 0 ? rows : rows.slice(0, firstToStay);
  const [first, last] = [old[0], old.at(-1)];
  if (first === undefined || last === undefined) return null;
  return { rows: old.length, firstAtMs: first.atMs, upTo: last.auditId, hash: last.hash };
}
