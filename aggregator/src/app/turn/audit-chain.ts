/** The audit log's chain: each row's hash covers its content and the hash of the row before it. */
import { canonicalJson } from '@gatehouse/shared';
import type { Sha256 } from '@gatehouse/shared';
import type { AuditEntry } from '../committer.js';
import type { AuditRow } from '../ports.js';

/** What the first row names as the hash before it. */
export const auditGenesisHash = '0'.repeat(64);

export interface AuditTail {
  readonly auditId: number;
  readonly hash: string;
}

/** The row that follows `tail`; `tail` is null for the first one. */
export function nextAuditRow(sha256: Sha256, tail: AuditTail | null, atMs: number, entry: AuditEntry): AuditRow {
  const content = {
    auditId: (tail?.auditId ?? 0) + 1,
    atMs,
    by: entry.by,
    action: entry.action,
    siteId: entry.siteId,
    target: entry.target,
    reason: entry.reason,
    detail: canonicalJson(entry.detail),
    prevHash: tail?.hash ?? auditGenesisHash,
  };
  return { ...content, hash: sha256(canonicalJson(content)) };
}

/**
 * Follows the chain through `rows`, which must come in order and without a break. Answers what is wrong with the first bad row, or
 * null. `tail` is the row before the first one, null at the start of the log.
 */
export function findAuditBreak(sha256: Sha256, tail: AuditTail | null, rows: readonly AuditRow[]): string | null {
  let before = tail;
  for (const row of rows) {
    const name = `audit row ${String(row.auditId)}`;
    if (row.auditId !== (before?.auditId ?? 0) + 1) {
      return `${name}: expected row ${String((before?.auditId ?? 0) + 1)}`;
    }
    if (row.prevHash !== (before?.hash ?? auditGenesisHash)) return `${name}: does not follow the row before it`;
    const { hash, ...content } = row;
    if (sha256(canonicalJson(content)) !== hash) return `${name}: its content was changed`;
    before = row;
  }
  return null;
}
