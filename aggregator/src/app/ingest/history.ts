/** Compares what an edge sends with what is stored of it: the same history, a longer one, or somebody else's. */
import { genesisHash } from '@gatehouse/shared';
import type { AckConflict, Sha256 } from '@gatehouse/shared';
import type { CursorRow, RetiredEpochRow } from '../ports.js';

/** How far one epoch is stored. */
export interface Position {
  readonly epoch: string;
  readonly upTo: number;
  /** Empty after a gap, until the next batch shows the hash before it. */
  readonly hash: string;
}

export type Placement =
  /** Everything in it is stored already. */
  | { readonly type: 'duplicate' }
  /** `skip` events are stored already, the others follow. */
  | { readonly type: 'next'; readonly skip: number }
  /** Events before it have not come. */
  | { readonly type: 'beyond' }
  | { readonly type: 'conflict'; readonly conflict: AckConflict };

export interface Chained {
  readonly first: number;
  readonly last: number;
  readonly prevHash: string;
  readonly hashes: readonly string[];
}

/** Where a batch of the same epoch stands against what is stored. */
export function placeBatch(position: Position, batch: Chained): Placement {
  if (batch.first > position.upTo + 1) return { type: 'beyond' };
  if (batch.last < position.upTo) return { type: 'duplicate' };
  const skip = position.upTo - batch.first + 1;
  const hashThere = skip === 0 ? batch.prevHash : batch.hashes[skip - 1];
  if (position.hash !== '' && hashThere !== position.hash) return { type: 'conflict', conflict: 'hash-mismatch' };
  return batch.last === position.upTo ? { type: 'duplicate' } : { type: 'next', skip };
}

export type EpochStanding =
  | { readonly type: 'current'; readonly position: Position }
  /** Never seen; `previous` is the epoch it replaces, null for an edge's first. */
  | { readonly type: 'new'; readonly position: Position; readonly previous: CursorRow | null }
  | { readonly type: 'retired'; readonly position: Position };

/** What is stored of an epoch. */
export function standingOf(
  epoch: string,
  cursor: CursorRow | undefined,
  retired: RetiredEpochRow | undefined,
  sha256: Sha256,
): EpochStanding {
  if (cursor?.epoch === epoch) return { type: 'current', position: cursor };
  if (retired !== undefined) return { type: 'retired', position: retired };
  const position = { epoch, upTo: 0, hash: genesisHash(sha256, epoch) };
  return { type: 'new', position, previous: cursor ?? null };
}

/** What an acknowledgement may say of a position: its hash when it is known, else that nothing is. */
export function provenPosition(position: Position, sha256: Sha256): Position {
  if (position.hash !== '') return position;
  return { epoch: position.epoch, upTo: 0, hash: genesisHash(sha256, position.epoch) };
}
