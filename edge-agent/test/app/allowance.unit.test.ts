import { afterEach, describe, expect, it } from '@jest/globals';
import { wireLimits } from '@gatehouse/shared';
import type { AccessPage, Allowance, EdgeEventOf, SlotClass } from '@gatehouse/shared';
import type { MemoryOutboxBacking } from '../../src/adapters/memory/index.js';
import { createHarness, sha256 } from './harness.js';
import type { Harness, HarnessOptions } from './harness.js';

let running: Harness[] = [];
async function started(options: HarnessOptions = {}): Promise<Harness> {
  const edge = createHarness(options);
  running.push(edge);
  await edge.start();
  return edge;
}
/** As after a power cut: whatever is in the backing, and nothing else. */
async function afterPowerCut(edge: Harness, options: HarnessOptions = {}): Promise<Harness> {
  running = running.filter((other) => other !== edge);
  Object.assign(edge.backing, { holder: undefined, failure: undefined, delay: undefined });
  return started({ backing: edge.backing, seed: 2, connected: false, ...options });
}
afterEach(async () => {
  for (const edge of running) await edge.agent.stop();
  running = [];
});

const twoEntries: HarnessOptions['settings'] = {
  gates: [
    { gateId: 'entry-1', direction: 'entry', hasReader: true, lane: { readAfterMs: 0 } },
    { gateId: 'entry-2', direction: 'entry' },
    { gateId: 'exit-1', direction: 'exit' },
  ],
};

interface Offer {
  readonly version: number;
  readonly slots: readonly (string | [string, SlotClass])[];
  readonly asOf?: number;
  readonly epoch?: string;
  readonly access?: Partial<AccessPage>;
}

function allowanceOf(edge: Harness, offer: Offer): Allowance {
  return {
    epoch: offer.epoch ?? edge.backing.epoch ?? '',
    version: offer.version,
    asOf: offer.asOf ?? 0,
    slots: offer.slots.map((named) => {
      const [slotId, slotClass] = typeof named === 'string' ? [named, 'standard' as const] : named;
      return { slotId, zoneId: 'zone', label: slotId.toUpperCase(), slotClass };
    }),
    access: { version: 0, page: 1, pages: 1, unlisted: 'admit', entries: [], ...offer.access },
  };
}

async function offered(edge: Harness, offer: Offer): Promise<void> {
  await edge.deliver('allowance', allowanceOf(edge, offer));
}

const listed = (edge: Harness, value: string, rule: 'blocked' | 'permitted') => ({
  digest: sha256(`${edge.backing.epoch ?? ''}:plate:${value}`),
  rule,
});

/** Keeps these operations waiting until the answer is called. */
function heldBack(backing: MemoryOutboxBacking, ...held: string[]): () => void {
  const waiting: (() => void)[] = [];
  backing.delay = (operation) =>
    held.includes(operation) ? new Promise<void>((resolve) => waiting.push(resolve)) : Promise.resolve();
  return () => {
    backing.delay = undefined;
    for (const release of waiting) release();
  };
}

const admissions = (edge: Harness): (string | null)[] =>
  edge.stored().flatMap((event) => (event.kind === 'vehicle-admitted' ? [event.slotId] : []));
const acceptances = (edge: Harness): EdgeEventOf<'allowance-accepted'>[] =>
  edge.stored().flatMap((event) => (event.kind === 'allowance-accepted' ? [event] : []));
const denials = (edge: Harness): string[] =>
  edge.stored().flatMap((event) => (event.kind === 'vehicle-denied' ? [event.reason] : []));
const leaves = async (edge: Harness, gateId: string): Promise<void> => {
  await edge.edge(gateId, 'arming', false);
  await edge.advance(5_000);
};
/** Vehicles arrive one after the other and turn back, until one is turned away; answers what they were given. */
async function givenOutAlone(edge: Harness): Promise<(string | null)[]> {
  const before = admissions(edge).length;
  edge.link.peer.disconnect('pulled');
  await edge.settle();
  for (let vehicle = 0; vehicle < 20; vehicle += 1) {
    const denied = denials(edge).length;
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_500);
    await leaves(edge, 'entry-1');
    if (denials(edge).length > denied) break;
  }
  return admissions(edge).slice(before);
}

