/** Events as they stand in the outbox: numbered and chained by hash. */
import { canonicalJson } from '@gatehouse/shared/edge';
import type { EdgeEvent, Sha256 } from '@gatehouse/shared/edge';

export interface OutboxEvent {
  readonly seq: number;
  /** The running hash after this event. */
  readonly hash: string;
  /** Canonical JSON of the event; its UTF-8 bytes count against the bounds. */
  readonly json: string;
}

/** Where a chain goes on. */
export interface ChainEnd {
  readonly next: number;
  readonly lastHash: string;
}

/** The next event of the chain. */
export function chainEvent(sha256: Sha256, end: ChainEnd, event: EdgeEvent): OutboxEvent {
  const json = canonicalJson(event);
  return { seq: end.next, json, hash: sha256(end.lastHash + json) };
}

export function endAfter(event: OutboxEvent): ChainEnd {
  return { next: event.seq + 1, lastHash: event.hash };
}

/** Bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    // A pair of surrogates is four bytes in two units.
    else if (unit >= 0xd800 && unit <= 0xdfff) bytes += 2;
    else bytes += 3;
  }
  return bytes;
}

/** As many of these events from the first on as one batch may hold, and at least one. */
export function cutBatch(
  events: readonly OutboxEvent[],
  bounds: { readonly maxEvents: number; readonly maxBytes: number },
): OutboxEvent[] {
  const batch: OutboxEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    bytes += utf8Bytes(event.json);
    if (batch.length > 0 && (batch.length >= bounds.maxEvents || bytes > bounds.maxBytes)) break;
    batch.push(event);
  }
  return batch;
}
