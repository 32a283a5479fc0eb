import { afterEach, describe, expect, it } from '@jest/globals';
import { createHarness } from './harness.js';
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

const allowanceOf = (edge: Harness, version: number, slotIds: readonly string[], asOf = 0) => ({
  epoch: edge.backing.epoch,
  version,
  asOf,
  slots: slotIds.map((slotId) => ({ slotId, zoneId: 'zone', label: slotId.toUpperCase(), slotClass: 'standard' })),
  access: { version: 0, page: 1, pages: 1, unlisted: 'admit', entries: [] },
});

describe('when the aggregator does not answer', () => {
  it('an exit opens after 1.5 s, once that is durable', async () => {
    const edge = await started();
    await edge.edge('exit-1', 'arming', true);
    await edge.advance(1_499);
    expect(edge.kinds()).toEqual(['vehicle-arrived']);
    await edge.advance(1);
    expect(edge.stored().at(-1)).toMatchObject({ kind: 'vehicle-admitted', arrival: 1, basis: 'exit-alone' });
    expect(edge.barrier('exit-1').requests).toEqual(['open']);
    await edge.advance(2_000);
    await edge.driveThrough('exit-1');
    expect(edge.stored().at(-1)).toMatchObject({ kind: 'vehicle-passed', direction: 'exit', basis: 'exit-alone' });
  });

  it('nothing opens before the local admission is committed', async () => {
    const edge = await started({ connected: false });
    const held: (() => void)[] = [];
    edge.backing.delay = (operation) =>
      operation === 'append' ? new Promise<void>((resolve) => held.push(resolve)) : Promise.resolve();
    await edge.edge('exit-1', 'arming', true);
    await edge.advance(5_000);
    expect(edge.barrier('exit-1').requests).toEqual([]);
    edge.backing.delay = undefined;
    for (const release of held) release();
    await edge.settle();
    expect(edge.barrier('exit-1').requests).toEqual(['open']);
  });

  it('with the link down it does not wait at all', async () => {
    const edge = await started({ connected: false });
    await edge.edge('exit-1', 'arming', true);
    expect(edge.kinds()).toEqual(['vehicle-arrived', 'vehicle-admitted']);
    expect(edge.barrier('exit-1').requests).toEqual(['open']);
  });

  it('but before it turns a vehicle away it waits for the link to come back', async () => {
    const edge = await started({ connected: false });
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_000);
    expect(edge.kinds()).toEqual(['vehicle-arrived']);
    edge.link.peer.connect();
    await edge.settle();
    expect(edge.batches()).toMatchObject([{ first: 1, waiting: [1] }]);
    await edge.decide(1);
    expect(edge.barrier('entry-1').requests).toEqual(['open']);
  });

  it('and when the link goes down it stops waiting', async () => {
    const edge = await started();
    await edge.edge('exit-1', 'arming', true);
    edge.link.peer.disconnect('pulled');
    await edge.settle();
    expect(edge.barrier('exit-1').requests).toEqual(['open']);
  });

  it('an entry without an allowance turns away', async () => {
    const edge = await started();
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(60_000);
    expect(edge.stored().at(-1)).toMatchObject({ kind: 'vehicle-denied', arrival: 1, reason: 'no-allowance' });
    expect(edge.barrier('entry-1').requests).toEqual([]);
  });

  it('or opens, where that was opted in to', async () => {
    const edge = await started({ settings: { policies: { openWhenNoAllowance: true } } });
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_500);
    expect(edge.stored().at(-1)).toMatchObject({ kind: 'vehicle-admitted', basis: 'opted-in', slotId: null });
  });

  it('an exit holds, where that is set', async () => {
    const edge = await started({ settings: { policies: { holdUnansweredAtExit: true } } });
    await edge.edge('exit-1', 'arming', true);
    await edge.advance(1_500);
    expect(edge.stored().at(-1)).toMatchObject({ kind: 'vehicle-denied', reason: 'exit-not-authorised' });
  });

  it('with a backlog beyond the window it answers at once', async () => {
    const edge = await started({ settings: { protocol: { windowBatches: 1, batchEvents: 1 } } });
    await edge.edge('entry-1', 'fire', true);
    await edge.edge('entry-1', 'fire', false);
    await edge.edge('exit-1', 'arming', true);
    expect(edge.barrier('exit-1').requests).toEqual(['open']);
  });
});

