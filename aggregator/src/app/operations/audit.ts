/** Following the chain of the audit log. */
import type { AuditVerification, Sha256 } from '@gatehouse/shared';
import type { AggregatorStore, AuditRow } from '../ports.js';
import { cutOf, findAuditBreak, maxCutRows } from '../turn/audit-chain.js';
import type { AuditTail } from '../turn/audit-chain.js';

type AuditSource = Pick<AggregatorStore, 'listAudit'>;

const rowsAtATime = 500;
/** Old rows may go while the log is read; each time that costs the reader its place, it begins anew. */
const maxBeginnings = 10;

/**
 * Walks the whole log, 500 entries at a time. One whose oldest entries were let go must name them in a later entry, the cut: their
 * last number, and the hash that the first entry left follows.
 */
export async function verifyAudit(store: AuditSource, sha256: Sha256): Promise<AuditVerification> {
  for (let beginning = 1; beginning < maxBeginnings; beginning += 1) {
    const found = await walk(store, sha256);
    if (found.intact || !(await hasLostItsPlace(store, found))) return found;
  }
  return walk(store, sha256);
}

async function walk(store: AuditSource, sha256: Sha256): Promise<AuditVerification> {
  let start: LogStart | null = null;
  let tail: AuditTail | null = null;
  let entries = 0;
  let cursor: string | null = null;
  do {
    const page = await store.listAudit({}, { limit: rowsAtATime, cursor });
    for (const row of page.items) {
      start ??= createLogStart(row);
      const problem = findAuditBreak(sha256, tail ?? start.before, [row]) ?? start.problemOf(row);
      if (problem !== null) return broken(row, problem, entries, tail, start);
      tail = row;
      entries += 1;
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  const problem = start?.problemAtEnd() ?? null;
  if (start !== null && problem !== null) return broken({ auditId: start.first }, problem, entries, tail, start);
  const removedUpTo = start?.before?.auditId ?? null;
  return { intact: true, entries, removedUpTo, lastHash: tail?.hash ?? null, brokenAt: null, problem: null };
}

function broken(
  row: Pick<AuditRow, 'auditId'>,
  problem: string,
  entries: number,
  tail: AuditTail | null,
  start: LogStart,
): AuditVerification {
  const removedUpTo = start.before?.auditId ?? null;
  return { intact: false, entries, removedUpTo, lastHash: tail?.hash ?? null, brokenAt: row.auditId, problem };
}

/** What the rows after the first one must say of where the log begins. */
interface LogStart {
  readonly first: number;
  /** The last row that went; null when none did. */
  readonly before: AuditTail | null;
  /** Looks at a row; answers what is wrong with the cut that it tells of. */
  problemOf(row: AuditRow): string | null;
  problemAtEnd(): string | null;
}

function createLogStart(first: AuditRow): LogStart {
  const before = first.auditId === 1 ? null : { auditId: first.auditId - 1, hash: first.prevHash };
  /** Of the rows that a cut may speak of and that are not deleted yet. */
  const hashes = new Map<number, string>(before === null ? [] : [[before.auditId, before.hash]]);
  let isSealed = before === null;
  return {
    first: first.auditId,
    before,
    problemOf(row) {
      if (row.auditId < first.auditId + maxCutRows) hashes.set(row.auditId, row.hash);
      const cut = cutOf(row);
      // An earlier cut, of rows that a later one has left behind.
      if (cut === null || cut.auditId < (before?.auditId ?? 1)) return null;
      if (hashes.get(cut.auditId) !== cut.hash) {
        return `audit row ${String(row.auditId)}: the cut it tells of does not fit the rows that are left`;
      }
      isSealed = true;
      return null;
    },
    problemAtEnd: () =>
      isSealed
        ? null
        : `audit row ${String(first.auditId)}: the rows before it are missing, and no row says that they went`,
  };
}

/** Whether the last row that was followed has gone meanwhile, and others that were to be read next. */
async function hasLostItsPlace(store: AuditSource, { entries, removedUpTo }: AuditVerification): Promise<boolean> {
  const [first] = (await store.listAudit({}, { limit: 1, cursor: null })).items;
  return entries > 0 && first !== undefined && first.auditId > (removedUpTo ?? 0) + entries;
}
