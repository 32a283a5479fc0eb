import { afterEach, describe, expect, it } from '@jest/globals';
import { openReviews, summaryOf } from '../../src/domain/engine.js';
import { StoreError } from '../../src/app/ports.js';
import type { SiteLayout } from '@gatehouse/shared';
import type { ChangeSet } from '../../src/app/ports.js';
import { edgeRow, hex128, layoutFor, openWorld, siteId } from './support.js';
import type { World, WorldOptions } from './support.js';

let world: World;
const open = async (options: WorldOptions = {}): Promise<World> => (world = await openWorld(options));

afterEach(async () => {
  await world.aggregator.stop();
});

const summary = () => summaryOf(world.aggregator.site(siteId) as never);

describe('a batch that follows what is stored', () => {
  it('is stored, applied, decided and acknowledged', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    await world.settle();
    expect(edge.decisions).toMatchObject([
      { arrival, outcome: 'admit', revision: 1, slot: { slotId: 'a-1', label: 'A1', zoneId: 'a' } },
    ]);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1, hash: edge.hashAt(1), conflict: null });
    expect(await world.events()).toMatchObject([{ kind: 'vehicle-arrived', seq: 1, hash: edge.hashAt(1), flags: [] }]);
  });

  it('is acknowledged only after the commit', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    await world.settle();
    const acks = edge.acks.length;
    const release = world.store.holdCommits();
    edge.send({ waiting: [edge.arrive('AB12CDE')] });
    await world.settle();
    expect(edge.acks).toHaveLength(acks);
    expect(edge.decisions).toEqual([]);
    release();
    await world.settle();
    expect(edge.acks).toHaveLength(acks + 1);
    expect(edge.decisions).toHaveLength(1);
  });

  it('is decided only for arrivals that still wait', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    const gone = edge.arrive('AB12CDE');
    const here = edge.arrive('CD34EFG');
    edge.send({ waiting: [here] });
    await world.settle();
    expect(edge.decisions.map(({ arrival }) => arrival)).toEqual([here]);
    expect(gone).toBe(1);
  });

  it('is not answered from the decision when the edge decided by itself', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    const arrival = edge.arrive('AB12CDE');
    edge.write('vehicle-denied', { gateId: 'edge-1-in', arrival, reason: 'no-allowance' });
    edge.send({ waiting: [arrival] });
    await world.settle();
    expect(edge.decisions).toEqual([]);
    expect(summary().slots.reserved).toBe(0);
  });
});

describe('a batch that is sent again', () => {
  it('changes nothing and is acknowledged again', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    const arrival = edge.arrive('AB12CDE');
    edge.pass(arrival, 'a-1');
    edge.send();
    await world.settle();
    const commits = world.store.commitCount;
    const before = summary();
    edge.send();
    await world.settle();
    expect(world.store.commitCount).toBe(commits);
    expect(summary()).toEqual(before);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 2, hash: edge.hashAt(2), conflict: null });
  });

  it('brings the same decision again while its arrival waits', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    await world.settle();
    edge.send({ waiting: [arrival] });
    await world.settle();
    expect(edge.decisions).toHaveLength(2);
    expect(edge.decisions[1]).toEqual(edge.decisions[0]);
    edge.pass(arrival, 'a-1');
    edge.send({ first: 2 });
    edge.send({ waiting: [arrival] });
    await world.settle();
    expect(edge.decisions).toHaveLength(2);
  });

  it('applies only what is new of a batch that overlaps', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE');
    edge.arrive('CD34EFG');
    edge.send({ last: 2 });
    await world.settle();
    edge.arrive('EF56GHI');
    edge.send({ first: 2 });
    await world.settle();
    expect((await world.events()).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });
});