describe('a set', () => {
  it('is stored and told of in one go, and the state says so at once', async () => {
    const edge = await started();
    await offered(edge, { version: 1, slots: ['a1', 'a2'] });
    expect(acceptances(edge)).toMatchObject([{ version: 1, returned: [], remaining: 0 }]);
    expect(edge.agent.status().allowance).toEqual({ version: 1, slots: 2, accessVersion: 0 });
    await edge.advance(100);
    expect(edge.states().at(-1)).toMatchObject({ allowanceVersion: 1 });
  });

  it('that knows of events this outbox has not written is left aside', async () => {
    const edge = await started();
    await offered(edge, { version: 1, slots: ['a1'], asOf: 1 });
    expect(edge.agent.status().allowance.version).toBe(0);
    await offered(edge, { version: 1, slots: ['a1'], asOf: 0 });
    await offered(edge, { version: 2, slots: ['a2'], asOf: 1 });
    expect(edge.agent.status().allowance.version).toBe(2);
  });

  it('returns 100 slots at a time, uses the others meanwhile, and says how many', async () => {
    const edge = await started();
    const many = Array.from({ length: 130 }, (_unused, index) => `s${String(index)}`);
    await offered(edge, { version: 1, slots: many });
    await offered(edge, { version: 2, slots: [], asOf: 1 });
    expect(acceptances(edge).at(-1)).toMatchObject({ version: 2, remaining: 30 });
    expect(acceptances(edge).at(-1)?.returned).toHaveLength(wireLimits.maxReturnedSlots);
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_500);
    expect(admissions(edge)).toHaveLength(1);
    await offered(edge, { version: 3, slots: [], asOf: 2 });
    expect(acceptances(edge).at(-1)).toMatchObject({ version: 3, remaining: 0 });
    expect(acceptances(edge).at(-1)?.returned).toHaveLength(29);
  });

  it('counts, until it is stored, only where the former one agrees', async () => {
    const edge = await started();
    await offered(edge, { version: 1, slots: ['a1', 'a2'] });
    const release = heldBack(edge.backing, 'append');
    await offered(edge, { version: 2, slots: ['a2', 'a3'], asOf: 1 });
    edge.link.peer.disconnect('pulled');
    for (const gateId of ['entry-1', 'exit-1']) await edge.edge(gateId, 'arming', true);
    await edge.advance(1_500);
    await leaves(edge, 'entry-1');
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_500);
    release();
    await edge.settle();
    expect(admissions(edge)).toEqual(['a2', null]);
    expect(acceptances(edge).at(-1)).toMatchObject({ returned: ['a1'], remaining: 0 });
    expect(denials(edge)).toEqual(['allowance-used-up']);
    await leaves(edge, 'entry-1');
    expect(await givenOutAlone(edge)).toEqual(['a3']);
  });

  it('that cannot be stored leaves the former one as it was', async () => {
    const edge = await started();
    await offered(edge, { version: 1, slots: ['a1', 'a2'] });
    edge.backing.failure = (operation) => (operation === 'append' ? 'io' : undefined);
    await offered(edge, { version: 2, slots: ['a2', 'a3'], asOf: 1 });
    edge.backing.failure = undefined;
    await edge.advance(60_000);
    expect(edge.agent.status().allowance).toMatchObject({ version: 1, slots: 2 });
    await offered(edge, { version: 2, slots: ['a2', 'a3'], asOf: 1 });
    expect(acceptances(edge).at(-1)).toMatchObject({ returned: ['a1'] });
    expect(await givenOutAlone(edge)).toEqual(['a2', 'a3']);
  });
});

