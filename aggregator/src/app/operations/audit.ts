/** Following the chain of the audit log. */
import type { AuditVerification, Sha256 } from '@gatehouse/shared';
import type { AggregatorStore, AuditRow } from '../ports.js';
import { findAuditBreak } from '../turn/audit-chain.js';

const rowsAtATime = 500;

/** Walks the whole log, 500 entries at a time. */
export async function verifyAudit(
  store: Pick<AggregatorStore, 'listAudit'>,
  sha256: Sha256,
): Promise<AuditVerification> {
  let tail: AuditRow | null = null;
  let entries = 0;
  let cursor: string | null = null;
  do {
    const page = await store.listAudit({}, { limit: rowsAtATime, cursor });
    for (const row of page.items) {
      const problem = findAuditBreak(sha256, tail, [row]);
      if (problem !== null) {
        return { intact: false, entries, lastHash: tail?.hash ?? null, brokenAt: row.auditId, problem };
      }
      tail = row;
      entries += 1;
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  return { intact: true, entries, lastHash: tail?.hash ?? null, brokenAt: null, problem: null };
}
