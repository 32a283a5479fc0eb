/**
 * The audit log's chain: each row's hash covers its content and the hash of the row before it. A log that has lost its oldest rows for
 * their age still proves where it begins: a later row, the cut, names the last row that went and its hash.
 */
import { canonicalJson } from '@gatehouse/shared';
import type { Sha256 } from '@gatehouse/shared';
import { z } from 'zod';
import type { AuditEntry } from '../committer.js';
import type { AuditRow } from '../ports.js';

/** What the first row names as the hash before it. */
export const auditGenesisHash = '0'.repeat(64);

export interface AuditTail {
  readonly auditId: number;
  readonly hash: string;
}

/** Rows that one cut may let go. */
export const maxCutRows = 1_000;

/** Which rows go: the oldest `rows`, all of them from before `beforeMs`, up to the one with the number and the hash. */
export interface AuditCut {
  readonly upTo: number;
  readonly hash: string;
  readonly rows: number;
  readonly beforeMs: number;
}

const cutAction = 'audit.cut';

const cutDetailSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      // Nothing that this program wrote.
      context.addIssue('no JSON');
      return z.NEVER;
    }
  })
  .pipe(z.object({ upTo: z.int().min(1), hash: z.string() }));

/** The row that announces a cut, and seals the rest of the chain to what went before. */
export function cutEntry(cut: AuditCut): AuditEntry {
  const { upTo, hash, rows, beforeMs } = cut;
  const detail = { upTo, hash, rows, beforeMs };
  return { by: 'retention', action: cutAction, siteId: null, target: null, reason: null, detail };
}

/** What a row says of a cut; null when it is about something else. */
export function cutOf(row: AuditRow): AuditTail | null {
  if (row.action !== cutAction) return null;
  const { data } = cutDetailSchema.safeParse(row.detail);
  return data === undefined ? null : { auditId: data.upTo, hash: data.hash };
}

/** The row that follows `tail`; `tail` is null for the first one. */
export function nextAuditRow(sha256: Sha256, tail: AuditTail | null, atMs: number, entry: AuditEntry): AuditRow {
  // In the order of canonical JSON, which writes them as they are then.
  const content = {
    action: entry.action,
    atMs,
    auditId: (tail?.auditId ?? 0) + 1,
    by: entry.by,
    detail: canonicalJson(entry.detail),
    prevHash: tail?.hash ?? auditGenesisHash,
    reason: entry.reason,
    siteId: entry.siteId,
    target: entry.target,
  };
  const { action, auditId, by, detail, prevHash, reason, siteId, target } = content;
  const hash = sha256(canonicalJson(content));
  // Named one by one: copying an object by spreading it takes longer than making it.
  return { action, atMs, auditId, by, detail, prevHash, reason, siteId, target, hash };
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
