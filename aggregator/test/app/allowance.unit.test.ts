import { afterEach, describe, expect, it } from '@jest/globals';
import { slotOf, summaryOf } from '../../src/domain/engine.js';
import type { SiteState } from '../../src/domain/engine.js';
import { openWorld, siteId } from './support.js';
import type { Edge, World, WorldOptions } from './support.js';

let world: World;
const open = async (options: WorldOptions = {}): Promise<World> => (world = await openWorld(options));
const act = { by: 'desk', reason: 'test' };

afterEach(async () => {
  await world.aggregator.stop();
});

const site = (): SiteState => {
  const state = world.aggregator.site(siteId);
  if (state === undefined) throw new Error('no site');
  return state;
};
const slotState = (slotId: string) => slotOf(site(), slotId)?.state;
const slotsOf = (edge: Edge): string[] => (edge.allowances.at(-1)?.slots ?? []).map(({ slotId }) => slotId);
const allowanceOf = (edge: Edge) => world.aggregator.edgeStatus(edge.edgeId)?.allowance;

/** An edge that is connected, and has been given its share. */
async function equipped(edgeId = 'edge-1'): Promise<Edge> {
  const edge = world.edge(edgeId);
  edge.state();
  await world.settle();
  await world.advance(2_000);
  return edge;
}

/** The edge stores the set that came last. */
async function accept(edge: Edge, returned: readonly string[] = [], remaining = 0): Promise<void> {
  const seq = edge.accept(returned, remaining);
  edge.send({ first: seq });
  await world.settle();
}

/** Fills the site until the last free slots are those that are set aside; answers the arrival that gets none of the others. */
async function fillUp(edge: Edge): Promise<number> {
  for (;;) {
    const arrival = edge.arrive(`CAR${String(edge.kept.length)}`);
    edge.send({ first: arrival, waiting: [arrival] });
    await world.settle();
    const decision = edge.decisions.at(-1);
    const isAdmitted = decision?.arrival === arrival && decision.outcome === 'admit';
    if (!isAdmitted) return arrival;
    edge.send({ first: edge.pass(arrival, decision.slot?.slotId ?? null) });
    await world.settle();
  }
}

describe('an edge that is connected and has told everything', () => {
  it('is given its share of the free slots, the least preferred ones, and the same set again until it accepts it', async () => {
    await open();
    const edge = await equipped();
    expect(slotsOf(edge)).toEqual(['a-20', 'a-19', 'a-18', 'a-17']);
    expect(edge.allowances.at(-1)).toMatchObject({ epoch: edge.epoch, version: 1, asOf: 0 });
    expect(slotOf(site(), 'a-20')).toMatchObject({ state: 'held', heldBy: 'edge-1', heldEpoch: edge.epoch });
    expect(summaryOf(site())).toMatchObject({ free: 20, slots: { free: 16, held: 4 } });
    const first = edge.allowances.length;
    await world.advance(10_000);
    edge.state();
    await world.settle();
    expect(edge.allowances.length).toBe(first + 1);
    expect(edge.allowances.at(-1)).toEqual(edge.allowances.at(-2));
    await accept(edge);
    expect(allowanceOf(edge)).toEqual({ version: 1, settled: true, mustReport: false, held: 4, inSet: 4, frozen: 0 });
    await world.advance(10_000);
    edge.state({ allowanceVersion: 1 });
    await world.settle();
    expect(edge.allowances.length).toBe(first + 1);
    edge.state({ allowanceVersion: 0 });
    await world.settle();
    expect(edge.allowances.length).toBe(first + 2);
  });

  it('shares with the others, and one that is away, or behind, gets nothing', async () => {
    await open({ edges: ['edge-1', 'edge-2', 'edge-3'] });
    const [one, two, behind] = ['edge-1', 'edge-2', 'edge-3'].map((edgeId) => world.edge(edgeId));
    one?.state();
    two?.state();
    behind?.state({ next: 5 });
    await world.settle();
    await world.advance(2_000);
    for (const edge of [one, two]) expect(edge === undefined ? [] : slotsOf(edge)).toHaveLength(2);
    expect(behind?.allowances).toEqual([]);
    two?.offline();
    await world.settle();
    await world.advance(4_000);
    expect(summaryOf(site()).slots.held).toBe(4);
  });

  it('gives them out by itself: the slot is reserved by its word, whatever was decided here', async () => {
    const admissions: string[] = [];
    await open({ observer: { onAllowanceAdmission: (_, edgeId) => admissions.push(edgeId) } });
    const edge = await equipped();
    await accept(edge);
    const arrival = edge.arrive('AB12CDE');
    edge.send({ first: arrival, waiting: [arrival] });
    await world.settle();
    expect(slotState('a-1')).toBe('reserved');
    const gateId = 'edge-1-in';
    edge.write('vehicle-admitted', { gateId, arrival, slotId: 'a-20', basis: 'allowance' });
    edge.pass(arrival, 'a-20', { basis: 'allowance' });
    edge.send({ first: arrival + 1 });
    await world.settle();
    expect([slotState('a-1'), slotState('a-20')]).toEqual(['free', 'occupied']);
    expect(admissions).toEqual(['edge-1']);
    expect(allowanceOf(edge)).toMatchObject({ held: 3, inSet: 3 });
  });

  it('answers for its own when they are the last, and gives back what others need', async () => {
    await open({ edges: ['edge-1', 'edge-2'] });
    const one = await equipped('edge-1');
    const two = await equipped('edge-2');
    for (const edge of [one, two]) await accept(edge);
    await fillUp(two);
    expect(two.decisions.at(-1)?.outcome).toBe('own');
    // Somebody was about to be turned away: the shares are exact now, and what is not of the share is wanted back.
    const wanted = slotsOf(one);
    expect(wanted).toEqual([]);
    expect(summaryOf(site()).slots).toMatchObject({ free: 0, held: 6 });
    await accept(one, ['a-20', 'a-19', 'a-18', 'a-17']);
    expect(summaryOf(site()).slots).toMatchObject({ free: 4, held: 2 });
    expect(allowanceOf(one)).toMatchObject({ held: 0, inSet: 0, settled: true });
  });

  it('keeps a slot for the vehicle that it was told to let in, whatever the site needs', async () => {
    await open();
    const edge = await equipped();
    await accept(edge);
    const arrival = await fillUp(edge);
    expect(edge.decisions.at(-1)).toMatchObject({ arrival, outcome: 'own' });
    expect(slotsOf(edge)).toEqual(['a-20']);
  });
});

