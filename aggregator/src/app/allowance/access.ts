/** What a set of slots carries besides them: whom an entry that is cut off must turn away, and whom it may let in. */
import type { AccessPage } from '@gatehouse/shared';

export interface AccessList {
  /** Another list, or another `unlisted`, has another version; 0: none was made yet. */
  readonly version: number;
  readonly unlisted: AccessPage['unlisted'];
  /** At least one, and at most `wireLimits.maxAccessPages`. */
  readonly pages: readonly AccessPage['entries'][];
}

export interface AccessLists {
  version(siteId: string): number;
  /** The list for an edge whose outbox has this epoch: digests are made with it. */
  of(siteId: string, epoch: string): AccessList;
}

/** Nobody is listed, and everybody is let in. */
export const openAccess: AccessLists = {
  version: () => 0,
  of: () => ({ version: 0, unlisted: 'admit', pages: [[]] }),
};