describe('giving slots out', () => {
  it('remembers each parting, also of two admissions in one commit', async () => {
    const edge = await started({ settings: twoEntries });
    await offered(edge, { version: 1, slots: ['a1', 'a2', 'a3'] });
    edge.link.peer.disconnect('pulled');
    const release = heldBack(edge.backing, 'append');
    // The first one's commit is under way while the other two come together.
    for (const gateId of ['exit-1', 'entry-1', 'entry-2']) await edge.edge(gateId, 'arming', true);
    release();
    await edge.settle();
    expect(edge.agent.status().counters.commits).toBe(3);
    expect(admissions(edge)).toEqual([null, 'a1', 'a2']);
    const next = await afterPowerCut(edge, { settings: twoEntries });
    next.link.peer.connect();
    await next.settle();
    // Made before the aggregator knew of either.
    await offered(next, { version: 2, slots: ['a1', 'a2', 'a3'], asOf: 1 });
    expect(next.agent.status().allowance).toMatchObject({ version: 2, slots: 1 });
    expect(await givenOutAlone(next)).toEqual(['a3']);
  });

  it('takes the class that fits best', async () => {
    const gate = { gateId: 'entry-1', direction: 'entry', lane: { vehicleClass: 'ev' } } as const;
    const edge = await started({ settings: { gates: [gate] } });
    await offered(edge, { version: 1, slots: [['l1', 'large'], 's1', ['e1', 'ev'], ['m1', 'motorcycle']] });
    expect(await givenOutAlone(edge)).toEqual(['e1', 's1', 'l1']);
    expect(edge.agent.status().gates[0]?.vehicleClass).toBe('ev');
    expect(edge.states().at(-1)?.gates[0]?.vehicleClass).toBe('ev');
  });

  it.each(['io', 'full'] as const)('keeps a slot whose admission met a store that answered %s, once', async (code) => {
    const edge = await started();
    await offered(edge, { version: 1, slots: ['a1', 'a2'] });
    await edge.edge('entry-1', 'arming', true);
    edge.backing.failure = (operation) => (operation === 'append' ? code : undefined);
    edge.link.peer.disconnect('pulled');
    await edge.settle();
    expect(edge.barrier('entry-1').requests).toEqual([]);
    expect(edge.agent.status().gates[0]?.arrival).toMatchObject({ progress: 'denied', slotId: null });
    await leaves(edge, 'entry-1');
    edge.backing.failure = undefined;
    await edge.advance(60_000);
    expect(edge.agent.status().allowance).toMatchObject({ slots: 2 });
    expect(await givenOutAlone(edge)).toEqual(['a1', 'a2']);
  });

  it('names no slot for a vehicle that left before its admission was lost', async () => {
    const edge = await started();
    await offered(edge, { version: 1, slots: ['a1'] });
    await edge.edge('entry-1', 'arming', true);
    const release = heldBack(edge.backing, 'append');
    edge.link.peer.disconnect('pulled');
    await edge.settle();
    expect(edge.agent.status().gates[0]?.arrival).toMatchObject({ progress: 'recording', slotId: 'a1' });
    await leaves(edge, 'entry-1');
    edge.backing.failure = (operation) => (operation === 'append' ? 'full' : undefined);
    release();
    await edge.settle();
    edge.backing.failure = undefined;
    await edge.advance(60_000);
    expect(admissions(edge)).toEqual([]);
    expect(edge.stored().find(({ kind }) => kind === 'vehicle-backed-out')).toMatchObject({
      slotId: null,
      basis: 'none',
    });
    expect(await givenOutAlone(edge)).toEqual(['a1']);
  });

  it('does not return a slot that is just being given out', async () => {
    const edge = await started();
    await offered(edge, { version: 1, slots: ['a1', 'a2'] });
    edge.link.peer.disconnect('pulled');
    const release = heldBack(edge.backing, 'append');
    await edge.edge('entry-1', 'arming', true);
    edge.link.peer.connect();
    await offered(edge, { version: 2, slots: [], asOf: 1 });
    release();
    await edge.settle();
    expect(admissions(edge)).toEqual(['a1']);
    expect(acceptances(edge).at(-1)).toMatchObject({ version: 2, returned: ['a2'], remaining: 0 });
  });

  it('answers at once with the link down, with a backlog, and when told to', async () => {
    const slow = { protocol: { windowBatches: 1, batchEvents: 1, decisionTimeoutMs: 60_000 } };
    const edge = await started({ settings: slow });
    await offered(edge, { version: 1, slots: ['a1', 'a2', 'a3'] });
    await edge.acknowledge(1);
    await edge.edge('entry-1', 'arming', true);
    expect(admissions(edge)).toEqual([]);
    await edge.decide(2, { outcome: 'own' });
    expect(admissions(edge)).toEqual(['a1']);
    await leaves(edge, 'entry-1');
    expect(edge.agent.status().outbox.unacknowledged).toBeGreaterThan(1);
    await edge.edge('entry-1', 'arming', true);
    expect(admissions(edge)).toEqual(['a1', 'a2']);
    await leaves(edge, 'entry-1');
    edge.link.peer.disconnect('pulled');
    await edge.edge('entry-1', 'arming', true);
    expect(admissions(edge)).toEqual(['a1', 'a2', 'a3']);
  });

  it('opens and flags when all are used up, where that was opted in to; not to whom the list keeps out', async () => {
    const settings = { ...twoEntries, policies: { openWhenNoAllowance: true } };
    const edge = await started({ settings });
    await offered(edge, { version: 1, slots: ['a1'], access: { entries: [listed(edge, 'BAD1', 'blocked')] } });
    edge.link.peer.disconnect('pulled');
    for (const gateId of ['entry-2', 'entry-1']) {
      if (gateId === 'entry-1') await edge.read(gateId, { value: 'GOOD1' });
      await edge.edge(gateId, 'arming', true);
      await edge.advance(1_500);
    }
    expect(edge.stored().filter(({ kind }) => kind === 'vehicle-admitted')).toMatchObject([
      { slotId: 'a1', basis: 'allowance' },
      { slotId: null, basis: 'opted-in' },
    ]);
    await leaves(edge, 'entry-1');
    await edge.read('entry-1', { value: 'BAD1' });
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_500);
    expect(denials(edge)).toEqual(['blocked']);
  });
});

