/** What an acknowledgement means for this outbox. */
import type { Ack } from '@gatehouse/shared/edge';

export interface OwnHistory {
  readonly instance: string;
  readonly epoch: string;
  readonly oldest: number;
  readonly next: number;
  readonly acked: number;
}

export type AckVerdict =
  /** Meant for another instance or another epoch. */
  | { readonly type: 'ignore' }
  /** Everything up to `upTo` is stored. */
  | { readonly type: 'progress'; readonly upTo: number }
  /** Nothing new: the aggregator stands where it stood. */
  | { readonly type: 'stands' }
  /** The aggregator has less than it acknowledged: its store was restored from an older copy. */
  | { readonly type: 'rewind'; readonly upTo: number }
  /** The two histories differ: a store was cloned or restored at this end. */
  | { readonly type: 'fork'; readonly cause: string };

/** `ownHash` is this outbox's running hash at `upTo`, null where it is not kept any more. */
export function judgeAck(ack: Ack, own: OwnHistory, ownHash: string | null): AckVerdict {
  if (ack.instance !== own.instance || ack.epoch !== own.epoch) return { type: 'ignore' };
  if (ack.conflict !== null) return { type: 'fork', cause: ack.conflict };
  if (ack.upTo >= own.next) return { type: 'fork', cause: 'cursor-ahead' };
  // Before the first event there is no history that could differ.
  if (ack.upTo > 0 && ownHash !== null && ownHash !== ack.hash) return { type: 'fork', cause: 'hash-mismatch' };
  if (ack.upTo > own.acked) return { type: 'progress', upTo: ack.upTo };
  return ack.upTo === own.acked ? { type: 'stands' } : { type: 'rewind', upTo: ack.upTo };
}
