/** Deletes credentials that nothing refers to, looking at a few of them at a time. */
import type { PrunedCredentials } from '../../../app/ports.js';
import { tablesWithCredential } from '../pruning.js';
import type { Session } from './connection.js';

/** Each table is asked through its index of credentials. */
const isUnusedSql = tablesWithCredential
  .map((table) => `NOT EXISTS (SELECT 1 FROM ${table} AS t WHERE t.credentialId = c.credentialId)`)
  .join(' AND ');

/** Ids in their order, and whether nothing refers to each. */
export const nextCredentialsSql = `SELECT c.credentialId AS "credentialId", ${isUnusedSql} AS "isUnused"
  FROM (SELECT credentialId FROM credentials WHERE credentialId > ? ORDER BY credentialId LIMIT ?) AS c
  ORDER BY c.credentialId`;

/** Asks again, since the tables may have taken over a commit meanwhile. */
export const deleteUnusedSql = `DELETE FROM credentials AS c
  WHERE c.credentialId IN (SELECT value FROM json_each(?)) AND ${isUnusedSql}`;

/** Reads through `lookups`; the writer is only held when there is something to delete. */
export async function pruneCredentials(
  { lookups, writer }: { readonly lookups: Session; readonly writer: Session },
  afterId: string | null,
  maxRows: number,
  mayGo: (credentialId: string) => boolean,
): Promise<PrunedCredentials> {
  // Ids are not empty, so that all of them come after the empty text.
  const rows = (await lookups.all(nextCredentialsSql, [afterId ?? '', maxRows])) as {
    credentialId: string;
    isUnused: number;
  }[];
  const unused = rows.flatMap((row) => (row.isUnused === 1 && mayGo(row.credentialId) ? [row.credentialId] : []));
  const deleted = unused.length === 0 ? 0 : await writer.run(deleteUnusedSql, [JSON.stringify(unused)]);
  return { deleted, lastId: rows.length < maxRows ? null : (rows.at(-1)?.credentialId ?? null) };
}
