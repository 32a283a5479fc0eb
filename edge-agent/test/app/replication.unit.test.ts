import { afterEach, describe, expect, it } from '@jest/globals';
import { genesisHash, silentLogger } from '@gatehouse/shared';
import type { Logger } from '@gatehouse/shared';
import { chainOf, createHarness, sha256 } from './harness.js';
import type { Harness, HarnessOptions } from './harness.js';

let running: Harness[] = [];
async function started(options: HarnessOptions = {}): Promise<Harness> {
  const edge = createHarness(options);
  running.push(edge);
  await edge.start();
  return edge;
}
afterEach(async () => {
  for (const edge of running) await edge.agent.stop();
  running = [];
});

/** Writes `count` events by switching the mode to and fro. */
async function writeEvents(edge: Harness, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await edge.edge('entry-1', 'fire', true);
    if ((index += 1) >= count) break;
    await edge.edge('entry-1', 'fire', false);
  }
}

const firsts = (edge: Harness): number[] => edge.batches().map((batch) => batch.first);

describe('announcing', () => {
  it('comes after the commit, never before', async () => {
    const edge = await started();
    let release: () => void = () => undefined;
    edge.backing.delay = (operation) =>
      operation === 'append' ? new Promise<void>((resolve) => (release = resolve)) : Promise.resolve();
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(500);
    expect(edge.batches()).toEqual([]);
    release();
    await edge.settle();
    expect(firsts(edge)).toEqual([1]);
    edge.backing.delay = undefined;
  });

  it('takes together what came while a commit ran', async () => {
    const edge = await started();
    const releases: (() => void)[] = [];
    let appends = 0;
    edge.backing.delay = (operation) => {
      if (operation !== 'append') return Promise.resolve();
      appends += 1;
      return new Promise<void>((resolve) => releases.push(resolve));
    };
    for (const gateId of ['entry-1', 'exit-1']) await edge.edge(gateId, 'arming', true);
    await edge.edge('entry-1', 'fire', true);
    releases.shift()?.();
    await edge.settle();
    releases.shift()?.();
    await edge.settle();
    expect(appends).toBe(2);
    expect(edge.kinds().slice(0, 2)).toEqual(['vehicle-arrived', 'vehicle-arrived']);
    edge.backing.delay = undefined;
    for (const release of releases) release();
    await edge.settle();
  });

  it('chains every batch to the one before', async () => {
    const edge = await started();
    await writeEvents(edge, 4);
    const [first, ...rest] = edge.batches();
    if (first === undefined) throw new Error('nothing was sent');
    expect(first.prevHash).toBe(genesisHash(sha256, edge.backing.epoch ?? ''));
    let hash = chainOf(first);
    for (const batch of rest) {
      expect(batch.prevHash).toBe(hash);
      hash = chainOf(batch);
    }
  });

  it('has a window: beyond it nothing goes until something is acknowledged', async () => {
    const edge = await started({ settings: { protocol: { windowBatches: 2, batchEvents: 1 } } });
    await writeEvents(edge, 3);
    expect(firsts(edge)).toEqual([1, 2]);
    await edge.acknowledge(1);
    expect(firsts(edge)).toEqual([1, 2, 3]);
  });

  it('is bounded in bytes', async () => {
    const edge = await started({ connected: false, settings: { protocol: { batchBytes: 8 * 1024 } } });
    await writeEvents(edge, 120);
    edge.link.peer.connect();
    await edge.settle();
    const sizes = edge
      .batches()
      .map((batch) => batch.events.reduce((sum, event) => sum + JSON.stringify(event).length, 0));
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8 * 1024);
  });
});

