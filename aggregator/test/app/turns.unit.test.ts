import { afterEach, describe, expect, it } from '@jest/globals';
import { sha256 } from '@gatehouse/shared/node';
import { OverloadError } from '../../src/app/committer.js';
import type { AggregatorStore, ChangeSet } from '../../src/app/ports.js';
import { StoreError } from '../../src/app/ports.js';
import { auditGenesisHash, findAuditBreak } from '../../src/app/turn/audit-chain.js';
import { summaryOf } from '../../src/domain/engine.js';
import { Refusal } from '../../src/domain/refusal.js';
import { edgeRow, openWorld, siteId } from './support.js';
import type { World, WorldOptions } from './support.js';

let world: World;
const open = async (options: WorldOptions = {}): Promise<World> => (world = await openWorld(options));

afterEach(async () => {
  await world.aggregator.stop();
});

const summary = () => summaryOf(world.aggregator.site(siteId) as never);
const act = { by: 'olga', reason: 'test' } as const;

/** A store that refuses change sets for their content, and counts what it is asked. */
function refusing(isRefused: (changes: ChangeSet) => boolean): WorldOptions {
  return {
    wrapStore: (store) =>
      Object.assign(Object.create(store) as AggregatorStore, {
        async commit(changes: ChangeSet) {
          if (isRefused(changes)) throw new StoreError('constraint', 'refused by the test');
          await store.commit(changes);
        },
      }),
  };
}

