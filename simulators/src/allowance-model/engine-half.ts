/** The aggregator as it is in production: the site engine, read from its rows before each turn, as after a restart. */
import { decide, evolve, newAllowance, newSite, restoreSite } from '@gatehouse/aggregator';
import type { SiteFact, SiteInput, SiteState } from '@gatehouse/aggregator';
import { siteLayoutSchema } from '@gatehouse/shared';
import { isAvailable, isHeldBy } from './aggregator-half.js';
import { booksOf, reviewsOf, viewOf } from './books.js';
import { edgeIdOf, epochIdOf, eventKey, inputsFor, nowMs, siteId } from './engine-events.js';
import type { AggregatorHalf } from './half.js';
import type { Aggregator, Books } from './state.js';
import { newAggregator, rowOf, slotName } from './state.js';

type Run = (input: SiteInput) => readonly SiteFact[];

const operator = { by: 'check', reason: 'check' } as const;

export interface People {
  /** A person who says that the slots were looked at has looked. */
  readonly look: boolean;
}

export function createEngineHalf(people: People): AggregatorHalf {
  return {
    tellsSlotsApart: true,

    begin(edges, slots) {
      const site = newSite(siteId);
      runOn(site, 'layout')({ type: 'put-layout', layout: layoutOf(edges, slots), ...operator });
      const books = booksOf(site);
      return viewOf(books, newAggregator(edges, slots));
    },

    applyEvent(aggregator, edge, event) {
      const at = nextPlace(aggregator, edge);
      return turn(moved(aggregator, edge, { upTo: at.seq }), eventKey(at), (run) => {
        for (const input of inputsFor(at, event)) run(input);
      });
    },

    reserve(aggregator, edge, slot, current) {
      const at = nextPlace(aggregator, edge);
      const reserved: string[] = [];
      const next = turn(moved(aggregator, edge, { upTo: at.seq }), eventKey(at), (run) => {
        for (const [other, isCurrent] of current.entries()) {
          run({ type: 'edge-currency', edgeId: edgeIdOf(other), current: isCurrent });
        }
        for (const input of inputsFor(at, { kind: 'arrived' })) {
          for (const fact of run({ ...input, waiting: true })) {
            if (fact.type === 'slot-reserved') reserved.push(fact.slotId);
          }
        }
      });
      return reserved.includes(slotName(slot)) ? next : null;
    },

    offerable(aggregator, edge) {
      const row = rowOf(aggregator, edge);
      if (row.mustReport) return [];
      const recalled = new Set(
        aggregator.books?.slots.flatMap(({ slotId, recall }) => (recall === null ? [] : [slotId])),
      );
      return aggregator.slots.flatMap((record, slot) => {
        if (recalled.has(slotName(slot))) return [];
        return isAvailable(aggregator, slot) || isHeldBy(record, edge, row.epoch) ? [slot] : [];
      });
    },

    makeSet(aggregator, edge, { slots, version, asOf }) {
      const { epoch } = rowOf(aggregator, edge);
      const [edgeId, epochId] = [edgeIdOf(edge), epochIdOf(epoch)];
      return change(aggregator, (site) => {
        for (const slotId of slots.map(slotName)) {
          if (site.slots.get(slotId)?.state === 'free')
            evolve(site, { type: 'slot-held', slotId, edgeId, epoch: epochId });
        }
        const present = site.allowances.get(edgeId);
        const { mustReport = false } = present ?? {};
        const row = present?.epoch === epochId ? present : { ...newAllowance(siteId, edgeId, epochId), mustReport };
        const allowance = { ...row, version, asOf, slotIds: slots.map(slotName), settled: false };
        evolve(site, { type: 'allowance-made', allowance });
      });
    },

    replaceEpoch(aggregator, edge, epoch) {
      const edgeId = edgeIdOf(edge);
      const previousEpoch = epochIdOf(rowOf(aggregator, edge).epoch);
      const next = moved(aggregator, edge, { epoch, upTo: 0 });
      return turn(next, `replaced ${edgeId} ${String(epoch)}`, (run) => {
        run({ type: 'epoch-replaced', edgeId, epoch: epochIdOf(epoch), previousEpoch, cause: 'new-outbox' });
      });
    },

    noticeRestore: (aggregator, edge) =>
      turn(aggregator, 'restored', (run) => run({ type: 'store-restored', edgeId: edgeIdOf(edge ?? 0) })),

    hasRecovered(aggregator, edge, isCurrent) {
      if (!isCurrent || aggregator.recovering[edge] !== true) return false;
      const site = restoreSite(booksIn(aggregator));
      return decide(site, { type: 'edge-recovered', edgeId: edgeIdOf(edge) }, contextOf('recovered')).length > 0;
    },

    trust: (aggregator, edge) =>
      turn(aggregator, 'recovered', (run) => run({ type: 'edge-recovered', edgeId: edgeIdOf(edge) })),

    release(aggregator, slot) {
      const row = booksIn(aggregator).slots.find(({ slotId }) => slotId === slotName(slot));
      return turn(aggregator, 'release', (run) => {
        if (row?.state !== 'free') run({ type: 'release-slot', slotId: slotName(slot), force: true, ...operator });
        else run({ type: 'set-out-of-service', slotId: slotName(slot), outOfService: false, ...operator });
      });
    },

    releaseHoldings: (aggregator, edge) =>
      turn(aggregator, 'holdings', (run) => run({ type: 'release-holdings', edgeId: edgeIdOf(edge), ...operator })),

    /** While the site recovers no slot can be assigned by hand: one with a vehicle is taken out of service until that is gone. */
    look(aggregator, edge, found) {
      const free = found.filter(({ slot }) => people.look && aggregator.slots[slot]?.state === 'free');
      return turn(aggregator, 'look', (run) => {
        for (const { slot, arrival, ...rest } of free) {
          const reason = eventKey({ ...rest, seq: arrival });
          run({ type: 'set-out-of-service', slotId: slotName(slot), outOfService: true, by: operator.by, reason });
        }
        for (const { reviewId } of reviewsOf(booksIn(aggregator), edge)) {
          run({ type: 'resolve-review', reviewId, resolution: 'looked', sessionId: null, ...operator });
        }
      });
    },
  };
}