describe('the access list', () => {
  const withReader = { settings: twoEntries };
  const shows = async (edge: Harness, value: string): Promise<void> => {
    await edge.read('entry-1', { value });
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_500);
    await leaves(edge, 'entry-1');
    await edge.advance(10_000);
  };

  it('is waited for, page by page in any order, and stored with the set', async () => {
    const edge = await started(withReader);
    const entries = ['BAD1', 'BAD2', 'BAD3'].map((value) => listed(edge, value, 'blocked'));
    const page = (number: number) =>
      offered(edge, {
        version: 1,
        slots: ['a1', 'a2', 'a3', 'a4'],
        access: { version: 5, page: number, pages: 3, entries: entries.slice(number - 1, number) },
      });
    await page(3);
    await page(1);
    await page(1);
    expect(edge.kinds()).toEqual([]);
    await page(2);
    expect(edge.agent.status().allowance).toEqual({ version: 1, slots: 4, accessVersion: 5 });
    // The same list again: one page is enough.
    await offered(edge, { version: 2, slots: ['a1', 'a2'], asOf: 1, access: { version: 5, page: 2, pages: 3 } });
    expect(edge.agent.status().allowance).toEqual({ version: 2, slots: 2, accessVersion: 5 });
    const next = await afterPowerCut(edge, withReader);
    for (const value of ['BAD1', 'GOOD1', 'BAD2', 'BAD3']) await shows(next, value);
    expect(denials(next)).toEqual(['blocked', 'blocked', 'blocked']);
    expect(admissions(next)).toEqual(['a1']);
  });

  it('can keep out whoever is not on it', async () => {
    const edge = await started(withReader);
    const access = { version: 2, unlisted: 'deny', entries: [listed(edge, 'MINE1', 'permitted')] } as const;
    await offered(edge, { version: 1, slots: ['a1', 'a2'], access: { ...access, entries: [...access.entries] } });
    edge.link.peer.disconnect('pulled');
    await shows(edge, 'OTHER1');
    await shows(edge, 'MINE1');
    await edge.edge('entry-2', 'arming', true);
    await edge.advance(1_500);
    expect(denials(edge)).toEqual(['no-permit', 'no-permit']);
    expect(admissions(edge)).toEqual(['a1']);
  });

  it('that is shorter replaces all of the one before', async () => {
    const edge = await started(withReader);
    for (const page of [1, 2]) {
      const entries = [listed(edge, `BAD${String(page)}`, 'blocked')];
      await offered(edge, { version: 1, slots: ['a1'], access: { version: 1, page, pages: 2, entries } });
    }
    await offered(edge, { version: 2, slots: ['a1'], asOf: 1, access: { version: 2, pages: 1 } });
    expect([...edge.backing.notes.keys()].sort()).toEqual(['access', 'access/1', 'allowance']);
    const next = await afterPowerCut(edge, withReader);
    await shows(next, 'BAD2');
    expect(admissions(next)).toEqual(['a1']);
  });
});

