import { describe, expect, it } from '@jest/globals';
import { createVirtualClock, silentLogger } from '@gatehouse/shared';
import type { EdgeEvent } from '@gatehouse/shared';
import { createMemoryOutbox, createMemoryOutboxBacking } from '../../src/adapters/memory/index.js';
import type { Draft } from '../../src/app/draft.js';
import type { OutboxStore } from '../../src/app/ports.js';
import { Recorder } from '../../src/app/recorder.js';
import { outboxSettingsSchema } from '../../src/app/settings.js';
import { createHarness, sha256 } from './harness.js';

describe('the recorder', () => {
  it('queues 10,000 drafts behind a slow disk; what is beyond is lost, counted and told', async () => {
    const clock = createVirtualClock({ wallMs: 0 });
    const backing = createMemoryOutboxBacking();
    const stamp = { atMs: 0, monoMs: 0, bootId: '0'.repeat(32) };
    const recorder = new Recorder(
      {
        store: createMemoryOutbox({ backing, sha256 }),
        clock,
        linkClock: clock,
        sha256,
        logger: silentLogger,
        stamp: () => stamp,
      },
      outboxSettingsSchema.parse({}),
      {
        onCommitted: () => undefined,
        onLost: () => undefined,
        onFailure: () => undefined,
        onRecovered: () => undefined,
      },
    );
    await recorder.open('1'.repeat(32));
    let release: () => void = () => undefined;
    backing.delay = (operation) =>
      operation === 'append' ? new Promise<void>((resolve) => (release = resolve)) : Promise.resolve();
    const draft: Draft = {
      kind: 'barrier-forced',
      event: () => ({ kind: 'barrier-forced', ...stamp, gateId: 'gate-1' }),
      loss: { events: 1, entries: 0, exits: 0 },
    };
    recorder.record(draft);
    while (backing.holder === undefined) await Promise.resolve();
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    for (let index = 0; index < 10_003; index += 1) recorder.record(draft);
    expect(recorder.view).toMatchObject({ lost: { events: 3 }, next: 1, isCommitting: true });
    backing.delay = undefined;
    release();
    await recorder.flushed();
    recorder.record(draft);
    await recorder.flushed();
    const told = backing.events.map(({ json }) => (JSON.parse(json) as { kind: string }).kind);
    expect(told.filter((kind) => kind === 'barrier-forced')).toHaveLength(10_002);
    expect(told.filter((kind) => kind === 'events-lost')).toHaveLength(1);
    expect(recorder.view).toMatchObject({ lost: { events: 0 }, next: 10_004, isCommitting: false });
  });
});

describe('a new epoch', () => {
  it('takes a long backlog over in steps of 1,000 events, in one change', async () => {
    const clock = createVirtualClock({ wallMs: 0 });
    const backing = createMemoryOutboxBacking();
    const store = createMemoryOutbox({ backing, sha256 });
    const stamp = { atMs: 0, monoMs: 0, bootId: '0'.repeat(32) };
    const steps: number[] = [];
    const watched: OutboxStore = {
      ...store,
      beginEpoch: (epoch, beginning) =>
        store.beginEpoch(epoch, {
          ...beginning,
          next: async () => {
            const step = await beginning.next();
            if (step !== null) steps.push(step.length);
            expect(backing.epoch).toBe('1'.repeat(32));
            return step;
          },
        }),
    };
    const recorder = new Recorder(
      { store: watched, clock, linkClock: clock, sha256, logger: silentLogger, stamp: () => stamp },
      outboxSettingsSchema.parse({}),
      {
        onCommitted: () => undefined,
        onLost: () => undefined,
        onFailure: () => undefined,
        onRecovered: () => undefined,
      },
    );
    await recorder.open('1'.repeat(32));
    for (let index = 0; index < 2_500; index += 1) {
      recorder.record({
        kind: 'barrier-forced',
        event: () => ({ kind: 'barrier-forced', ...stamp, gateId: 'gate-1' }),
      });
    }
    await recorder.flushed();
    recorder.acknowledge(100);
    expect(await recorder.beginEpoch('2'.repeat(32), () => new Map())).toBe(2_400);
    expect(steps).toEqual([1_000, 1_000, 400]);
    expect(recorder.view).toMatchObject({ epoch: '2'.repeat(32), oldest: 1, next: 2_401, acked: 0 });
    const origins = backing.events.map(({ json }) => (JSON.parse(json) as EdgeEvent).origin?.seq);
    expect(origins).toEqual(Array.from({ length: 2_400 }, (_unused, index) => 101 + index));
  });
});

describe('what is acknowledged', () => {
  it('is kept up to the bound of events, so that it has room when an aggregator asks for it all again', async () => {
    const edge = createHarness({ settings: { outbox: { maxEvents: 1_000 } }, bounds: { maxEvents: 1_000 } });
    await edge.start();
    for (let index = 0; index < 1_200; index += 1) {
      await edge.edge('entry-1', 'fire', index % 2 === 0);
      if (index % 100 === 99) await edge.acknowledge(edge.backing.next - 1);
    }
    expect(edge.backing.events.length).toBeLessThanOrEqual(900);
    expect(edge.backing.events.length).toBeGreaterThan(600);
    const { next } = edge.agent.status().outbox;
    await edge.acknowledge(0);
    expect(edge.agent.status().outbox.acked).toBe(0);
    await edge.edge('entry-1', 'fire', true);
    expect(edge.agent.status().outbox.next).toBeGreaterThan(next);
    expect(edge.agent.status().faults).toEqual([]);
    await edge.agent.stop();
  });
});

describe('the command desk', () => {
  it('has 64 commands open at most, and refuses the next', async () => {
    const edge = createHarness();
    await edge.start();
    let release: () => void = () => undefined;
    edge.backing.delay = (operation) =>
      operation === 'append' ? new Promise<void>((resolve) => (release = resolve)) : Promise.resolve();
    for (let index = 0; index < 65; index += 1) {
      edge.link.peer.deliver(
        'commands',
        JSON.stringify({
          instance: edge.agent.status().instance,
          id: index.toString(16).padStart(32, '0'),
          gateId: 'entry-1',
          kind: 'open',
          deadlineMono: Math.floor(edge.clock.monoMs()) + 5_000,
          by: 'operator',
          reason: 'test',
        }),
      );
    }
    await edge.settle();
    edge.backing.delay = undefined;
    release();
    await edge.settle();
    const results = edge.stored().flatMap((event) => (event.kind === 'command-completed' ? [event.result] : []));
    expect(results.filter((result) => result === 'done')).toHaveLength(64);
    expect(results.filter((result) => result === 'refused')).toHaveLength(1);
    await edge.agent.stop();
  });
});

describe('a read that is not one', () => {
  it('is refused and counted', async () => {
    const edge = createHarness({ settings: { gates: [{ gateId: 'entry-1', direction: 'entry', hasReader: true }] } });
    await edge.start();
    await edge.edge('entry-1', 'arming', true);
    await edge.read('entry-1', { value: 'A'.repeat(33) });
    await edge.read('entry-1', { value: 'AB 12' });
    await edge.read('nowhere', { value: 'AB12CDE' });
    expect(edge.agent.status().counters.inputsDropped).toBe(3);
    expect(edge.kinds()).toEqual([]);
    await edge.agent.stop();
  });
});