describe('a decision', () => {
  it('is sent again, unchanged, on a new connection while its arrival is open', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    await world.settle();
    edge.offline();
    await world.settle();
    edge.state();
    await world.settle();
    expect(edge.decisions).toHaveLength(2);
    expect(edge.decisions[1]).toEqual(edge.decisions[0]);
  });

  it('survives a restart of the aggregator and is sent again', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    await world.settle();
    await world.aggregator.stop();
    await open({ backing: world.backing, clock: world.clock, hub: world.hub, seed: 'b' });
    edge.state();
    await world.settle();
    expect(edge.decisions.length).toBeGreaterThan(1);
    for (const decision of edge.decisions) expect(decision).toEqual(edge.decisions[0]);
  });

  it('is sent again to an edge that still lists its arrival, but not at every state', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    const gate = { gateId: 'edge-1-in', direction: 'entry', barrier: 'closed', mode: 'automatic' } as const;
    const listed = { gates: [{ ...gate, sensors: {}, faults: [], arrival, vehicleClass: null }] };
    await world.settle();
    edge.state(listed);
    await world.settle();
    expect(edge.decisions).toHaveLength(1);
    await world.advance(2_000);
    edge.state(listed);
    await world.settle();
    expect(edge.decisions).toHaveLength(2);
  });
});

describe('a batch beyond what is stored', () => {
  it('is not applied, and acknowledged where the store stands', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    for (const plate of ['AB12CDE', 'CD34EFG', 'EF56GHI']) edge.arrive(plate);
    edge.send({ last: 1 });
    edge.send({ first: 3 });
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1, hash: edge.hashAt(1), conflict: null });
    expect(await world.events()).toHaveLength(1);
    edge.send({ first: 2 });
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 3, hash: edge.hashAt(3) });
  });

  it('is not answered before the agent has said what it was told: an acknowledgement below that would make it forget', async () => {
    await open();
    const edge = world.edge('edge-1');
    for (const plate of ['AB12CDE', 'CD34EFG', 'EF56GHI']) edge.arrive(plate);
    edge.send({ last: 1 });
    await world.settle();
    expect(edge.acks).toHaveLength(1);
    edge.send({ first: 3 });
    await world.settle();
    expect(edge.acks).toHaveLength(1);
    edge.state({ acked: 2 });
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1, conflict: null });
    expect(summary().recovering).toBe(true);
  });
});

describe('a history that is not the stored one', () => {
  it('is refused when the hash before it differs', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE');
    edge.send();
    await world.settle();
    edge.arrive('CD34EFG');
    edge.send({ first: 2, change: { prevHash: '0'.repeat(64) } });
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1, conflict: 'hash-mismatch' });
    expect(await world.events()).toHaveLength(1);
    expect(await world.reviews()).toContain('identity-conflict');
    expect(world.aggregator.edgeStatus('edge-1')?.conflict).toBe('hash-mismatch');
  });

  it('is refused when it forked before what is stored', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE');
    edge.arrive('CD34EFG');
    edge.send();
    await world.settle();
    const clone = world.edge('edge-1', { instance: hex128('clone') });
    clone.arrive('XX99XXX');
    clone.arrive('YY88YYY');
    clone.arrive('ZZ77ZZZ');
    clone.send();
    await world.settle();
    expect(clone.acks.at(-1)).toMatchObject({ upTo: 2, conflict: 'hash-mismatch' });
    expect(await world.events()).toHaveLength(2);
  });

  it('is refused when the edge has less than is stored', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE');
    edge.arrive('CD34EFG');
    edge.send();
    await world.settle();
    const restored = world.edge('edge-1', { instance: hex128('restored') });
    restored.state({ next: 2 });
    await world.advance(10_000);
    expect(restored.acks.at(-1)).toMatchObject({ upTo: 2, conflict: null });
    restored.state({ next: 2 });
    await world.settle();
    expect(restored.acks.at(-1)).toMatchObject({ upTo: 2, conflict: 'cursor-ahead' });
  });

  it('is not suspected because the broker kept a state from before the last batch, when the aggregator restarts', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE');
    edge.send();
    await world.settle();
    await world.aggregator.stop();
    await open({ backing: world.backing, clock: world.clock, hub: world.hub, seed: 'b' });
    await world.advance(5_000);
    edge.state();
    await world.settle();
    expect(edge.acks.map(({ conflict }) => conflict)).toEqual(edge.acks.map(() => null));
    expect(await world.reviews()).toEqual([]);
  });

  it('is not suspected because of a state that was overtaken by a batch', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.arrive('AB12CDE');
    edge.send();
    await world.settle();
    edge.state({ next: 1 });
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1, conflict: null });
  });

  it('raises one alarm a period, however often it shows', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.arrive('AB12CDE');
    edge.send();
    const show = async (): Promise<void> => {
      edge.send({ first: 2, change: { prevHash: '0'.repeat(64), events: [edge.kept[0]?.json] } });
      await world.settle();
      const [review] = [...openReviews(world.aggregator.site(siteId) as never)];
      if (review === undefined) return;
      const { reviewId } = review;
      await world.aggregator.committer.execute((turn) =>
        turn.apply(siteId, {
          type: 'resolve-review',
          reviewId,
          resolution: 'looked at',
          sessionId: null,
          by: 'olga',
          reason: 'test',
        }),
      );
    };
    for (let time = 0; time < 5; time += 1) await show();
    expect((await world.reviews()).filter((kind) => kind === 'identity-conflict')).toHaveLength(1);
    await world.advance(world.settings.edges.alarmPeriodMs);
    await show();
    expect((await world.reviews()).filter((kind) => kind === 'identity-conflict')).toHaveLength(2);
  });
});

