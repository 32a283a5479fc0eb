/** What the aggregator can do in the model. Each is one turn: all of it is stored, or nothing. */
import type { Books, LoggedEvent, SetMessage, World } from './state.js';

export interface AggregatorHalf {
  /** What it begins with, if it keeps books of its own. */
  newBooks(edges: number, slots: number): Books | null;
  /** Applies the next event of the edge. */
  applyEvent(world: World, edge: number, event: LoggedEvent): void;
  /** Takes the last event of the edge, a vehicle that waits, and reserves this slot for it; false: it would not. */
  reserve(world: World, edge: number, slot: number): boolean;
  /** Slots that a new set may have. */
  offerable(world: World, edge: number): number[];
  makeSet(world: World, edge: number, slots: readonly number[], version: number, asOf: number): SetMessage;
  /** The edge has a new outbox. */
  replaceEpoch(world: World, edge: number, epoch: number): void;
  /** The store turns out to be an old copy. `edge` is the one that showed it; null: somebody said so. */
  noticeRestore(world: World, edge: number | null): void;
  /** Whether the edge can be trusted again after a restore. */
  hasRecovered(world: World, edge: number): boolean;
  trust(world: World, edge: number): void;
  /** An operator frees a slot that is empty. */
  release(world: World, slot: number): void;
  /** An operator frees all that the edge holds. */
  releaseHoldings(world: World, edge: number): void;
  /** An operator looks what stands in the slots, and trusts the edge again. */
  lookAndTrust(world: World, edge: number): void;
}