describe('work of operators', () => {
  it('resolves with its result once it is durable', async () => {
    await open();
    const release = world.store.holdCommits();
    let isDone = false;
    const done = world.aggregator.committer
      .execute((turn) => {
        turn.apply(siteId, { type: 'set-out-of-service', slotId: 'a-1', outOfService: true, ...act });
        return 'answer';
      })
      .finally(() => (isDone = true));
    await world.settle();
    expect(isDone).toBe(false);
    release();
    await expect(done).resolves.toBe('answer');
  });

  it('that is refused changes nothing and leaves the rest of its turn alone', async () => {
    await open();
    const commits = world.store.commitCount;
    const { committer } = world.aggregator;
    const results = await Promise.allSettled([
      committer.execute((turn) => turn.apply(siteId, { type: 'correct-count', count: 3, ...act })),
      committer.execute((turn) => turn.apply(siteId, { type: 'release-slot', slotId: 'nope', force: false, ...act })),
      committer.execute((turn) => turn.apply('nowhere', { type: 'correct-count', count: 1, ...act })),
      committer.execute((turn) =>
        turn.apply(siteId, { type: 'set-out-of-service', slotId: 'a-9', outOfService: true, ...act }),
      ),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { name: 'Refusal', code: 'slot-unknown' } });
    expect(results[2]).toMatchObject({ reason: { name: 'Refusal', code: 'site-unknown' } });
    expect(world.store.commitCount).toBe(commits + 1);
    expect(summary()).toMatchObject({ vehiclesInside: 3, slots: { outOfService: 1 } });
  });

  it('that throws after it changed something is undone, and the work beside it is done all the same', async () => {
    await open();
    const { committer } = world.aggregator;
    const results = await Promise.allSettled([
      committer.execute((turn) => turn.apply(siteId, { type: 'correct-count', count: 2, ...act })),
      committer.execute((turn) => {
        turn.apply(siteId, { type: 'correct-count', count: 19, ...act });
        turn.put('edges', edgeRow('edge-7'));
        throw new Refusal('edge-exists', 'too late');
      }),
      committer.execute((turn) => {
        turn.apply(siteId, { type: 'set-out-of-service', slotId: 'a-9', outOfService: true, ...act });
      }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(summary()).toMatchObject({ vehiclesInside: 2, slots: { outOfService: 1 } });
    expect(world.aggregator.directory.edge('edge-7')).toBeUndefined();
  });

  it('that the store refuses for its content is rejected alone', async () => {
    await open(refusing((changes) => changes.edges.some(({ edgeId }) => edgeId === 'edge-bad')));
    const { committer } = world.aggregator;
    const put = (edgeId: string): Promise<void> =>
      committer.execute((turn) => {
        turn.put('edges', edgeRow(edgeId));
      });
    const results = await Promise.allSettled([put('edge-7'), put('edge-bad'), put('edge-8')]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'constraint' } });
    expect([...world.aggregator.directory.edges()].map(({ edgeId }) => edgeId).sort()).toEqual([
      'edge-1',
      'edge-7',
      'edge-8',
    ]);
    expect(world.aggregator.health().ready).toBe(true);
  });

  it('is refused when too much waits', async () => {
    await open({ settings: { commit: { maxQueuedOperations: 2 } } });
    const { committer } = world.aggregator;
    const release = world.store.holdCommits();
    const running = committer.execute((turn) => turn.apply(siteId, { type: 'correct-count', count: 1, ...act }));
    await world.settle();
    const waiting = [1, 2].map(() => committer.execute(() => undefined));
    await expect(committer.execute(() => undefined)).rejects.toBeInstanceOf(OverloadError);
    release();
    await Promise.all([running, ...waiting]);
  });

  it('that waits when the aggregator stops is told so', async () => {
    await open();
    const release = world.store.holdCommits();
    const running = world.aggregator.committer.execute((turn) => {
      turn.put('edges', edgeRow('edge-7'));
    });
    await world.settle();
    const waiting = world.aggregator.committer.execute(() => undefined);
    const stopping = world.aggregator.stop();
    release();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await expect(running).resolves.toBeUndefined();
    await stopping;
    await expect(world.aggregator.committer.execute(() => undefined)).rejects.toMatchObject({ code: 'closed' });
  });

  it('finds a credential that only the store knows, and never gives one text two ids', async () => {
    await open();
    const { committer } = world.aggregator;
    const wanted = { kind: 'plate', value: 'AB12CDE' } as const;
    const find = (): Promise<string> =>
      committer.execute((turn) => turn.credential(wanted).credentialId, { credentials: [wanted] });
    const [first, second] = await Promise.all([find(), find()]);
    expect(second).toBe(first);
    await world.aggregator.stop();
    await open({ backing: world.backing, clock: world.clock, hub: world.hub, seed: 'b' });
    expect(world.aggregator.directory.credentialByText(wanted)).toBeUndefined();
    await expect(
      world.aggregator.committer.execute((turn) => turn.credential(wanted).credentialId, { credentials: [wanted] }),
    ).resolves.toBe(first);
  });
});

describe('a commit', () => {
  it('takes the batches of many edges together', async () => {
    const edges = Array.from({ length: 12 }, (_, index) => `edge-${String(index + 1)}`);
    await open({ edges });
    const release = world.store.holdCommits();
    const running = world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'correct-count', count: 1, ...act }),
    );
    await world.settle();
    const ends = edges.map((edgeId) => world.edge(edgeId));
    for (const edge of ends) {
      edge.arrive(`PLATE${edge.edgeId.slice(5)}`);
      edge.send();
    }
    await world.settle();
    const before = world.store.commitCount;
    release();
    await running;
    await world.settle();
    expect(world.store.commitCount - before).toBe(2);
    for (const edge of ends) expect(edge.acks.at(-1)).toMatchObject({ upTo: 1 });
  });

  it('starts in the same tick when nothing else is under way', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.arrive(null);
    edge.send();
    for (let count = 0; count < 30; count += 1) await Promise.resolve();
    expect(edge.acks).toHaveLength(1);
  });

  it('that fails leaves nothing acknowledged, published or remembered, and is tried again', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    await world.settle();
    const [acks, notices] = [edge.acks.length, world.notices.length];
    world.store.failNextCommit('full', { times: 3 });
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    await world.settle();
    expect(edge.acks).toHaveLength(acks);
    expect(edge.decisions).toEqual([]);
    expect(world.notices).toHaveLength(notices);
    expect(world.aggregator.health()).toMatchObject({ ready: false, storeOk: false, storeError: 'full' });
    // Nor can it be read while the next try is waited for.
    expect(summary().slots.reserved).toBe(0);
    await world.advance(5_000);
    expect(edge.decisions).toHaveLength(1);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1 });
    expect(world.aggregator.health()).toMatchObject({ ready: true, storeOk: true, storeError: null });
    expect(await world.quarantine()).toEqual([]);
    expect(summary().slots.reserved).toBe(1);
  });

  it('of an operator that fails does not leave an idle site unready once the store works again', async () => {
    await open();
    world.store.failNextCommit('full', { times: 2 });
    const act = world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'correct-count', count: 3, by: 'test', reason: 'test' }),
    );
    await expect(act).rejects.toMatchObject({ code: 'full' });
    expect(world.aggregator.health()).toMatchObject({ ready: false, storeError: 'full' });
    await world.advance(5_000);
    expect(world.aggregator.health()).toMatchObject({ ready: true, storeError: null });
    expect(summary().vehiclesInside).toBe(0);
  });

  it('that was stored although its answer was lost is not repeated', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    await world.settle();
    world.store.failNextCommit('io', { stored: true });
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    await world.settle();
    await world.advance(5_000);
    expect(await world.events()).toHaveLength(1);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1 });
    expect(edge.decisions).toHaveLength(1);
    expect(summary().slots.reserved).toBe(1);
  });

  it.each(['full', 'io', 'damaged', 'unwritable'] as const)('never quarantines for a disk that is %s', async (code) => {
    await open();
    const edge = world.edge('edge-1');
    edge.arrive('AB12CDE');
    edge.arrive('CD34EFG');
    world.store.failNextCommit(code, { times: 6 });
    edge.send();
    await world.advance(60_000);
    expect(await world.quarantine()).toEqual([]);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 2 });
  });

  it('that the disk refuses tells operators at once', async () => {
    await open();
    world.store.failNextCommit('full');
    await expect(
      world.aggregator.committer.execute((turn) => turn.apply(siteId, { type: 'correct-count', count: 4, ...act })),
    ).rejects.toMatchObject({ name: 'StoreError', code: 'full' });
    expect(summary().vehiclesInside).toBe(0);
    await world.advance(5_000);
    expect(summary().vehiclesInside).toBe(0);
  });

  it('waits until the store can be read again after a failure', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.arrive('AB12CDE');
    world.store.failNextCommit('io');
    edge.send();
    world.store.failNextRead('io');
    await world.advance(10_000);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 1 });
  });
});

