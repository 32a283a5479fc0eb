/** Deleting rows for their age, the oldest first. */
import type { PrunableKind } from '../../../app/ports.js';
import { pruneRules } from '../pruning.js';
import { quoted } from './schema.js';

/** Parameters: before when, and how many rows at most. Follows one index, named so that it fails rather than searches the table. */
export function pruneSql(kind: PrunableKind): string {
  const { index, sql } = pruneRules[kind];
  const table = quoted(kind);
  return `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} INDEXED BY ${quoted(index)} WHERE ${sql} LIMIT ?)`;
}

export const oldestAuditSql = 'SELECT auditId, atMs, hash FROM audit ORDER BY auditId LIMIT ?';

/** Parameters: up to which number, and how many rows at most. */
export const pruneAuditSql = `DELETE FROM audit WHERE auditId IN
  (SELECT auditId FROM audit WHERE auditId <= ? AND auditId < (SELECT max(auditId) FROM audit) ORDER BY auditId LIMIT ?)`;