describe('a gap', () => {
  it('is recorded, passed over, and the history goes on from the hash that the edge shows', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE');
    edge.send();
    await world.settle();
    for (const plate of ['L1', 'L2', 'KEPT1', 'KEPT2']) edge.arrive(plate);
    edge.state({ oldest: 4, acked: 1 });
    await world.settle();
    expect(await world.reviews()).toContain('events-gap');
    expect(edge.acks.at(-1)?.conflict).toBeNull();
    edge.send({ first: 4 });
    await world.settle();
    expect((await world.events()).map(({ seq }) => seq)).toEqual([1, 4, 5]);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 5, hash: edge.hashAt(5), conflict: null });
    edge.state({ oldest: 4, acked: 5 });
    await world.settle();
    expect((await world.reviews()).filter((kind) => kind === 'events-gap')).toHaveLength(1);
  });

  it('never shows the edge a hash that it cannot check', async () => {
    await open();
    const edge = world.edge('edge-1');
    for (const plate of ['L1', 'L2', 'KEPT1']) edge.arrive(plate);
    edge.state({ oldest: 3 });
    edge.state({ oldest: 3 });
    await world.settle();
    expect(edge.acks.length).toBeGreaterThan(0);
    for (const ack of edge.acks) expect(ack).toMatchObject({ upTo: 0, hash: edge.hashAt(0) });
  });
});

describe('a store that was restored from an older copy', () => {
  it('gives out nothing until the edge has sent again what is missing', async () => {
    await open();
    const edge = world.edge('edge-1');
    for (const plate of ['AB12CDE', 'CD34EFG', 'EF56GHI']) edge.arrive(plate);
    edge.send({ last: 1 });
    await world.settle();
    edge.state({ acked: 3 });
    await world.settle();
    expect(summary().recovering).toBe(true);
    expect(await world.reviews()).toContain('store-restored');
    const late = edge.arrive('GH78IJK');
    edge.send({ first: 2, waiting: [late] });
    await world.settle();
    expect(edge.decisions.at(-1)).toMatchObject({ arrival: late, outcome: 'deny', reason: 'recovering' });
    edge.state({ acked: 4 });
    await world.settle();
    expect(summary().recovering).toBe(true);
    expect(edge.allowances.at(-1)).toMatchObject({ slots: [], asOf: 1 });
    edge.accept();
    edge.send({ first: 5 });
    await world.settle();
    expect(summary().recovering).toBe(true);
    for (const arrival of [1, 2, 3, late]) edge.leave(arrival);
    edge.send({ first: 6 });
    await world.settle();
    expect(summary().recovering).toBe(false);
    expect((await world.reviews()).filter((kind) => kind === 'store-restored')).toHaveLength(1);
  });
});