describe('a slot that is wanted back', () => {
  it('is left out of a new set at once, and taken when the edge returns it', async () => {
    await open();
    const edge = await equipped();
    await accept(edge);
    await world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'set-out-of-service', slotId: 'a-18', outOfService: true, ...act }),
    );
    await world.settle();
    expect(edge.allowances.at(-1)).toMatchObject({ version: 2, asOf: 1 });
    expect(slotsOf(edge)).toEqual(['a-20', 'a-19', 'a-17']);
    expect(slotOf(site(), 'a-18')).toMatchObject({ state: 'held', outOfService: null });
    await accept(edge, ['a-18']);
    expect(slotOf(site(), 'a-18')).toMatchObject({ state: 'free', outOfService: 'test', recall: null });
  });

  it('leaves even a set that was not accepted yet', async () => {
    await open();
    const edge = await equipped();
    await world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'set-out-of-service', slotId: 'a-18', outOfService: true, ...act }),
    );
    await world.settle();
    expect(edge.allowances.at(-1)).toMatchObject({ version: 2 });
    // The one before it arrives and is accepted: nothing is taken for returned.
    const seq = edge.write('allowance-accepted', { version: 1, returned: [], remaining: 0 });
    edge.send({ first: seq });
    await world.settle();
    expect(slotState('a-18')).toBe('held');
    await accept(edge, ['a-18']);
    expect(slotState('a-18')).toBe('free');
  });
});

describe('after a restart of the aggregator', () => {
  it('the set is the same, and sent again', async () => {
    await open();
    const edge = await equipped();
    const before = edge.allowances.at(-1);
    await world.aggregator.stop();
    const { backing, clock, hub } = world;
    await open({ backing, clock, hub, seed: 'b' });
    edge.state();
    await world.settle();
    expect(edge.allowances.at(-1)).toEqual(before);
    expect(allowanceOf(edge)).toMatchObject({ version: 1, settled: false, held: 4, inSet: 4 });
  });

  it('an edge that has a set which was never made here must tell what it holds, with an empty set', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state({ allowanceVersion: 7 });
    await world.settle();
    expect(summaryOf(site()).recovering).toBe(true);
    expect(await world.reviews()).toContain('store-restored');
    expect(edge.allowances.at(-1)).toMatchObject({ slots: [] });
    expect(edge.allowances.at(-1)?.version).toBeGreaterThan(7);
    await accept(edge, ['a-3'], 4);
    expect(summaryOf(site()).recovering).toBe(true);
    await accept(edge, ['a-4', 'a-5', 'a-6', 'a-7']);
    expect(summaryOf(site()).recovering).toBe(false);
    await world.advance(4_000);
    expect(slotsOf(edge)).toHaveLength(4);
  });
});

describe('an edge that is gone for good', () => {
  it('loses its slots to an operator, and must tell what it holds should it come back', async () => {
    await open();
    const edge = await equipped();
    await accept(edge);
    edge.offline();
    await world.settle();
    const facts = await world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'release-holdings', edgeId: 'edge-1', ...act }),
    );
    expect(facts.filter(({ type }) => type === 'slot-freed')).toHaveLength(4);
    expect(world.notices.map(({ kind, detail }) => `${kind} ${detail ?? ''}`)).toContain(
      'allowance-changed edge-1: 4 slots released',
    );
    await world.advance(4_000);
    expect(summaryOf(site()).slots).toMatchObject({ free: 20, held: 0 });
    edge.state({ allowanceVersion: 1 });
    await world.settle();
    await world.advance(2_000);
    expect(edge.allowances.at(-1)).toMatchObject({ slots: [] });
    expect(allowanceOf(edge)).toMatchObject({ mustReport: true });
    await accept(edge, ['a-17', 'a-18', 'a-19', 'a-20']);
    await world.advance(2_000);
    expect(slotsOf(edge)).toHaveLength(4);
  });

  it('that begins a new outbox is given a new set; what it had stays frozen', async () => {
    await open();
    const edge = await equipped();
    await accept(edge);
    edge.beginEpoch('9'.repeat(32));
    edge.state();
    await world.settle();
    await world.advance(4_000);
    expect(slotOf(site(), 'a-20')).toMatchObject({ state: 'held', frozen: true });
    expect(edge.allowances.at(-1)).toMatchObject({ epoch: edge.epoch, version: 1 });
    expect(allowanceOf(edge)).toMatchObject({ held: 7, inSet: 3, frozen: 4 });
    expect(summaryOf(site())).toMatchObject({ free: 16 });
  });
});
