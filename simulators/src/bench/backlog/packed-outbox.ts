/** An edge's outbox in little memory: batches of any of its events are cut without building them again. */
import { Buffer } from 'node:buffer';
import { canonicalJson, genesisHash, nextHashOfText, wireLimits } from '@gatehouse/shared';
import type { EdgeEvent } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';

export interface PackedOutbox {
  readonly epoch: string;
  readonly count: number;
  /** Of the events. */
  readonly bytes: number;
  /** The canonical JSON of one event. */
  text(seq: number): string;
  /** The running hash after an event; 0: before the first. */
  hashAt(seq: number): string;
  /** A batch of as many events as go into one from `first` on, as it is published; `last` is the seq of its last event. */
  batch(instance: string, first: number): { readonly payload: Buffer; readonly last: number };
}

const hashBytes = 32;

export function packOutbox(epoch: string, events: Iterable<EdgeEvent>): PackedOutbox {
  const texts: string[] = [];
  const hashes: string[] = [genesisHash(sha256, epoch)];
  for (const event of events) {
    const text = canonicalJson(event);
    texts.push(text);
    hashes.push(nextHashOfText(sha256, hashes.at(-1) ?? '', text));
  }
  const count = texts.length;
  const bytes = Buffer.from(texts.join(','));
  // Where each event begins; one more than there are, so that the end of each is known.
  const begins = new Uint32Array(count + 1);
  for (const [index, text] of texts.entries()) begins[index + 1] = (begins[index] ?? 0) + Buffer.byteLength(text) + 1;
  const packedHashes = Buffer.from(hashes.join(''), 'hex');
  const begin = (seq: number): number => begins[seq - 1] ?? 0;
  const hashAt = (seq: number): string => packedHashes.toString('hex', seq * hashBytes, (seq + 1) * hashBytes);
  const lastOfBatch = (first: number): number => {
    let last = first;
    while (
      last < count &&
      last + 1 - first < wireLimits.maxBatchEvents &&
      // Commas between events are not theirs.
      begin(last + 2) - begin(first) - (last + 2 - first) <= wireLimits.maxBatchBytes
    ) {
      last += 1;
    }
    return last;
  };
  return {
    epoch,
    count,
    bytes: bytes.length,
    text: (seq) => bytes.toString('utf8', begin(seq), begin(seq + 1) - 1),
    hashAt,
    batch(instance, first) {
      const last = lastOfBatch(first);
      const head = JSON.stringify({ instance, epoch, first, prevHash: hashAt(first - 1), waiting: [] });
      const list = bytes.subarray(begin(first), begin(last + 1) - 1);
      return {
        payload: Buffer.concat([Buffer.from(`${head.slice(0, -1)},"events":[`), list, Buffer.from(']}')]),
        last,
      };
    },
  };
}