describe('a new epoch', () => {
  it('retires the one before, freezes what was open, and starts from nothing', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.send({ waiting: [edge.arrive('AB12CDE')] });
    await world.settle();
    const former = edge.epoch;
    edge.beginEpoch(hex128('second'));
    edge.state();
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ epoch: hex128('second'), upTo: 0, hash: edge.hashAt(0), conflict: null });
    expect(await world.reviews()).toContain('epoch-replaced');
    expect(world.aggregator.directory.retiredEpoch('edge-1', former)).toMatchObject({ upTo: 1 });
    edge.arrive('CD34EFG');
    edge.send();
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1, hash: edge.hashAt(1) });
  });

  it('leaves a bounded number of retired ones, in the store as in memory, the newest', async () => {
    await open({ settings: { edges: { maxRetiredEpochs: 2 } } });
    const edge = world.edge('edge-1');
    for (const name of ['first', 'second', 'third', 'fourth']) {
      edge.beginEpoch(hex128(name));
      edge.arrive('AB12CDE');
      edge.send();
      await world.advance(1_000);
    }
    const newest = [hex128('second'), hex128('third')];
    const stored = (await world.store.load()).retiredEpochs.filter((row) => row.edgeId === 'edge-1');
    expect(stored.map(({ epoch }) => epoch)).toEqual(newest);
    const known = (name: string): boolean =>
      world.aggregator.directory.retiredEpoch('edge-1', hex128(name)) !== undefined;
    expect(['first', 'second', 'third', 'fourth'].filter(known).map(hex128)).toEqual(newest);
  });

  it('is told apart from an old one that comes back', async () => {
    await open();
    const old = world.edge('edge-1', { instance: hex128('old') });
    old.arrive('AB12CDE');
    old.send();
    await world.settle();
    const fresh = world.edge('edge-1', { epoch: hex128('second') });
    fresh.state();
    await world.settle();
    old.arrive('CD34EFG');
    old.send({ first: 2 });
    old.state();
    await world.settle();
    expect(old.acks.at(-1)).toMatchObject({ upTo: 1, conflict: 'epoch-retired' });
    expect(await world.events()).toHaveLength(1);
    expect(await world.reviews()).toContain('identity-conflict');
    expect(world.aggregator.directory.cursor('edge-1')?.epoch).toBe(hex128('second'));
  });

  it('drops events sent again that are known, and applies the others, flagged', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE');
    edge.arrive('CD34EFG');
    edge.send({ last: 1 });
    await world.settle();
    const origins = edge.kept.map(({ hash }, index) => ({ epoch: edge.epoch, seq: index + 1, hash }));
    await world.advance(1_000);
    edge.beginEpoch(hex128('second'));
    edge.arrive('AB12CDE', { origin: origins[0] });
    edge.arrive('CD34EFG', { origin: origins[1] });
    edge.send();
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 2, hash: edge.hashAt(2) });
    const stored = await world.events();
    expect(stored.map(({ epoch, seq, flags }) => [epoch === hex128('second'), seq, flags])).toEqual([
      [false, 1, []],
      [true, 2, ['resent']],
    ]);
  });

  it('drops an event that was sent again before, although it was never stored where it stood first', async () => {
    await open();
    const edge = world.edge('edge-1');
    const origin = { epoch: hex128('lost'), seq: 7, hash: 'a'.repeat(64) };
    for (const epoch of ['second', 'third']) {
      edge.beginEpoch(hex128(epoch));
      edge.arrive('AB12CDE', { origin });
      edge.send();
      await world.settle();
      expect(edge.acks.at(-1)).toMatchObject({ epoch: hex128(epoch), upTo: 1 });
    }
    expect(await world.events()).toHaveLength(1);
  });

  it('drops an event of a copied outbox that was sent again before, although another stands where it stood first', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE');
    edge.send();
    await world.settle();
    const origin = { epoch: edge.epoch, seq: 1, hash: 'a'.repeat(64) };
    for (const epoch of ['second', 'third']) {
      edge.beginEpoch(hex128(epoch));
      edge.arrive('CD34EFG', { origin });
      edge.send();
      await world.settle();
    }
    const stored = await world.events();
    expect(stored.map(({ epoch, flags }) => [epoch, flags])).toEqual([
      [hex128('second'), ['resent', 'origin-differs']],
      [origin.epoch, []],
    ]);
  });

  it('follows an arrival into the new epoch: the decision is sent again under its new name, and its passage takes its slot', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE');
    edge.send({ waiting: [1] });
    await world.settle();
    const first = edge.decisions.at(-1);
    const origin = { epoch: edge.epoch, seq: 1, hash: edge.hashAt(1) };
    edge.beginEpoch(hex128('second'));
    edge.write('mode-changed', { gateId: 'edge-1-in', mode: 'automatic', by: 'test' });
    edge.arrive('AB12CDE', { origin });
    edge.send({ waiting: [2] });
    await world.settle();
    expect(first).toMatchObject({ outcome: 'admit', arrival: 1 });
    expect(edge.decisions.at(-1)).toMatchObject({ ...first, epoch: hex128('second'), arrival: 2 });
    edge.pass(2, first?.slot?.slotId ?? null);
    edge.send();
    await world.settle();
    expect(summary()).toMatchObject({
      vehiclesInside: 1,
      sessionsOpen: 1,
      slots: { occupied: 1, reserved: 0 },
    });
    expect(await world.reviews()).toEqual(['epoch-replaced']);
  });

  it('drops a known event of an unknown kind that is sent again', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.write('drone-landed');
    edge.send();
    await world.settle();
    const origin = { epoch: edge.epoch, seq: 1, hash: edge.hashAt(1) };
    edge.beginEpoch(hex128('second'));
    edge.write('drone-landed', { origin });
    edge.send();
    await world.settle();
    expect(await world.events()).toHaveLength(1);
    expect(edge.acks.at(-1)).toMatchObject({ epoch: hex128('second'), upTo: 1 });
  });

  it('knows an event sent again although the first sending is in the same commit', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    await world.settle();
    const release = world.store.holdCommits();
    edge.state();
    edge.arrive('AB12CDE');
    edge.send({ waiting: [] });
    const origin = { epoch: edge.epoch, seq: 1, hash: edge.hashAt(1) };
    edge.beginEpoch(hex128('second'));
    edge.arrive('AB12CDE', { origin });
    edge.send();
    release();
    await world.settle();
    expect(await world.events()).toHaveLength(1);
    expect(edge.acks.at(-1)).toMatchObject({ epoch: hex128('second'), upTo: 1 });
  });
});