function layoutOf(edges: number, slots: number) {
  return siteLayoutSchema.parse({
    siteId,
    name: 'Site',
    zones: [{ zoneId: 'zone', name: 'Zone' }],
    slots: Array.from({ length: slots }, (_, slot) => slotName(slot)).map((slotId) => ({
      slotId,
      zoneId: 'zone',
      label: slotId,
    })),
    gates: Array.from({ length: edges }, (_, edge) => edgeIdOf(edge)).flatMap((edgeId) => [
      { gateId: `${edgeId}-in`, edgeId, name: 'In', direction: 'entry' },
      { gateId: `${edgeId}-out`, edgeId, name: 'Out', direction: 'exit' },
    ]),
  });
}

function nextPlace(aggregator: Aggregator, edge: number): { edge: number; epoch: number; seq: number } {
  const { epoch, upTo } = rowOf(aggregator, edge);
  return { edge, epoch, seq: upTo + 1 };
}

/** With the cursor of the edge elsewhere. */
function moved(aggregator: Aggregator, edge: number, cursor: { epoch?: number; upTo: number }): Aggregator {
  return { ...aggregator, rows: aggregator.rows.with(edge, { ...rowOf(aggregator, edge), ...cursor }) };
}

function turn(aggregator: Aggregator, name: string, work: (run: Run) => unknown): Aggregator {
  return change(aggregator, (site) => work(runOn(site, name)));
}

function change(aggregator: Aggregator, work: (site: SiteState) => unknown): Aggregator {
  const site = restoreSite(booksIn(aggregator));
  work(site);
  return viewOf(booksOf(site), aggregator);
}

function runOn(site: SiteState, name: string): Run {
  const context = contextOf(name);
  return (input) => {
    const facts = decide(site, input, context);
    for (const fact of facts) evolve(site, fact);
    return facts;
  };
}

/** Ids that depend on nothing but the turn: equal stories end in equal rows. */
function contextOf(name: string): Parameters<typeof decide>[2] {
  let count = 0;
  return {
    nowMs,
    decisionTtlMs: 1_000,
    newId() {
      count += 1;
      return `${name}/${String(count)}`;
    },
  };
}

function booksIn({ books }: Aggregator): Books {
  if (books === null) throw new Error('this aggregator has no books');
  return books;
}
