/** After a copy was put in the place of the store. */
import type { Turn } from '../committer.js';

/**
 * Every site counts as recovering from now on, whichever edge is heard first: one that has written nothing since the copy was made
 * could not tell that others have.
 */
export function beginRecovery(
  turn: Turn,
  siteIds: readonly string[],
  request: { readonly by: string; readonly reason: string; readonly newestEventAtMs: number | null },
): void {
  const { by, reason, newestEventAtMs } = request;
  for (const siteId of siteIds) turn.apply(siteId, { type: 'store-restored', edgeId: null });
  turn.audit({ by, action: 'store.restore', siteId: null, target: null, reason, detail: { newestEventAtMs } });
}
