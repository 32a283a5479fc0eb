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
import { rowOf } from './state.js';

export function createModelHalf(rules: Rules): AggregatorHalf {
  return {
    newBooks: () => null,
    applyEvent: ({ aggregator }, edge, event) => applyEvent(aggregator, rules, edge, event),
    reserve({ aggregator }, edge, slot) {
      const row = rowOf(aggregator, edge);
      row.upTo += 1;
      aggregator.slots[slot] = { state: 'taken', edge, epoch: row.epoch, arrival: row.upTo };
      return true;
    },
    offerable: ({ aggregator }, edge) => offerable(aggregator, rules, edge),
    makeSet: ({ aggregator }, edge, slots, version, asOf) => makeSet(aggregator, rules, edge, slots, version, asOf),
    replaceEpoch: ({ aggregator }, edge, epoch) => replaceEpoch(aggregator, rules, edge, epoch),
    noticeRestore: ({ aggregator }, edge) => noticeRestore(aggregator, rules, edge),
    hasRecovered: ({ aggregator }, edge) => hasRecovered(aggregator, rules, edge),
    trust({ aggregator }, edge) {
      rowOf(aggregator, edge).mustReport = false;
      aggregator.recovering[edge] = false;
    },
    release: ({ aggregator }, slot) => giveBack(aggregator, slot),
    releaseHoldings: ({ aggregator }, edge) => releaseHoldings(aggregator, edge),
    lookAndTrust({ aggregator, vehicles }, edge) {
      const { epoch } = rowOf(aggregator, edge);
      const found = vehicles.filter((vehicle) => vehicle.edge === edge && vehicle.epoch !== epoch);
      overrideRecovery(aggregator, edge, found);
    },
  };
}
