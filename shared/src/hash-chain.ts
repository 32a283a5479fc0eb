/**
 * The running hash over one outbox epoch. It lets both ends prove that they hold the same history: a cloned or restored
 * outbox continues the numbers but cannot continue the hashes.
 */
import { canonicalJson } from './canonical-json.js';
import type { Sha256 } from './ports.js';

/** The hash before the first event of an epoch: SHA-256 of the epoch's 32 hexadecimal digits. */
export function genesisHash(sha256: Sha256, epoch: string): string {
  return sha256(epoch);
}

/** The hash after `event`: SHA-256 of the previous hash (64 hexadecimal digits) followed by the event's canonical JSON. */
export function nextHash(sha256: Sha256, previousHash: string, event: unknown): string {
  return nextHashOfText(sha256, previousHash, canonicalJson(event));
}

/** The same for an event whose canonical JSON is at hand. */
export function nextHashOfText(sha256: Sha256, previousHash: string, canonicalEvent: string): string {
  return sha256(previousHash + canonicalEvent);
}
