/** A half that works out each turn once: whatever state of the world it is part of, the answer is the same. */
import type { AggregatorHalf } from './half.js';
import { renamingsOf } from './renaming.js';
import type { Scenario } from './scenario.js';
import type { Aggregator } from './state.js';
import { eventText } from './texts.js';

/** `share` finds the first of equal ones. */
export function createRememberingHalf(
  half: AggregatorHalf,
  scenario: Scenario,
  share: (aggregator: Aggregator) => Aggregator,
): AggregatorHalf {
  const [names] = renamingsOf(scenario, half);
  if (names === undefined) throw new RangeError('no names');
  const answers = new WeakMap<Aggregator, Map<string, unknown>>();
  const once = <T>(aggregator: Aggregator, question: string, work: () => T): T => {
    let known = answers.get(aggregator);
    if (known === undefined) {
      known = new Map();
      answers.set(aggregator, known);
    }
    if (known.has(question)) return known.get(question) as T;
    const answer = work();
    known.set(question, answer);
    return answer;
  };
  const turn = (aggregator: Aggregator, question: string, work: () => Aggregator): Aggregator =>
    once(aggregator, question, () => share(work()));

  return {
    tellsSlotsApart: half.tellsSlotsApart,
    begin: (edges, slots) => share(half.begin(edges, slots)),
    applyEvent: (aggregator, edge, event) =>
      turn(aggregator, `event ${String(edge)} ${eventText(event, names)}`, () =>
        half.applyEvent(aggregator, edge, event),
      ),
    reserve: (aggregator, edge, slot, current) =>
      once(aggregator, `reserve ${String(edge)} ${String(slot)} ${current.join()}`, () => {
        const next = half.reserve(aggregator, edge, slot, current);
        return next === null ? null : share(next);
      }),
    offerable: (aggregator, edge) =>
      once(aggregator, `offerable ${String(edge)}`, () => half.offerable(aggregator, edge)),
    makeSet(aggregator, edge, set) {
      const { slots, version, asOf } = set;
      const question = `set ${String(edge)} ${String(version)} ${String(asOf)} ${slots.join()}`;
      return turn(aggregator, question, () => half.makeSet(aggregator, edge, set));
    },
    replaceEpoch: (aggregator, edge, epoch) =>
      turn(aggregator, `epoch ${String(edge)} ${String(epoch)}`, () => half.replaceEpoch(aggregator, edge, epoch)),
    noticeRestore: (aggregator, edge) =>
      turn(aggregator, `restored ${String(edge)}`, () => half.noticeRestore(aggregator, edge)),
    hasRecovered: (aggregator, edge, isCurrent) =>
      once(aggregator, `recovered ${String(edge)} ${String(isCurrent)}`, () =>
        half.hasRecovered(aggregator, edge, isCurrent),
      ),
    trust: (aggregator, edge) => turn(aggregator, `trust ${String(edge)}`, () => half.trust(aggregator, edge)),
    release: (aggregator, slot) => turn(aggregator, `release ${String(slot)}`, () => half.release(aggregator, slot)),
    releaseHoldings: (aggregator, edge) =>
      turn(aggregator, `holdings ${String(edge)}`, () => half.releaseHoldings(aggregator, edge)),
    look(aggregator, edge, found) {
      const seen = found.map(({ epoch, arrival, slot }) => [epoch, arrival, slot].join('.'));
      return turn(aggregator, `look ${String(edge)} ${seen.sort().join()}`, () => half.look(aggregator, edge, found));
    },
  };
}
