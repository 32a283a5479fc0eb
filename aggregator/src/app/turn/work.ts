/** Work that waits for a turn. */
import type { WorkNeeds } from '../committer.js';
import type { OpenTurn } from './open-turn.js';

/** What work has to read from the store before its turn, beside credentials. */
export interface StoreNeeds extends WorkNeeds {
  /** Events sent again under a new epoch: where they stood before. */
  readonly events?: { readonly edgeId: string; readonly wanted: readonly { epoch: string; seq: number }[] };
}

/** What was read from the store for this turn. */
export interface TurnReads {
  /** The hashes of what is stored of an edge for one place: several where an outbox was copied and each copy went on. */
  eventHashes(edgeId: string, epoch: string, seq: number): ReadonlySet<string>;
  /** An event that this very turn stores. */
  noteEvent(edgeId: string, epoch: string, seq: number, hash: string): void;
}

export interface Work {
  readonly payloadBytes: number;
  readonly needs: StoreNeeds;
  /** Synchronous. May throw a Refusal before it changes anything; whatever else it throws means that it cannot be done. */
  run(turn: OpenTurn, reads: TurnReads): void;
  /** Everything it did is stored. */
  onCommitted(): void;
  /** It threw, or the store refused it for its content; nothing of it is stored. */
  onFailed(error: unknown): void;
  /** The store fails. `keep`: it will be tried again; `fail`: somebody waits, and is told. */
  readonly whenStoreFails: 'keep' | 'fail';
  /** What to try instead, piece after piece, when it failed by its content; null when there is nothing. */
  split(error: unknown): Work[] | null;
}

/** Where turns get their work from, and give it back to when the store fails. */
export interface WorkSource {
  /** Takes what one turn should do, within the bounds of a turn. */
  take(): Work[];
  /** In the order it was taken; it goes to the front again. */
  giveBack(work: readonly Work[]): void;
}
