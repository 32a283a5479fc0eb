/** The production outbox on a disk that is full, under a whole agent. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wireLimits } from '@gatehouse/shared';
import type { EdgeEvent } from '@gatehouse/shared';
import { sha256, systemClock } from '@gatehouse/shared/node';
import { createSqliteOutbox } from '../../src/adapters/sqlite-outbox/index.js';
import type { OutboxStore } from '../../src/index.js';
import { eventually } from '../adapters/support/eventually.js';
import { chain, codeOf } from '../conformance/outbox-store.js';
import { createHarness } from './harness.js';
import type { Harness } from './harness.js';

const epoch = '1'.repeat(32);

describe('on a full disk', () => {
  let directory: string;
  let running: Harness | undefined;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-full-'));
  });
  afterEach(async () => {
    await running?.agent.stop();
    running = undefined;
    await rm(directory, { recursive: true, force: true });
  });

  const outbox = (maxPages?: number): OutboxStore =>
    createSqliteOutbox({
      ...{ directory, sha256, clock: systemClock, busyTimeoutMs: 0 },
      ...(maxPages === undefined ? {} : { maxPages }),
    });
  const started = async (store: OutboxStore): Promise<Harness> => {
    running = createHarness({ outbox: store, connected: false });
    await running.start();
    return running;
  };
  const stopped = async (): Promise<void> => {
    await running?.agent.stop();
    running = undefined;
  };
  /** Everything that is in the outbox, once no agent has it open. */
  const stored = async (): Promise<{ events: EdgeEvent[]; notes: ReadonlyMap<string, string> }> => {
    const store = outbox();
    const { notes } = await store.open(epoch);
    const events = await store.read(1, 100_000, 1_000_000_000);
    await store.close();
    return { events: events.map(({ json }) => JSON.parse(json) as EdgeEvent), notes };
  };
  const allowance = (slots: number) => ({
    ...{ epoch, version: 1, asOf: 0 },
    slots: Array.from({ length: slots }, (_unused, index) => ({
      ...{ slotId: `a${String(index)}`, zoneId: 'zone', label: `A ${String(index)}`, slotClass: 'standard' },
    })),
    access: { version: 1, page: 1, pages: 1, unlisted: 'admit', entries: [] },
  });
  const filled = async (): Promise<void> => {
    const store = outbox();
    await store.open(epoch);
    await store.close();
    const first = await started(outbox());
    first.link.peer.connect();
    await first.deliver('allowance', allowance(3));
    await eventually(() => first.agent.status().allowance.slots === 3, 'the set is stored');
    await stopped();
    const small = outbox(40);
    const snapshot = await small.open(epoch);
    let last = (await small.read(snapshot.next - 1, 1, 1_000_000)).at(-1);
    for (let code = 'resolved'; code === 'resolved';) {
      const events = chain(epoch, last, 5, 'w'.repeat(400));
      code = await codeOf(small.append({ events }));
      if (code === 'resolved') last = events.at(-1);
    }
    for (let code = 'resolved'; code === 'resolved';) {
      const events = chain(epoch, last, 1, 'w');
      code = await codeOf(small.append({ events }));
      if (code === 'resolved') last = events.at(-1);
    }
    await small.close();
  };

  it('exits open, entries give out nothing, and what was set aside is still there when there is room again', async () => {
    await filled();
    const edge = await started(outbox(40));
    expect(edge.agent.status().allowance.slots).toBe(3);
    await edge.edge('entry-1', 'arming', true);
    await eventually(() => edge.agent.status().outbox.failing === 'outbox-full', 'the outbox is full');
    await edge.edge('exit-1', 'arming', true);
    await eventually(() => edge.barrier('exit-1').requests.includes('open'), 'the exit opens');
    await edge.advance(2_000);
    await edge.driveThrough('exit-1');
    expect(edge.barrier('entry-1').requests).toEqual([]);
    expect(edge.agent.status()).toMatchObject({ allowance: { slots: 3 }, counters: { passagesExit: 1 } });
    await stopped();

    // Somebody made room on the disk.
    const again = await started(outbox());
    await again.edge('entry-1', 'arming', true);
    await eventually(() => again.barrier('entry-1').requests.includes('open'), 'the entry opens');
    expect(again.agent.status().allowance.slots).toBe(2);
    await stopped();
    const { events } = await stored();
    expect(events.filter(({ kind }) => kind === 'events-lost')).toMatchObject([{ entries: 0, exits: 1 }]);
    expect(events.filter(({ kind }) => kind === 'vehicle-admitted')).toMatchObject([{ slotId: 'a0' }]);
  });

  it('the largest list of credentials and the largest set fit beside the events', async () => {
    const edge = await started(outbox());
    edge.link.peer.connect();
    const entries = (page: number) =>
      Array.from({ length: wireLimits.maxAccessEntries }, (_unused, index) => ({
        digest: sha256(`${String(page)} ${String(index)}`),
        rule: 'blocked',
      }));
    const own = edge.agent.status().outbox.epoch;
    const offer = { ...allowance(wireLimits.maxAllowanceSlots), epoch: own };
    for (let page = 1; page <= wireLimits.maxAccessPages; page += 1) {
      const access = { version: 1, page, pages: wireLimits.maxAccessPages, unlisted: 'admit', entries: entries(page) };
      await edge.deliver('allowance', { ...offer, access });
    }
    await eventually(() => edge.agent.status().allowance.slots === wireLimits.maxAllowanceSlots, 'it is stored');
    expect(edge.agent.status().outbox.failing).toBeNull();
    await stopped();
    const next = await started(outbox());
    expect(next.agent.status().allowance).toEqual({ version: 1, slots: 256, accessVersion: 1 });
  });
});