describe('sending again', () => {
  it('happens on its own timer, later and later, until something is acknowledged', async () => {
    const edge = await started();
    await edge.edge('entry-1', 'fire', true);
    const sentAtMs: number[] = [];
    edge.link.peer.onPublished(({ channel }) => {
      if (channel === 'events') sentAtMs.push(edge.clock.monoMs());
    });
    await edge.advance(600_000);
    const gapsMs = sentAtMs.map((atMs, index) => atMs - (sentAtMs[index - 1] ?? 1_000));
    expect(Math.min(...gapsMs)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...gapsMs)).toBeLessThanOrEqual(60_000);
    expect(Math.max(...gapsMs)).toBeGreaterThan(20_000);
    await edge.acknowledge(edge.backing.next - 1);
    const sent = sentAtMs.length;
    await edge.advance(600_000);
    expect(sentAtMs).toHaveLength(sent);
  });

  it('happens on connect, from the acknowledged end on, after the state', async () => {
    const edge = await started();
    await writeEvents(edge, 3);
    await edge.acknowledge(1);
    edge.link.peer.disconnect('pulled');
    await edge.settle();
    const before = edge.link.peer.published.length;
    edge.link.peer.connect();
    await edge.settle();
    const after = edge.link.peer.published.slice(before);
    expect(after.map(({ channel }) => channel).slice(0, 2)).toEqual(['state', 'events']);
    expect(edge.batches().at(-1)).toMatchObject({ first: 2 });
  });

  it('sends everything, in order and once, to an aggregator that acknowledges', async () => {
    const edge = await started({
      connected: false,
      settings: { protocol: { batchEvents: 7 }, gates: [{ gateId: 'entry-1', direction: 'entry' }] },
    });
    await writeEvents(edge, 300);
    const received: number[] = [];
    edge.link.peer.onPublished(({ channel, payload }) => {
      if (channel !== 'events') return;
      const batch = JSON.parse(payload) as { first: number; events: unknown[] };
      if (batch.first !== received.length + 1) return;
      batch.events.forEach((_event, index) => received.push(batch.first + index));
      void edge.acknowledge(received.length);
    });
    edge.link.peer.connect();
    await edge.advance(5_000);
    expect(received).toEqual(Array.from({ length: edge.backing.next - 1 }, (_, index) => index + 1));
    expect(edge.agent.status().outbox.unacknowledged).toBe(0);
    expect(edge.agent.status().counters.batchesResent).toBe(0);
  });

  it('after an answer that stands where it stood: one batch, then twice as many with each progress', async () => {
    const edge = await started({ settings: { protocol: { batchEvents: 1, windowBatches: 8 } } });
    await writeEvents(edge, 12);
    await edge.advance(900);
    const before = edge.batches().length;
    await edge.acknowledge(0);
    expect(firsts(edge).slice(before)).toEqual([1]);
    await edge.acknowledge(1);
    expect(firsts(edge).slice(before)).toEqual([1, 2, 3]);
    await edge.acknowledge(3);
    expect(firsts(edge).slice(before)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});

describe('acknowledgements', () => {
  it('of another instance or epoch are ignored', async () => {
    const edge = await started();
    await writeEvents(edge, 2);
    await edge.acknowledge(2, { instance: 'f'.repeat(32) });
    await edge.acknowledge(2, { epoch: 'f'.repeat(32) });
    expect(edge.agent.status().outbox.acked).toBe(0);
    await edge.acknowledge(2);
    expect(edge.agent.status().outbox.acked).toBe(2);
  });

  it('that the store could not note is noted when it works again, although nothing new is acknowledged', async () => {
    const edge = await started();
    await writeEvents(edge, 4);
    edge.backing.failure = (operation) => (operation === 'acknowledge' ? 'io' : undefined);
    await edge.acknowledge(4);
    edge.backing.failure = undefined;
    await edge.acknowledge(4);
    await edge.advance(edge.settings.outbox.trimIntervalMs + 1_000);
    expect(edge.backing.acked).toBe(4);
  });

  it('of the epoch that is just being replaced release nothing of the new one', async () => {
    const edge = await started();
    await writeEvents(edge, 4);
    const [epoch, third] = [edge.backing.epoch, edge.backing.events[2]];
    let goOn: () => void = () => undefined;
    edge.backing.delay = (operation) =>
      operation === 'beginEpoch' ? new Promise((resolve) => (goOn = resolve)) : Promise.resolve();
    await edge.acknowledge(1, { hash: 'a'.repeat(64) });
    await edge.acknowledge(3, { epoch: epoch ?? '', hash: third?.hash ?? '' });
    goOn();
    await edge.advance(0);
    expect(edge.backing.epoch).not.toBe(epoch);
    expect([edge.agent.status().outbox.acked, edge.backing.acked]).toEqual([0, 0]);
  });

  it('below what was acknowledged: the aggregator was restored, and gets again what is kept', async () => {
    const edge = await started();
    await writeEvents(edge, 6);
    await edge.acknowledge(6);
    const before = edge.batches().length;
    await edge.acknowledge(2);
    expect(edge.batches().slice(before)).toMatchObject([{ first: 3 }]);
    expect(edge.agent.status().outbox.acked).toBe(2);
    expect(edge.backing.acked).toBe(2);
  });

  it('below what was acknowledged: its states go on telling the highest it was told, also after a restart', async () => {
    const edge = await started();
    await writeEvents(edge, 6);
    await edge.acknowledge(6);
    await edge.acknowledge(2);
    await edge.advance(15_000);
    expect(edge.states().at(-1)?.acked).toBe(6);
    const { clock, backing } = edge;
    await edge.agent.stop();
    const again = await started({ clock, backing });
    expect(again.agent.status().outbox.acked).toBe(2);
    expect(again.states().at(-1)?.acked).toBe(6);
    await again.acknowledge(5);
    await again.advance(15_000);
    expect(again.states().at(-1)?.acked).toBe(6);
    await writeEvents(again, 2);
    await again.acknowledge(8);
    await again.advance(15_000);
    expect(again.states().at(-1)?.acked).toBe(8);
    await again.acknowledge(0, { conflict: 'hash-mismatch' });
    await again.advance(15_000);
    expect(again.states().at(-1)).toMatchObject({ epoch: again.backing.epoch, acked: 0 });
  });

  it('below what was acknowledged, with nothing of it left to send: says nothing until there is something new', async () => {
    const errors: string[] = [];
    const logger: Logger = {
      ...silentLogger,
      error: (_fields, message) => {
        errors.push(message);
      },
      child: () => logger,
    };
    const edge = await started({ logger, settings: { outbox: { keepAcknowledgedMs: 0, trimIntervalMs: 100 } } });
    await writeEvents(edge, 6);
    const written = edge.backing.next - 1;
    await edge.acknowledge(written);
    await edge.advance(1_000);
    expect(edge.backing.events).toEqual([]);
    const before = edge.batches().length;
    await edge.acknowledge(0, { hash: genesisHash(sha256, edge.backing.epoch ?? '') });
    expect(edge.backing.acked).toBe(0);
    await edge.advance(200);
    expect(errors).toEqual([]);
    expect(edge.batches()).toHaveLength(before);
    await writeEvents(edge, 1);
    expect(edge.batches().slice(before)).toMatchObject([{ first: written + 1 }]);
  });

  it.each([
    ['a hash that does not match', 2, { hash: 'a'.repeat(64) }],
    ['a cursor ahead of the outbox', 9, {}],
    ['a conflict', 2, { conflict: 'epoch-retired' as const }],
  ])('with %s begin a new epoch, with what is not acknowledged and where it stood', async (_name, upTo, change) => {
    const edge = await started();
    await edge.edge('entry-1', 'arming', true);
    await edge.acknowledge(1);
    await writeEvents(edge, 3);
    const old = [...edge.backing.events];
    const oldEpoch = edge.backing.epoch;
    await edge.acknowledge(upTo, change);
    expect(edge.backing.epoch).not.toBe(oldEpoch);
    // The arrival is acknowledged and open: its beginning goes over, so that its end can name it.
    const origins = edge.stored().map((event) => event.origin);
    expect(origins).toEqual(old.map(({ seq, hash }) => ({ epoch: oldEpoch, seq, hash })));
    const batch = edge.batches().at(-1);
    if (batch === undefined) throw new Error('nothing was sent');
    expect(batch).toMatchObject({ epoch: edge.backing.epoch, first: 1 });
    expect(chainOf(batch)).toBe(edge.backing.lastHash);
    await edge.edge('entry-1', 'fire', false);
    await edge.edge('entry-1', 'arming', false);
    await edge.advance(5_000);
    expect(
      edge.stored().find((event) => event.kind === 'arrival-void' || event.kind === 'vehicle-backed-out'),
    ).toMatchObject({
      arrival: 1,
    });
  });

  it('do not make it begin epoch after epoch', async () => {
    const edge = await started();
    await writeEvents(edge, 2);
    edge.link.peer.onPublished(({ channel }) => {
      if (channel === 'state') void edge.acknowledge(1, { hash: 'a'.repeat(64) });
    });
    await edge.acknowledge(1, { hash: 'a'.repeat(64) });
    await edge.advance(120_000);
    const { epochsBegun } = edge.agent.status().counters;
    expect(epochsBegun).toBeGreaterThan(1);
    expect(epochsBegun).toBeLessThanOrEqual(7);
  });

  it('keep the first origin through a second epoch', async () => {
    const edge = await started();
    await writeEvents(edge, 2);
    const oldEpoch = edge.backing.epoch;
    await edge.acknowledge(0, { conflict: 'hash-mismatch' });
    await edge.advance(60_000);
    await edge.acknowledge(0, { conflict: 'hash-mismatch' });
    await edge.advance(60_000);
    expect(edge.agent.status().counters.epochsBegun).toBe(2);
    expect(new Set(edge.stored().map((event) => event.origin?.epoch))).toEqual(new Set([oldEpoch]));
  });
});

describe('the state', () => {
  it('goes out on connect, on change, and at intervals; the will and the farewell say offline', async () => {
    const edge = await started();
    expect(edge.states()).toHaveLength(1);
    await edge.edge('entry-1', 'tamper', true);
    await edge.edge('entry-1', 'arming', true);
    await edge.edge('entry-1', 'arming', false);
    await edge.advance(50);
    expect(edge.states()).toHaveLength(2);
    await edge.advance(30_000);
    expect(edge.states().length).toBeGreaterThanOrEqual(5);
    await edge.agent.stop();
    expect(JSON.parse(edge.link.peer.retainedState ?? '')).toEqual({
      presence: 'offline',
      instance: edge.agent.status().instance,
    });
  });

  it('is not answered by anything that cannot be read', async () => {
    const edge = await started();
    for (const payload of ['{', '[]', '{"__proto__":1}', '\u0000']) edge.link.peer.deliver('acks', payload);
    edge.link.peer.deliver('decisions', new Uint8Array([0xff, 0xfe]));
    edge.link.peer.deliver('commands', new Uint8Array(200_000));
    await edge.settle();
    expect(edge.agent.status().counters.messagesRefused).toBe(6);
    await edge.edge('entry-1', 'arming', true);
    expect(edge.batches()).toHaveLength(1);
  });
});
