/** What a set of slots carries besides them: whom an entry that is cut off must turn away, and whom it may let in. */
import type { AccessPage } from '@gatehouse/shared';

export interface AccessList {
  /** Another list, or another `unlisted`, has another version; 0: nobody is listed, and everybody is let in. */
  readonly version: number;
  readonly unlisted: AccessPage['unlisted'];
  /** From 1 to `wireLimits.maxAccessPages`. */
  readonly pageCount: number;
  /** Its entries; pages count from 1. */
  page(number: number): AccessPage['entries'];
}

export interface AccessLists {
  version(siteId: string): number;
  /** The list for an edge whose outbox has this epoch: digests are made with it. */
  of(siteId: string, epoch: string): AccessList;
}