describe('two agents under one identity', () => {
  it('are noticed when they alternate, once a period', async () => {
    await open();
    const one = world.edge('edge-1', { instance: hex128('one') });
    const two = world.edge('edge-1', { instance: hex128('two') });
    for (let round = 0; round < 6; round += 1) {
      await world.advance(1_000);
      (round % 2 === 0 ? one : two).state();
      await world.settle();
    }
    expect((await world.reviews()).filter((kind) => kind === 'identity-conflict')).toHaveLength(1);
  });

  it('are not suspected when an agent restarts and a late message of the former comes', async () => {
    await open();
    const one = world.edge('edge-1', { instance: hex128('one') });
    const two = world.edge('edge-1', { instance: hex128('two') });
    one.state();
    two.state();
    one.arrive('AB12CDE');
    one.send();
    await world.settle();
    two.kept.push(...one.kept);
    two.state();
    await world.settle();
    expect(await world.reviews()).toEqual([]);
  });
});

describe('events of a gate that a layout took away', () => {
  const without = (gateId: string): SiteLayout => {
    const layout = layoutFor(['edge-1']);
    return { ...layout, gates: layout.gates.filter((gate) => gate.gateId !== gateId) };
  };
  const put = async (layout: SiteLayout): Promise<void> => {
    await world.aggregator.committer.execute((turn) => {
      turn.apply(siteId, { type: 'put-layout', layout, by: 'test', reason: 'test' });
    });
  };

  it('are applied, also after a restart: who went through is counted', async () => {
    await open();
    const edge = world.edge('edge-1');
    const known = edge.arrive('AB12CDE');
    edge.send();
    edge.state();
    await world.settle();
    edge.leave(known);
    edge.pass(edge.arrive('CD34EFG'), null);
    edge.send({ last: 2 });
    await world.settle();
    await put(without('edge-1-in'));
    await world.aggregator.stop();
    world = await openWorld({ backing: world.backing, clock: world.clock, hub: world.hub, seed: 'b' });
    edge.send();
    await world.settle();
    expect(await world.quarantine()).toEqual([]);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 4, hash: edge.hashAt(4) });
    expect((await world.events()).map(({ seq, gateId, flags }) => [seq, gateId, flags])).toEqual([
      [1, 'edge-1-in', []],
      [2, 'edge-1-in', []],
      [3, 'edge-1-in', ['gate-removed']],
      [4, 'edge-1-in', ['gate-removed']],
    ]);
    expect(summary()).toMatchObject({ vehiclesInside: 1, sessionsOpen: 1 });
  });

  it('are applied by a restored store that is older than the gate', async () => {
    await open({ isBare: true });
    await put(without('edge-1-in'));
    await world.aggregator.committer.execute((turn) => {
      turn.put('edges', edgeRow('edge-1'));
    });
    const edge = world.edge('edge-1');
    edge.pass(edge.arrive('AB12CDE'), null);
    edge.state({ acked: 2 });
    await world.settle();
    edge.send();
    edge.state({ acked: 2 });
    await world.settle();
    expect(await world.quarantine()).toEqual([]);
    expect((await world.events()).map(({ flags }) => flags)).toEqual([['gate-removed'], ['gate-removed']]);
    expect(summary()).toMatchObject({ vehiclesInside: 1, sessionsOpen: 1 });
  });

  it('get no decision, and the layout can be changed while somebody stands there', async () => {
    await open();
    await put(without('edge-1-in'));
    const edge = world.edge('edge-1');
    edge.state();
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1 });
    expect(edge.decisions).toEqual([]);
    await put({ ...without('edge-1-in'), name: 'South' });
    await put(layoutFor(['edge-1']));
    const next = edge.arrive('CD34EFG');
    edge.send({ waiting: [next] });
    await world.settle();
    expect(edge.decisions.map(({ arrival: seq, outcome }) => [seq, outcome])).toEqual([[next, 'admit']]);
  });

  it('are taken from the edge that had it and from the one that has it now, each by its own', async () => {
    await open({ edges: ['edge-1', 'edge-2'] });
    const layout = layoutFor(['edge-1', 'edge-2']);
    await put({
      ...layout,
      gates: layout.gates.map((gate) => (gate.gateId === 'edge-1-in' ? { ...gate, edgeId: 'edge-2' } : gate)),
    });
    const [former, present] = [world.edge('edge-1'), world.edge('edge-2')];
    former.pass(former.arrive('AB12CDE'), null);
    present.pass(present.arrive('CD34EFG', { gateId: 'edge-1-in' }), null, { gateId: 'edge-1-in' });
    former.write('barrier-forced', { gateId: 'edge-2-in' });
    for (const edge of [former, present]) edge.send();
    await world.settle();
    expect(summary()).toMatchObject({ vehiclesInside: 2 });
    expect(await world.quarantine()).toMatchObject([{ seq: 3, reason: 'gateId: the gate belongs to another edge' }]);
  });
});

