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
