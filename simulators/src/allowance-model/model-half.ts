/** The aggregator as the protocol describes it, in which rules can be left out. */
import {
  applyEvent,
  giveBack,
  hasRecovered,
  makeSet,
  noticeRestore,
  offerable,
  overrideRecovery,
  releaseHoldings,
  replaceEpoch,
} from './aggregator-half.js';
import type { AggregatorHalf } from './half.js';
import type { Rules } from './rules.js';
import type { Aggregator } from './state.js';
import { copyAggregator, newAggregator, rowOf } from './state.js';

export function createModelHalf(rules: Rules): AggregatorHalf {
  return {
    tellsSlotsApart: false,
    begin: (edges, slots) => newAggregator(edges, slots),
    applyEvent: (aggregator, edge, event) => changed(aggregator, (next) => applyEvent(next, rules, edge, event)),
    reserve: (aggregator, edge, slot) =>
      changed(aggregator, (next) => {
        const row = rowOf(next, edge);
        row.upTo += 1;
        next.slots[slot] = { state: 'taken', edge, epoch: row.epoch, arrival: row.upTo };
      }),
    offerable: (aggregator, edge) => offerable(aggregator, rules, edge),
    makeSet: (aggregator, edge, set) => changed(aggregator, (next) => makeSet(next, rules, edge, set)),
    replaceEpoch: (aggregator, edge, epoch) => changed(aggregator, (next) => replaceEpoch(next, rules, edge, epoch)),
    noticeRestore: (aggregator, edge) => changed(aggregator, (next) => noticeRestore(next, rules, edge)),
    hasRecovered: (aggregator, edge) => hasRecovered(aggregator, rules, edge),
    trust: (aggregator, edge) =>
      changed(aggregator, (next) => {
        rowOf(next, edge).mustReport = false;
        next.recovering[edge] = false;
      }),
    release: (aggregator, slot) => changed(aggregator, (next) => giveBack(next, slot)),
    releaseHoldings: (aggregator, edge) => changed(aggregator, (next) => releaseHoldings(next, edge)),
    look: (aggregator, edge, found) => changed(aggregator, (next) => overrideRecovery(next, edge, found)),
  };
}

function changed(aggregator: Aggregator, change: (next: Aggregator) => void): Aggregator {
  const next = copyAggregator(aggregator);
  change(next);
  return next;
}