describe('events that cannot be applied', () => {
  it('go to quarantine for an unknown gate, and the ones after them pass', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE', { gateId: 'nowhere' });
    edge.arrive('CD34EFG');
    edge.send();
    await world.settle();
    expect(await world.quarantine()).toMatchObject([
      { seq: 1, kind: 'vehicle-arrived', reason: 'gateId: the site has no such gate' },
    ]);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 2, hash: edge.hashAt(2) });
    expect((await world.events()).map(({ seq }) => seq)).toEqual([2]);
  });

  it('go to quarantine for a gate of another edge', async () => {
    await open({ edges: ['edge-1', 'edge-2'] });
    const edge = world.edge('edge-1');
    edge.arrive('AB12CDE', { gateId: 'edge-2-in' });
    edge.send();
    await world.settle();
    expect(await world.quarantine()).toMatchObject([{ reason: 'gateId: the gate belongs to another edge' }]);
  });

  it('go to quarantine when they do not parse, without the plate they show', async () => {
    await open();
    const edge = world.edge('edge-1');
    const plate = 'AVERYLONGPLATETHATNOBODYCANHAVE123456';
    edge.arrive(plate);
    edge.arrive('CD34EFG');
    edge.send();
    await world.settle();
    const [row] = await world.quarantine();
    expect(row?.reason).toMatch(/^credential\.value: /);
    expect(JSON.stringify(row)).not.toContain(plate);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 2 });
  });

  it('of an unknown kind are stored, flagged and reviewed', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.write('drone-landed', { gateId: 'edge-1-in', seen: 'roof', credential: { kind: 'plate', value: 'AB12CDE' } });
    edge.arrive('CD34EFG');
    edge.send();
    await world.settle();
    const [row] = await world.events();
    expect(row).toMatchObject({ kind: 'drone-landed', gateId: 'edge-1-in', flags: ['unknown-kind'] });
    expect(JSON.parse(row?.body ?? '')).toMatchObject({ seen: 'roof', credential: { kind: 'plate' } });
    expect(row?.body).not.toContain('AB12CDE');
    const plate = { kind: 'plate', value: 'AB12CDE' } as const;
    expect(row?.credentialId).toBe(world.aggregator.directory.credentialByText(plate)?.credentialId);
    await world.advance(2 * world.settings.retention.intervalMs);
    expect(await world.store.findCredentials([plate])).toMatchObject([{ credentialId: row?.credentialId }]);
    expect(await world.reviews()).toContain('unknown-event');
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 2 });
  });
});

