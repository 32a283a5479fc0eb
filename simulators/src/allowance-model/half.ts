/** What the aggregator can do in the model. Each is one turn: all of it is stored, or nothing. Nothing is changed in place. */
import type { Aggregator, Claim, LoggedEvent } from './state.js';

/** What a new set is made of. */
export interface NewSet {
  readonly slots: readonly number[];
  readonly version: number;
  readonly asOf: number;
}

export interface AggregatorHalf {
  /** Slots can be told apart by more than what happened to them: it prefers some to others. */
  readonly tellsSlotsApart: boolean;
  /** What it begins with. */
  begin(edges: number, slots: number): Aggregator;
  /** Applies the next event of the edge. */
  applyEvent(aggregator: Aggregator, edge: number, event: LoggedEvent): Aggregator;
  /**
   * Takes the next event of the edge, a vehicle that waits, and reserves this slot for it; null: it would not. `current` says of
   * each edge whether everything it has stored is applied.
   */
  reserve(aggregator: Aggregator, edge: number, slot: number, current: readonly boolean[]): Aggregator | null;
  /** Slots that a new set may have. */
  offerable(aggregator: Aggregator, edge: number): readonly number[];
  makeSet(aggregator: Aggregator, edge: number, set: NewSet): Aggregator;
  /** The edge has a new outbox. */
  replaceEpoch(aggregator: Aggregator, edge: number, epoch: number): Aggregator;
  /** The store turns out to be an old copy. `edge` is the one that showed it; null: somebody said so. */
  noticeRestore(aggregator: Aggregator, edge: number | null): Aggregator;
  /** Whether the edge can be trusted again after a restore. `isCurrent`: everything that it has stored is applied. */
  hasRecovered(aggregator: Aggregator, edge: number, isCurrent: boolean): boolean;
  trust(aggregator: Aggregator, edge: number): Aggregator;
  /** An operator frees a slot that is empty. */
  release(aggregator: Aggregator, slot: number): Aggregator;
  /** An operator frees all that the edge holds. */
  releaseHoldings(aggregator: Aggregator, edge: number): Aggregator;
  /** An operator has looked where vehicles of lost outboxes of the edge stand, or are bound, and trusts it again. */
  look(aggregator: Aggregator, edge: number, found: readonly Claim[]): Aggregator;
}
