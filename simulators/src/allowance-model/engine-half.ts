/** The aggregator as it is in production: the site engine, read from its rows before each turn, as after a restart. */
import { decide, evolve, newAllowance, newSite, restoreSite } from '@gatehouse/aggregator';
import type { SiteFact, SiteInput, SiteState } from '@gatehouse/aggregator';
import { siteLayoutSchema } from '@gatehouse/shared';
import { isAvailable, isHeldBy } from './aggregator-half.js';
import { booksOf, viewOf } from './books.js';
import { edgeIdOf, epochIdOf, inputsFor, nowMs, siteId } from './engine-events.js';
import type { AggregatorHalf } from './half.js';
import type { Books, World } from './state.js';
import { edgeOf, logOf, rowOf, slotName } from './state.js';

type Run = (input: SiteInput) => readonly SiteFact[];

const operator = { by: 'check', reason: 'check' } as const;

export const engineHalf: AggregatorHalf = {
  newBooks(edges, slots) {
    const layout = siteLayoutSchema.parse({
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
    const site = newSite(siteId);
    runOn(site, 'layout')({ type: 'put-layout', layout, ...operator });
    return booksOf(site);
  },

  applyEvent(world, edge, event) {
    const row = rowOf(world.aggregator, edge);
    row.upTo += 1;
    const at = { edge, epoch: row.epoch, seq: row.upTo };
    turn(world, eventName(edge, row.epoch, row.upTo), (run) => {
      for (const input of inputsFor(at, event)) run(input);
    });
  },

  reserve(world, edge, slot) {
    const row = rowOf(world.aggregator, edge);
    row.upTo += 1;
    const at = { edge, epoch: row.epoch, seq: row.upTo };
    let isReserved = false;
    turn(world, eventName(edge, row.epoch, row.upTo), (run) => {
      for (const other of world.edges.keys()) {
        run({ type: 'edge-currency', edgeId: edgeIdOf(other), current: isCurrent(world, other) });
      }
      for (const input of inputsFor(at, { kind: 'arrived' })) {
        const facts = run({ ...input, waiting: true });
        isReserved ||= facts.some((fact) => fact.type === 'slot-reserved' && fact.slotId === slotName(slot));
      }
    });
    return isReserved;
  },

  offerable({ aggregator, books }, edge) {
    const row = rowOf(aggregator, edge);
    if (row.mustReport) return [];
    const recalled = new Set(books?.slots.flatMap(({ slotId, recall }) => (recall === null ? [] : [slotId])));
    return aggregator.slots.flatMap((record, slot) => {
      if (recalled.has(slotName(slot))) return [];
      return isAvailable(aggregator, slot) || isHeldBy(record, edge, row.epoch) ? [slot] : [];
    });
  },

  makeSet(world, edge, slots, version, asOf) {
    const { epoch } = rowOf(world.aggregator, edge);
    const [edgeId, epochId] = [edgeIdOf(edge), epochIdOf(epoch)];
    change(world, (site) => {
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
    return { edge, epoch, version, asOf, slots };
  },

  replaceEpoch(world, edge, epoch) {
    const row = rowOf(world.aggregator, edge);
    const previousEpoch = epochIdOf(row.epoch);
    Object.assign(row, { epoch, upTo: 0 });
    turn(world, `replaced-${String(edge)}-${String(epoch)}`, (run) => {
      run({
        type: 'epoch-replaced',
        edgeId: edgeIdOf(edge),
        epoch: epochIdOf(epoch),
        previousEpoch,
        cause: 'new-outbox',
      });
    });
  },

  noticeRestore(world, edge) {
    turn(world, 'restored', (run) => run({ type: 'store-restored', edgeId: edgeIdOf(edge ?? 0) }));
  },

  hasRecovered(world, edge) {
    if (world.aggregator.recovering[edge] !== true || !isCurrent(world, edge)) return false;
    const site = restoreSite(booksIn(world));
    return decide(site, { type: 'edge-recovered', edgeId: edgeIdOf(edge) }, contextOf('recovered')).length > 0;
  },

  trust(world, edge) {
    turn(world, 'recovered', (run) => run({ type: 'edge-recovered', edgeId: edgeIdOf(edge) }));
  },

  release(world, slot) {
    turn(world, 'release', (run) => run({ type: 'release-slot', slotId: slotName(slot), force: true, ...operator }));
  },

  releaseHoldings(world, edge) {
    turn(world, 'holdings', (run) => run({ type: 'release-holdings', edgeId: edgeIdOf(edge), ...operator }));
  },

  lookAndTrust(world, edge) {
    this.trust(world, edge);
  },
};

/** Everything that the edge has stored is applied. */
function isCurrent(world: World, number: number): boolean {
  const edge = edgeOf(world, number);
  const row = rowOf(world.aggregator, number);
  return row.epoch === edge.epoch && row.upTo === logOf(edge).length;
}

function turn(world: World, name: string, work: (run: Run) => unknown): void {
  change(world, (site) => work(runOn(site, name)));
}

function change(world: World, work: (site: SiteState) => unknown): void {
  const site = restoreSite(booksIn(world));
  work(site);
  world.books = booksOf(site);
  world.aggregator = viewOf(world.books, world.aggregator);
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

function eventName(edge: number, epoch: number, seq: number): string {
  return `${String(edge)}.${String(epoch)}.${String(seq)}`;
}

function booksIn({ books }: World): Books {
  if (books === null) throw new Error('this world has no books');
  return books;
}