describe('payloads that cannot be read', () => {
  const bad: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['bytes that are not UTF-8', Uint8Array.of(0xff, 0xfe, 0x41), /is not UTF-8/],
    ['malformed JSON', '{"instance":', /is not JSON/],
    ['JSON of another shape', '{"hello":1}', /instance: /],
    ['a member named __proto__', '{"__proto__":{"polluted":1}}', /__proto__/],
    ['ten megabytes', 'x'.repeat(10_000_000), /^payload: 10000000 bytes/],
  ];
  it.each(bad)('are recorded with size and digest, and not acknowledged: %s', async (_name, payload, reason) => {
    await open();
    const edge = world.edge('edge-1');
    edge.sendRaw(payload);
    await world.settle();
    const [row] = await world.quarantine();
    expect(row?.reason).toMatch(reason);
    expect(row).toMatchObject({ edgeId: 'edge-1', seq: null, body: null, payloadBytes: payload.length });
    expect(row?.payloadSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(edge.acks).toEqual([]);
    edge.arrive('AB12CDE');
    edge.send();
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1 });
  });

  it('fill the quarantine no faster than the bound', async () => {
    await open();
    const edge = world.edge('edge-1');
    for (let count = 0; count < 20; count += 1) {
      edge.sendRaw('nonsense');
      await world.settle();
    }
    expect(await world.quarantine()).toHaveLength(world.settings.ingest.unreadablePayloadsPerEdgePerMinute);
    expect(world.aggregator.health().dropped.unreadable).toBe(20);
  });

  it('wait in a bounded number while the store fails, states among them', async () => {
    let isFull = false;
    await open({
      wrapStore: (store) =>
        Object.assign(Object.create(store) as typeof store, {
          async commit(changes: ChangeSet) {
            if (isFull) throw new StoreError('full', 'the disk is full');
            return store.commit(changes);
          },
        }),
    });
    const edge = world.edge('edge-1');
    isFull = true;
    for (let minute = 0; minute < 20; minute += 1) {
      for (let count = 0; count < 10; count += 1) edge.sendRaw('nonsense', 'state');
      await world.advance(60_000);
    }
    isFull = false;
    await world.advance(60_000);
    const bound = world.settings.ingest.unreadablePayloadsPerEdgePerMinute;
    expect(await world.quarantine()).toHaveLength(bound);
    edge.sendRaw('nonsense', 'state');
    await world.settle();
    expect(await world.quarantine()).toHaveLength(bound + 1);
  });
});