describe('an online decision', () => {
  it('counts if it is the first: the clock does not decide again', async () => {
    const edge = await started();
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_000);
    await edge.decide(1, { slot: { slotId: 'a1', zoneId: 'zone', label: 'A1', slotClass: 'standard' } });
    await edge.advance(2_000);
    expect(edge.kinds()).toEqual(['vehicle-arrived']);
    await edge.driveThrough('entry-1');
    expect(edge.stored().at(-1)).toMatchObject({ kind: 'vehicle-passed', slotId: 'a1', basis: 'decision' });
  });

  it('does nothing if it comes after the local one, or twice', async () => {
    const edge = await started();
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_500);
    await edge.decide(1);
    expect(edge.barrier('entry-1').requests).toEqual([]);
    expect(edge.agent.status().counters.decisionsIgnored).toBe(1);
    await edge.edge('exit-1', 'arming', true);
    await edge.decide(3);
    await edge.decide(3);
    expect(edge.barrier('exit-1').requests).toEqual(['open']);
    expect(edge.agent.status().counters.decisionsIgnored).toBe(2);
  });

  it('of an operator overrules a denial with a later revision', async () => {
    const edge = await started();
    await edge.edge('entry-1', 'arming', true);
    await edge.decide(1, { outcome: 'deny', reason: 'full' });
    await edge.advance(3_000);
    await edge.decide(1, { revision: 2, basis: 'operator', ttlMs: 60_000 });
    expect(edge.barrier('entry-1').requests).toEqual(['open']);
  });

  it('is void when its time to live has run out, for another instance, another epoch, or a vehicle that left', async () => {
    const edge = await started({ settings: { protocol: { decisionTimeoutMs: 60_000 } } });
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(2_001);
    await edge.decide(1, { ttlMs: 2_000 });
    await edge.decide(1, { instance: 'f'.repeat(32) });
    await edge.decide(1, { epoch: 'f'.repeat(32) });
    await edge.decide(7);
    await edge.edge('entry-1', 'arming', false);
    await edge.advance(1_000);
    await edge.edge('entry-1', 'arming', true);
    await edge.decide(1);
    expect(edge.barrier('entry-1').requests).toEqual([]);
    expect(edge.agent.status().counters.decisionsIgnored).toBe(5);
    await edge.decide(3);
    expect(edge.barrier('entry-1').requests).toEqual(['open']);
  });

  it('own takes a slot of the allowance', async () => {
    const edge = await started();
    await edge.deliver('allowance', allowanceOf(edge, 1, ['a1', 'a2']));
    await edge.edge('entry-1', 'arming', true);
    await edge.decide(2, { outcome: 'own' });
    expect(edge.stored().at(-1)).toMatchObject({ kind: 'vehicle-admitted', slotId: 'a1', basis: 'allowance' });
    expect(edge.barrier('entry-1').requests).toEqual(['open']);
  });
});

describe('the allowance', () => {
  it('lets an entry admit alone, one vehicle a slot, and then no more', async () => {
    const edge = await started();
    await edge.deliver('allowance', allowanceOf(edge, 1, ['a1']));
    edge.link.peer.disconnect('pulled');
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(2_000);
    await edge.driveThrough('entry-1');
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_500);
    const told = edge.stored().filter((event) => event.kind === 'vehicle-admitted' || event.kind === 'vehicle-denied');
    expect(told).toMatchObject([{ slotId: 'a1' }, { reason: 'allowance-used-up' }]);
  });

  it('survives a restart, without what was given out', async () => {
    const first = await started();
    await first.deliver('allowance', allowanceOf(first, 1, ['a1', 'a2']));
    first.link.peer.disconnect('pulled');
    await first.edge('entry-1', 'arming', true);
    await first.agent.stop();
    const second = await started({ backing: first.backing, seed: 2, connected: false });
    expect(second.agent.status().allowance).toEqual({ version: 1, slots: 1, accessVersion: 0 });
    // Version 2 was made before the aggregator knew that a1 was given out.
    second.link.peer.connect();
    await second.settle();
    await second.deliver('allowance', allowanceOf(second, 2, ['a1', 'a3'], 1));
    expect(second.stored().at(-1)).toMatchObject({ kind: 'allowance-accepted', version: 2, returned: ['a2'] });
    expect(second.agent.status().allowance).toEqual({ version: 2, slots: 1, accessVersion: 0 });
  });

  it('of an old version or another epoch is ignored', async () => {
    const edge = await started();
    await edge.deliver('allowance', allowanceOf(edge, 3, ['a1']));
    await edge.deliver('allowance', allowanceOf(edge, 3, ['a2']));
    await edge.deliver('allowance', { ...allowanceOf(edge, 4, ['a2']), epoch: 'f'.repeat(32) });
    expect(edge.kinds()).toEqual(['allowance-accepted']);
  });

  it('is discarded with the epoch', async () => {
    const edge = await started();
    await edge.deliver('allowance', allowanceOf(edge, 1, ['a1']));
    await edge.acknowledge(0, { conflict: 'hash-mismatch' });
    expect(edge.agent.status().allowance).toEqual({ version: 0, slots: 0, accessVersion: null });
    expect(edge.backing.notes.has('allowance')).toBe(false);
  });
});
