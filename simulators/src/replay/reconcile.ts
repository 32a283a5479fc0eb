/**
 * Compares what physically passed at the gates with what the aggregator has in its books. Passages must agree to the last one;
 * everything else is explained.
 */
import type { Itinerary } from './itinerary.js';
import type { Recording } from './recording.js';
import type { ReplayTally } from './run-replay.js';

/** The aggregator's books at the end. */
export interface CentreBooks {
  readonly entriesTotal: number;
  readonly exitsTotal: number;
  /** Never below zero. */
  readonly vehiclesInside: number;
  readonly sessionsOpened: number;
  readonly sessionsOpen: number;
  readonly sessionsUncertain: number;
  /** Closed sessions by how their end is known. */
  readonly closedByBasis: Readonly<Record<string, number>>;
  readonly drift: number;
  readonly openReviews: Readonly<Record<string, number>>;
}

export interface Compared {
  readonly atGates: number;
  readonly inAggregator: number;
  readonly difference: number;
}

export interface Reconciliation {
  readonly file: {
    readonly form: Recording['form'];
    readonly vehicles: number;
    readonly entries: number;
    readonly exits: number;
    readonly corrections: number;
    readonly filteredOut: number;
    readonly skippedRows: number;
  };
  readonly passages: { readonly entries: Compared; readonly exits: Compared };
  readonly count: Compared;
  readonly sessions: {
    readonly opened: number;
    readonly open: number;
    readonly uncertain: number;
    readonly closedByBasis: Readonly<Record<string, number>>;
    readonly drift: number;
  };
  readonly refused: {
    readonly total: number;
    readonly byReason: Readonly<Record<string, number>>;
    readonly lines: readonly number[];
  };
  /** Exits of the file that did not happen because their vehicle had been refused. */
  readonly exitsOfRefused: number;
  readonly exitsWithoutEntry: number;
  readonly stuckInside: number;
  /** Stays of one identity that overlap another of the same. */
  readonly overlaps: { readonly total: number; readonly admitted: number; readonly lines: readonly number[] };
  readonly openReviews: Readonly<Record<string, number>>;
  readonly longestWaitMs: number;
  /** Entries and exits of the file for which nothing above accounts. Must be 0. */
  readonly unaccounted: number;
  /** Whether passages and count agree and every row is accounted for. */
  readonly agrees: boolean;
}

/** How many lines of the file are listed; the totals count them all. */
const maxLinesListed = 1_000;

export function reconcile(
  recording: Recording,
  itinerary: Itinerary,
  tally: ReplayTally,
  books: CentreBooks,
): Reconciliation {
  const entries = itinerary.steps.filter(({ act }) => act === 'entry').length;
  const exits = itinerary.steps.filter(({ act }) => act === 'exit').length;
  const overlapping = itinerary.vehicles.filter(({ overlaps }) => overlaps);
  const passages = {
    entries: compare(tally.entriesPassed, books.entriesTotal),
    exits: compare(tally.exitsPassed, books.exitsTotal),
  };
  const count = compare(Math.max(0, tally.count), books.vehiclesInside);
  const unaccounted =
    Math.abs(entries - tally.entriesPassed - tally.refused.length) +
    Math.abs(exits - tally.exitsPassed - tally.exitsOfRefused - tally.stuckInside);
  return {
    file: {
      form: recording.form,
      vehicles: itinerary.vehicles.length,
      entries,
      exits,
      corrections: itinerary.steps.length - entries - exits,
      filteredOut: recording.filteredOut,
      skippedRows: recording.skipped.length,
    },
    passages,
    count,
    sessions: {
      opened: books.sessionsOpened,
      open: books.sessionsOpen,
      uncertain: books.sessionsUncertain,
      closedByBasis: books.closedByBasis,
      drift: books.drift,
    },
    refused: {
      total: tally.refused.length,
      byReason: countBy(tally.refused, ({ reason }) => reason),
      lines: tally.refused.slice(0, maxLinesListed).map(({ line }) => line),
    },
    exitsOfRefused: tally.exitsOfRefused,
    exitsWithoutEntry: tally.exitsWithoutEntry,
    stuckInside: tally.stuckInside,
    overlaps: {
      total: overlapping.length,
      admitted: overlapping.filter(({ line }) => tally.enteredLines.has(line)).length,
      lines: overlapping.slice(0, maxLinesListed).map(({ line }) => line),
    },
    openReviews: books.openReviews,
    longestWaitMs: tally.longestWaitMs,
    unaccounted,
    agrees:
      passages.entries.difference === 0 &&
      passages.exits.difference === 0 &&
      count.difference === 0 &&
      unaccounted === 0,
  };
}

function compare(atGates: number, inAggregator: number): Compared {
  return { atGates, inAggregator, difference: inAggregator - atGates };
}

/** How many of the items fall under each name. */
export function countBy<T>(items: Iterable<T>, nameOf: (item: T) => string): Record<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