describe('messages from elsewhere', () => {
  it('of an edge that is not registered, revoked, or of another site are dropped and counted', async () => {
    await open();
    const stranger = world.edge('edge-9');
    stranger.state();
    const edge = world.edge('edge-1');
    edge.arrive('AB12CDE');
    await world.settle();
    await world.aggregator.committer.execute((turn) => {
      turn.put('edges', edgeRow('edge-1', { revokedAtMs: turn.nowMs }));
    });
    edge.send();
    await world.settle();
    expect(stranger.acks).toEqual([]);
    expect(edge.acks).toEqual([]);
    expect(world.aggregator.health().dropped).toMatchObject({ 'unknown-edge': 1, 'revoked-edge': 1 });
  });

  it('do not keep an edge online that was revoked', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    await world.settle();
    expect(world.aggregator.edgeStatus('edge-1')).toMatchObject({ presence: 'online' });
    await world.aggregator.committer.execute((turn) => {
      turn.put('edges', edgeRow('edge-1', { revokedAtMs: turn.nowMs }));
    });
    edge.state();
    await world.settle();
    expect(world.aggregator.edgeStatus('edge-1')).toMatchObject({ presence: 'offline' });
  });
});

describe('an edge whose site has no layout yet', () => {
  it('keeps its events until there is one', async () => {
    await open({ isBare: true });
    await world.aggregator.committer.execute((turn) => {
      turn.put('edges', edgeRow('edge-1'));
    });
    const edge = world.edge('edge-1');
    edge.arrive('AB12CDE');
    edge.send();
    await world.settle();
    expect(edge.acks).toEqual([]);
    expect(world.aggregator.health().dropped).toEqual({ 'no-site': 1 });
    await world.aggregator.committer.execute((turn) => {
      turn.apply(siteId, { type: 'put-layout', layout: layoutFor(['edge-1']), by: 'olga', reason: 'test' });
    });
    edge.send();
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1 });
    expect(await world.quarantine()).toEqual([]);
  });
});

describe('a clock that is off', () => {
  it.each([365 * 86_400_000, -365 * 86_400_000])('by %d ms is flagged, and its times are corrected', async (offMs) => {
    await open();
    const clock = { wallMs: () => world.clock.wallMs() + offMs, monoMs: () => world.clock.monoMs() };
    const edge = world.edge('edge-1', { clock });
    edge.state();
    await world.settle();
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    await world.settle();
    expect(edge.decisions).toMatchObject([{ outcome: 'admit' }]);
    const [row] = await world.events();
    expect(row?.flags).toEqual(['clock-off']);
    expect(Math.abs((row?.atMs ?? 0) - world.clock.wallMs())).toBeLessThan(1_000);
    expect(world.aggregator.edgeStatus('edge-1')).toMatchObject({ clockOff: true, clockOffsetMs: offMs });
  });

  it('never yields a time after the receipt', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.arrive('AB12CDE', { atMs: world.clock.wallMs() + 10 * 365 * 86_400_000 });
    edge.send();
    await world.settle();
    const [row] = await world.events();
    expect(row?.atMs).toBeLessThanOrEqual(row?.receivedAtMs ?? 0);
    expect(row?.flags).toEqual(['clock-off']);
  });
});