describe('when the two histories differ', () => {
  it('the allowance ends at once, though the new epoch has to wait, and for good', async () => {
    const edge = await started();
    await edge.acknowledge(0, { conflict: 'epoch-retired' });
    await edge.advance(1_000);
    await offered(edge, { version: 1, slots: ['a1', 'a2'] });
    const epoch = edge.backing.epoch;
    await edge.acknowledge(0, { conflict: 'hash-mismatch' });
    expect(edge.backing.epoch).toBe(epoch);
    expect(edge.agent.status().allowance.slots).toBe(0);
    await offered(edge, { version: 2, slots: ['a1'], asOf: 1 });
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(1_500);
    expect(denials(edge)).toEqual(['allowance-used-up']);
    const next = await afterPowerCut(edge);
    expect(next.backing.epoch).toBe(epoch);
    expect(next.agent.status().allowance.slots).toBe(0);
  });

  it('remembers, until the epoch is over, what it gave out', async () => {
    const edge = await started();
    await edge.acknowledge(0, { conflict: 'epoch-retired' });
    await edge.advance(1_000);
    await offered(edge, { version: 1, slots: ['a1', 'a2'] });
    await edge.edge('entry-1', 'arming', true);
    await edge.decide(2, { outcome: 'own' });
    await edge.acknowledge(0, { conflict: 'hash-mismatch' });
    const next = await afterPowerCut(edge);
    await offered(next, { version: 2, slots: ['a1', 'a2'], asOf: 1 });
    next.link.peer.connect();
    await next.settle();
    await offered(next, { version: 2, slots: ['a1', 'a2'], asOf: 1 });
    expect(await givenOutAlone(next)).toEqual(['a2']);
  });

  it('a restored copy gives up its allowance, and tells whom it let in meanwhile', async () => {
    const edge = await started();
    await offered(edge, { version: 1, slots: ['a1', 'a2'] });
    await edge.acknowledge(1);
    const copy: MemoryOutboxBacking = {
      ...edge.backing,
      holder: undefined,
      events: [...edge.backing.events],
      notes: new Map(edge.backing.notes),
      marks: [...edge.backing.marks],
    };
    await edge.edge('entry-1', 'arming', true);
    await edge.decide(2, { outcome: 'own' });
    await edge.advance(2_000);
    await edge.driveThrough('entry-1');
    const upTo = edge.backing.next - 1;
    const hash = edge.backing.lastHash;
    await edge.agent.stop();

    const restored = await started({ backing: copy, seed: 2, connected: false });
    expect(restored.agent.status().allowance.slots).toBe(2);
    expect(await givenOutAlone(restored)).toEqual(['a1', 'a2']);
    const old = restored.backing.epoch ?? '';
    restored.link.peer.connect();
    await restored.settle();
    await restored.acknowledge(upTo, { hash });
    expect(restored.backing.epoch).not.toBe(old);
    expect(restored.agent.status().allowance).toEqual({ version: 0, slots: 0, accessVersion: null });
    const reported = restored
      .batches()
      .filter(({ epoch }) => epoch !== old)
      .flatMap(({ events }) => events);
    expect(reported.filter(({ kind }) => kind === 'vehicle-admitted')).toMatchObject([
      { slotId: 'a1', origin: { epoch: old, seq: 3 } },
      { slotId: 'a2', origin: { epoch: old } },
    ]);
  });

  it('nothing of the old epoch is stored in the new one that is being begun', async () => {
    const edge = await started({ connected: true });
    await offered(edge, { version: 1, slots: ['a1', 'a2'] });
    await edge.edge('entry-1', 'arming', true);
    const release = heldBack(edge.backing, 'beginEpoch');
    // At the same moment, the conflict last.
    edge.link.peer.deliver('allowance', JSON.stringify(allowanceOf(edge, { version: 2, slots: ['a3'], asOf: 1 })));
    await edge.acknowledge(0, { conflict: 'hash-mismatch' });
    // The outbox is busy with the new epoch.
    await offered(edge, { version: 3, slots: ['a1', 'a2'], asOf: 1 });
    await edge.decide(2, { outcome: 'own' });
    release();
    await edge.advance(10_000);
    expect(edge.agent.status().counters.epochsBegun).toBe(1);
    expect(edge.agent.status().allowance).toEqual({ version: 0, slots: 0, accessVersion: null });
    expect(edge.backing.notes.has('allowance')).toBe(false);
    expect(acceptances(edge)).toMatchObject([{ version: 1, origin: {} }]);
  });
});