describe('an event that cannot be stored for its content', () => {
  const poisoned = (changes: ChangeSet): boolean => changes.events.some(({ body }) => body.includes('"poison"'));

  it('is quarantined alone: those before and after it pass, and other edges are not held up', async () => {
    await open({ ...refusing(poisoned), edges: ['edge-1', 'edge-2'] });
    const edge = world.edge('edge-1');
    const other = world.edge('edge-2');
    edge.arrive('AB12CDE');
    edge.write('fault-raised', { gateId: null, fault: 'clock-jumped', detail: 'poison' });
    edge.arrive('CD34EFG');
    edge.send();
    other.arrive('EF56GHI');
    other.send();
    await world.settle();
    expect(await world.quarantine()).toMatchObject([{ edgeId: 'edge-1', seq: 2, kind: 'fault-raised' }]);
    expect((await world.quarantine())[0]?.reason).toMatch(/^could not be applied: /);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 3, hash: edge.hashAt(3), conflict: null });
    expect(other.acks.at(-1)).toMatchObject({ upTo: 1 });
    const stored = (await world.events()).map(({ edgeId, seq }) => `${edgeId}/${String(seq)}`);
    expect(stored.sort()).toEqual(['edge-1/1', 'edge-1/3', 'edge-2/1']);
    expect(world.aggregator.health()).toMatchObject({ ready: true, quarantined: 1 });
  });

  it('is not blamed for a disk that fails while it is looked for', async () => {
    await open(refusing(poisoned));
    const edge = world.edge('edge-1');
    edge.arrive('AB12CDE');
    edge.write('fault-raised', { gateId: null, fault: 'clock-jumped', detail: 'poison' });
    edge.arrive('CD34EFG');
    world.store.failNextCommit('io');
    edge.send();
    await world.advance(10_000);
    expect(await world.quarantine()).toMatchObject([{ seq: 2 }]);
    expect(await world.quarantine()).toHaveLength(1);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 3 });
  });
});

describe('the inbox', () => {
  it('is read while a turn is being stored, what comes meanwhile too', async () => {
    await open();
    const release = world.store.holdCommits();
    const running = world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'correct-count', count: 1, ...act }),
    );
    await world.advance(10);
    // Only by reading it can be told that it is unreadable.
    const edge = world.edge('edge-1');
    for (let count = 1; count <= 2; count += 1) {
      edge.sendRaw(`nonsense ${String(count)}`);
      await world.advance(10);
      expect(world.aggregator.health().dropped).toEqual({ unreadable: count });
    }
    release();
    await running;
  });

  it('drops what is beyond an edge’s window, unacknowledged, and takes it when it is sent again', async () => {
    await open({ settings: { ingest: { inboxBatchesPerEdge: 2 } } });
    const edge = world.edge('edge-1');
    const release = world.store.holdCommits();
    const running = world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'correct-count', count: 1, ...act }),
    );
    await world.settle();
    for (let count = 1; count <= 4; count += 1) {
      edge.arrive(`P${String(count)}`);
      edge.send({ first: count });
    }
    await world.settle();
    expect(world.aggregator.health()).toMatchObject({ pendingBatches: 2, dropped: { 'inbox-full': 2 } });
    release();
    await running;
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 2 });
    edge.send({ first: 3 });
    await world.settle();
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 4 });
  });

  it('keeps to its bound when a turn that failed gives back what it had taken: what came last is dropped', async () => {
    await open({ settings: { ingest: { inboxBatchesPerEdge: 2 } } });
    const edge = world.edge('edge-1');
    edge.arrive('P1');
    world.store.failNextCommit('io');
    const release = world.store.holdCommits();
    edge.send({ first: 1 });
    await world.settle();
    for (let count = 2; count <= 3; count += 1) {
      edge.arrive(`P${String(count)}`);
      edge.send({ first: count });
    }
    await world.settle();
    expect(world.aggregator.health()).toMatchObject({ pendingBatches: 2, dropped: {} });
    release();
    await world.settle();
    expect(world.aggregator.health()).toMatchObject({ pendingBatches: 2, dropped: { 'inbox-full': 1 } });
    await world.advance(10_000);
    expect(edge.acks.at(-1)).toMatchObject({ upTo: 2 });
  });

  it('bounds the bytes of one edge as well', async () => {
    await open({ settings: { ingest: { inboxBytesPerEdge: 600 } } });
    const edge = world.edge('edge-1');
    const release = world.store.holdCommits();
    const running = world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'correct-count', count: 1, ...act }),
    );
    await world.settle();
    edge.arrive('P1');
    edge.send();
    edge.arrive('P2');
    edge.send({ first: 2 });
    await world.settle();
    expect(world.aggregator.health()).toMatchObject({ pendingBatches: 1, dropped: { 'inbox-full': 1 } });
    release();
    await running;
  });

  it('serves every edge before it serves one twice', async () => {
    await open({ edges: ['edge-1', 'edge-2'], settings: { commit: { maxTurnBatches: 2 } } });
    const release = world.store.holdCommits();
    const running = world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'correct-count', count: 1, ...act }),
    );
    await world.settle();
    const busy = world.edge('edge-1');
    for (let count = 1; count <= 6; count += 1) {
      busy.arrive(`P${String(count)}`);
      busy.send({ first: count });
    }
    const quiet = world.edge('edge-2');
    quiet.arrive('Q1');
    quiet.send();
    await world.settle();
    release();
    await running;
    await world.settle();
    const order = (await world.store.listNotices(0, 100))
      .filter(({ kind }) => kind === 'vehicle-arrived')
      .map(({ gateId }) => gateId);
    expect(order.indexOf('edge-2-in')).toBe(1);
    expect(order).toHaveLength(7);
  });
});