describe('after a power cut at any write', () => {
  it('every slot that was set aside is in the edge’s hands, given out or returned, and in one of these only', async () => {
    for (let cut = 0; cut < 12; cut += 1) {
      const edge = await started({ settings: twoEntries });
      let appends = 0;
      // From the cut on, nothing reaches the disk.
      edge.backing.delay = (operation) => {
        if (operation !== 'append') return Promise.resolve();
        appends += 1;
        return appends > cut ? new Promise<never>(() => undefined) : Promise.resolve();
      };
      await offered(edge, { version: 1, slots: ['a1', 'a2', 'a3', 'a4'] });
      edge.link.peer.disconnect('pulled');
      for (const gateId of ['entry-1', 'entry-2']) await edge.edge(gateId, 'arming', true);
      edge.link.peer.connect();
      await edge.settle();
      await offered(edge, { version: 2, slots: ['a1', 'a4', 'a5'], asOf: 0 });
      edge.link.peer.disconnect('pulled');
      await edge.edge('entry-1', 'arming', false);
      await edge.advance(5_000);
      await edge.edge('entry-1', 'arming', true);
      await edge.advance(1_500);

      const next = await afterPowerCut(edge, { settings: twoEntries });
      const accepted = acceptances(next);
      const out = [...admissions(next), ...accepted.flatMap(({ returned }) => returned)];
      const inHand = await givenOutAlone(next);
      const ever = ['a1', 'a2', 'a3', 'a4', 'a5'].slice(0, accepted.length === 0 ? 0 : accepted.length === 1 ? 4 : 5);
      expect([...out, ...inHand].sort()).toEqual(ever);
      expect(next.agent.status().allowance.version).toBe(accepted.length);
    }
  });
});