describe('the audit log', () => {
  it('is one chain over all commits, restarts and failures', async () => {
    await open();
    const entry = (target: string) => ({ by: 'olga', action: 'test', siteId, target, reason: null, detail: { n: 1 } });
    const audit = (target: string): Promise<void> =>
      world.aggregator.committer.execute((turn) => {
        turn.audit(entry(target));
      });
    await Promise.all([audit('1'), audit('2')]);
    world.store.failNextCommit('full');
    await expect(audit('lost')).rejects.toMatchObject({ code: 'full' });
    await world.advance(5_000);
    await audit('3');
    await world.aggregator.stop();
    await open({ backing: world.backing, clock: world.clock, hub: world.hub, seed: 'b' });
    await audit('4');
    const rows = (await world.store.listAudit({}, { limit: 100, cursor: null })).items;
    expect(rows.map(({ auditId, target }) => [auditId, target])).toEqual([
      [1, '1'],
      [2, '2'],
      [3, '3'],
      [4, '4'],
    ]);
    expect(rows[0]?.prevHash).toBe(auditGenesisHash);
    expect(findAuditBreak(sha256, null, rows)).toBeNull();
    const forged = rows.map((row) => (row.auditId === 2 ? { ...row, by: 'nobody' } : row));
    expect(findAuditBreak(sha256, null, forged)).toMatch(/audit row 2: its content was changed/);
    expect(findAuditBreak(sha256, null, rows.toSpliced(1, 1))).toMatch(/audit row 3: expected row 2/);
  });
});

describe('notices', () => {
  it('are numbered without a gap over restarts, and told after the commit', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.arrive('AB12CDE');
    edge.send();
    await world.settle();
    const first = world.notices.map(({ noticeId }) => noticeId);
    await world.aggregator.stop();
    await open({ backing: world.backing, clock: world.clock, hub: world.hub, seed: 'b' });
    edge.arrive('CD34EFG');
    edge.send({ first: 2 });
    await world.settle();
    const all = [...first, ...world.notices.map(({ noticeId }) => noticeId)];
    expect(all).toEqual(all.map((_, index) => index + 1));
    expect((await world.store.listNotices(0, 1_000)).map(({ noticeId }) => noticeId)).toEqual(all);
  });
});

describe('reading ahead', () => {
  it('reads what came during a commit before that has ended, and stores it by the next one', async () => {
    const dropped: string[] = [];
    await open({ observer: { onDropped: (reason) => dropped.push(reason) } });
    const edge = world.edge('edge-1');
    edge.arrive('KA1');
    const release = world.store.holdCommits();
    const commitsBefore = world.store.commitCount;
    const done = world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'correct-count', count: 1, ...act }),
    );
    await world.settle();
    edge.sendRaw('{');
    edge.send();
    await world.settle();
    expect(dropped).toEqual([]);
    await world.advance(5);
    expect(dropped).toEqual(['unreadable']);
    expect(edge.acks).toEqual([]);
    expect(world.store.commitCount).toBe(commitsBefore);
    release();
    await done;
    await world.settle();
    expect(edge.acks.map(({ upTo }) => upTo)).toEqual([1]);
    expect(await world.events()).toHaveLength(1);
    expect(await world.quarantine()).toHaveLength(1);
    expect(dropped).toEqual(['unreadable']);
  });
});
