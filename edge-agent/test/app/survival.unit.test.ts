import { afterEach, describe, expect, it } from '@jest/globals';
import type { EdgeEvent } from '@gatehouse/shared';
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

/** What a killed process leaves: the backing as it is, and nobody holding it. */
async function restartedAfterKill(edge: Harness, options: HarnessOptions = {}): Promise<Harness> {
  edge.backing.holder = undefined;
  return started({ backing: edge.backing, seed: 2, ...options });
}

describe('after a restart', () => {
  it('each arrival that was open is unresolved, first of all, with its slot and basis', async () => {
    const first = await started();
    await first.edge('entry-1', 'arming', true);
    await first.edge('exit-1', 'arming', true);
    await first.decide(1, { slot: { slotId: 'a1', zoneId: 'zone', label: 'A1', slotClass: 'standard' } });
    const second = await restartedAfterKill(first);
    expect(second.stored().slice(2)).toMatchObject([
      { kind: 'arrival-unresolved', gateId: 'entry-1', arrival: 1, slotId: 'a1', basis: 'decision' },
      { kind: 'arrival-unresolved', gateId: 'exit-1', arrival: 2, slotId: null, basis: 'none' },
    ]);
    const third = await restartedAfterKill(second, { seed: 3 });
    expect(third.kinds()).toHaveLength(4);
  });

  it('arrivals that could not be told of go over into a new epoch, and are told of by what they are called there', async () => {
    const first = await started();
    await first.edge('entry-1', 'fire', true);
    await first.edge('entry-1', 'fire', false);
    await first.edge('entry-1', 'arming', true);
    const arrival = first.backing.next - 1;
    await first.decide(arrival, { slot: { slotId: 'a1', zoneId: 'zone', label: 'A1', slotClass: 'standard' } });
    await first.acknowledge(arrival);
    first.backing.failure = (operation) => (operation === 'append' ? 'full' : undefined);
    const second = await restartedAfterKill(first);
    const epoch = second.backing.epoch;
    await second.acknowledge(arrival, { hash: 'a'.repeat(64) });
    expect(second.backing.epoch).not.toBe(epoch);
    const third = await restartedAfterKill(second, { seed: 3 });
    second.backing.failure = undefined;
    await third.advance(60_000);
    const begun = third.kinds().indexOf('vehicle-arrived');
    expect(third.stored()[begun]?.origin).toMatchObject({ epoch, seq: arrival });
    const ends = third.stored().filter((event) => event.kind === 'arrival-unresolved');
    expect(ends).toMatchObject([{ arrival: begun + 1, slotId: 'a1' }]);
    expect([...third.backing.notes.keys()]).not.toContain('arrival/entry-1');
  });

  it('an arrival whose beginning is not kept any more is left to those who find its epoch replaced', async () => {
    const first = await started({ settings: { outbox: { keepAcknowledgedMs: 0, trimIntervalMs: 100 } } });
    await first.edge('entry-1', 'arming', true);
    await first.acknowledge(1);
    await first.advance(500);
    first.backing.failure = (operation) => (operation === 'append' ? 'full' : undefined);
    const second = await restartedAfterKill(first);
    await second.acknowledge(1, { conflict: 'hash-mismatch' });
    second.backing.failure = undefined;
    await second.advance(60_000);
    expect(second.kinds()).not.toContain('arrival-unresolved');
    expect([...second.backing.notes.keys()]).not.toContain('arrival/entry-1');
  });

  it('arrivals that ended stay ended', async () => {
    const first = await started();
    await first.edge('entry-1', 'arming', true);
    await first.decide(1);
    await first.advance(2_000);
    await first.driveThrough('entry-1');
    const second = await restartedAfterKill(first);
    expect(second.kinds()).toEqual(['vehicle-arrived', 'vehicle-passed']);
  });

  it('the vehicle that still stands there arrives anew', async () => {
    const first = await started();
    await first.edge('entry-1', 'arming', true);
    first.backing.holder = undefined;
    const second = createHarness({ backing: first.backing, seed: 2 });
    running.push(second);
    second.barrier('entry-1').levels.set('arming', true);
    await second.start();
    expect(second.kinds()).toEqual(['vehicle-arrived', 'arrival-unresolved', 'vehicle-arrived']);
  });

  it.each(['lock', 'hold-open'] as const)('%s stands', async (kind) => {
    const first = await started();
    await command(first, { kind });
    const mode = first.agent.status().gates[0]?.mode;
    const second = await restartedAfterKill(first);
    expect(second.agent.status().gates[0]?.mode).toBe(mode);
    await command(second, { kind: 'automatic', id: 'e'.repeat(32) });
    const third = await restartedAfterKill(second, { seed: 3 });
    expect(third.agent.status().gates[0]?.mode).toBe('automatic');
  });

  it('goes on in the same epoch and sends what is not acknowledged', async () => {
    const first = await started({ connected: false });
    await first.edge('entry-1', 'fire', true);
    const epoch = first.backing.epoch;
    const second = await restartedAfterKill(first);
    expect(second.batches()).toMatchObject([{ epoch, first: 1 }]);
    expect(second.agent.status().instance).not.toBe(first.agent.status().instance);
  });

  it('of a damaged outbox a new epoch begins, and that is told', async () => {
    const first = await started();
    await first.edge('entry-1', 'arming', true);
    first.backing.corrupt = true;
    const second = await restartedAfterKill(first);
    expect(second.stored()).toMatchObject([{ kind: 'events-lost', reason: 'outbox-damaged' }]);
  });

  it('an outbox that cannot be opened is a refusal to start', async () => {
    const edge = createHarness();
    edge.backing.failure = (operation) => (operation === 'open' ? 'unwritable' : undefined);
    await expect(edge.start()).rejects.toMatchObject({ code: 'unwritable' });
    await edge.agent.stop();
  });
});

describe('a vehicle that drives on within seconds of one that was let in and backed out', () => {
  /** The first one is let in, and is off the loops with the arm up. */
  async function backingOut(): Promise<Harness> {
    const edge = await started();
    await edge.edge('entry-1', 'arming', true);
    await edge.acknowledge(1);
    await edge.decide(1, { slot: { slotId: 'a1', zoneId: 'zone', label: 'A1', slotClass: 'standard' } });
    await edge.advance(3_000);
    await edge.edge('entry-1', 'arming', false);
    return edge;
  }
  const told = (edge: Harness): EdgeEvent[] => edge.stored().filter((event) => event.kind.startsWith('vehicle-'));

  it('is taken for it, and its passage is flagged: the loops cannot tell it from a short vehicle that goes through', async () => {
    const edge = await backingOut();
    await edge.advance(2_000);
    await edge.driveThrough('entry-1');
    expect(told(edge)).toMatchObject([
      { kind: 'vehicle-arrived' },
      { kind: 'vehicle-passed', arrival: 1, slotId: 'a1', flags: ['suspected-tailgate'] },
    ]);
  });

  it('is another one when it comes later', async () => {
    const edge = await backingOut();
    await edge.advance(5_000);
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(3_000);
    expect(told(edge)).toMatchObject([
      { kind: 'vehicle-arrived' },
      { kind: 'vehicle-backed-out', arrival: 1, slotId: 'a1' },
      { kind: 'vehicle-arrived' },
      { kind: 'vehicle-denied', arrival: 3 },
    ]);
  });

  it('inherits nothing when the agent was restarted in between', async () => {
    const edge = await restartedAfterKill(await backingOut());
    await edge.advance(1_000);
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(3_000);
    expect(edge.stored().filter((event) => 'arrival' in event || event.kind === 'vehicle-arrived')).toMatchObject([
      { kind: 'vehicle-arrived' },
      { kind: 'arrival-unresolved', arrival: 1, slotId: 'a1' },
      { kind: 'vehicle-arrived' },
      { kind: 'vehicle-denied', arrival: 3 },
    ]);
    expect(edge.barrier('entry-1').requests).not.toContain('open');
  });

  it('goes by the name that the arrival has in a new epoch that began in between', async () => {
    const edge = await backingOut();
    const epoch = edge.backing.epoch;
    await edge.edge('exit-1', 'fire', true);
    await edge.acknowledge(1, { conflict: 'hash-mismatch' });
    expect(edge.backing.epoch).not.toBe(epoch);
    await edge.driveThrough('entry-1');
    const arrival = edge.kinds().indexOf('vehicle-arrived') + 1;
    expect(edge.stored()[arrival - 1]?.origin).toMatchObject({ epoch, seq: 1 });
    expect(told(edge).at(-1)).toMatchObject({ kind: 'vehicle-passed', arrival, slotId: 'a1' });
    expect([...edge.backing.notes.keys()]).not.toContain('arrival/entry-1');
  });
});

interface CommandChange {
  readonly kind: 'open' | 'close' | 'hold-open' | 'lock' | 'automatic' | 'restart';
  readonly id?: string;
  readonly instance?: string;
  readonly gateId?: string;
  readonly deadlineMono?: number;
}

async function command(edge: Harness, change: CommandChange): Promise<void> {
  await edge.deliver('commands', {
    instance: edge.agent.status().instance,
    id: 'd'.repeat(32),
    gateId: 'entry-1',
    deadlineMono: Math.floor(edge.clock.monoMs()) + 5_000,
    by: 'operator',
    reason: 'test',
    ...change,
  });
}

describe('commands', () => {
  it('run once, and are answered', async () => {
    const edge = await started();
    await command(edge, { kind: 'open' });
    await command(edge, { kind: 'open' });
    expect(edge.barrier('entry-1').requests).toEqual(['open']);
    expect(edge.stored()).toMatchObject([{ kind: 'command-completed', result: 'done', commandId: 'd'.repeat(32) }]);
    expect([...edge.backing.notes.keys()]).toEqual([]);
  });

  it('run up to their deadline and not after it', async () => {
    const edge = await started();
    await command(edge, { kind: 'open', deadlineMono: edge.clock.monoMs() });
    expect(edge.barrier('entry-1').requests).toEqual(['open']);
    await command(edge, { kind: 'open', id: 'e'.repeat(32), deadlineMono: edge.clock.monoMs() - 1 });
    expect(edge.barrier('entry-1').requests).toEqual(['open']);
    expect(edge.stored().at(-1)).toMatchObject({ kind: 'command-completed', result: 'expired' });
  });

  it('of another instance are ignored; for another gate refused', async () => {
    const edge = await started();
    await command(edge, { kind: 'open', instance: 'f'.repeat(32) });
    expect(edge.kinds()).toEqual([]);
    await command(edge, { kind: 'open', gateId: 'nowhere' });
    expect(edge.stored()).toMatchObject([{ kind: 'command-completed', gateId: 'nowhere', result: 'refused' }]);
  });

  it('begun before a crash are unknown after it', async () => {
    const edge = await started();
    let appends = 0;
    edge.backing.failure = (operation) => (operation === 'append' && (appends += 1) > 1 ? 'io' : undefined);
    await command(edge, { kind: 'open' });
    edge.backing.failure = undefined;
    const second = await restartedAfterKill(edge);
    expect(second.kinds()).toContain('command-unknown');
    expect(second.barrier('entry-1').requests).toEqual([]);
    const third = await restartedAfterKill(second, { seed: 3 });
    expect(third.kinds().filter((kind) => kind === 'command-unknown')).toHaveLength(1);
  });

  it('restart is answered before it is done', async () => {
    const edge = await started();
    await command(edge, { kind: 'restart' });
    expect(edge.stored()).toMatchObject([{ kind: 'command-completed', result: 'done' }]);
    expect(edge.restarts()).toBe(1);
  });
});

describe.each([
  ['full', 'outbox-full'],
  ['io', 'outbox-failing'],
] as const)('when the outbox answers %s', (code, fault) => {
  const broken = async (): Promise<Harness> => {
    const edge = await started();
    edge.backing.failure = (operation) => (operation === 'append' ? code : undefined);
    return edge;
  };

  it('entries close and say why', async () => {
    const edge = await broken();
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(10_000);
    expect(edge.barrier('entry-1').requests).toEqual([]);
    expect(edge.agent.status().faults).toEqual([fault]);
    expect(edge.agent.status().gates[0]?.arrival).toMatchObject({ progress: 'denied', seq: null });
    expect(edge.states().at(-1)?.faults).toEqual([fault]);
  });

  it('exits open and are counted, and both are told when there is room again', async () => {
    const edge = await broken();
    for (let vehicle = 0; vehicle < 2; vehicle += 1) {
      await edge.edge('exit-1', 'arming', true);
      await edge.advance(2_000);
      await edge.driveThrough('exit-1');
      await edge.advance(5_000);
    }
    expect(edge.barrier('exit-1').requests).toEqual(['open', 'close', 'open', 'close']);
    expect(edge.backing.lost).toMatchObject({ entries: 0, exits: 2 });
    const lost = edge.backing.lost.events;
    expect(edge.agent.status().counters.eventsLost).toBe(lost);
    edge.backing.failure = undefined;
    await edge.advance(60_000);
    expect(edge.stored()).toMatchObject([
      { kind: 'events-lost', reason: fault, lost, entries: 0, exits: 2 },
      { kind: 'fault-raised', fault },
      { kind: 'fault-cleared', fault },
    ]);
    expect(edge.backing.lost).toEqual({ events: 0, entries: 0, exits: 0 });
    // What was lost stays lost when it has been told.
    expect(edge.agent.status().counters.eventsLost).toBe(lost);
    expect(edge.agent.status().outbox.failing).toBeNull();
    await edge.edge('entry-1', 'arming', true);
    expect(edge.kinds().at(-1)).toBe('vehicle-arrived');
  });

  it('the end of an arrival that is in the outbox is kept and written later', async () => {
    const edge = await started();
    await edge.edge('entry-1', 'arming', true);
    await edge.decide(1);
    await edge.advance(2_000);
    edge.backing.failure = (operation) => (operation === 'append' ? code : undefined);
    await edge.driveThrough('entry-1');
    await edge.advance(3_000);
    edge.backing.failure = undefined;
    await edge.advance(60_000);
    expect(edge.kinds()).toContain('vehicle-passed');
    expect(edge.stored().find(({ kind }) => kind === 'vehicle-passed')).toMatchObject({ arrival: 1 });
  });

  it('the end of an arrival that comes while the outbox is being tried again is written, too', async () => {
    const edge = await started();
    await edge.edge('entry-1', 'arming', true);
    await edge.decide(1);
    await edge.advance(2_000);
    edge.backing.failure = (operation) => (operation === 'append' ? code : undefined);
    await edge.edge('exit-1', 'tamper', true);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    edge.backing.failure = undefined;
    edge.backing.delay = (operation) => (operation === 'append' ? released : Promise.resolve());
    await edge.advance(1_000);
    await edge.driveThrough('entry-1');
    release();
    await edge.advance(60_000);
    expect(edge.stored().find(({ kind }) => kind === 'vehicle-passed')).toMatchObject({ arrival: 1 });
    expect(edge.agent.status().outbox.failing).toBeNull();
  });

  it('what a run has to tell of the one before it is kept and written later', async () => {
    const first = await started();
    await first.edge('entry-1', 'arming', true);
    await first.decide(1);
    first.backing.failure = (operation) => (operation === 'append' ? code : undefined);
    await first.driveThrough('entry-1');
    const second = await restartedAfterKill(first);
    expect(second.kinds()).toEqual(['vehicle-arrived']);
    second.backing.failure = undefined;
    await second.advance(60_000);
    expect(second.stored()[1]).toMatchObject({ kind: 'arrival-unresolved', arrival: 1, gateId: 'entry-1' });
    const third = await restartedAfterKill(second, { seed: 3 });
    expect(third.kinds().filter((kind) => kind === 'arrival-unresolved')).toHaveLength(1);
  });

  it('losses of a run that ended are told by the next', async () => {
    const edge = await broken();
    await edge.edge('exit-1', 'arming', true);
    await edge.advance(2_000);
    await edge.driveThrough('exit-1');
    edge.backing.failure = undefined;
    const second = await restartedAfterKill(edge);
    expect(second.stored()).toMatchObject([{ kind: 'events-lost', exits: 1 }]);
    expect(second.backing.lost.events).toBe(0);
  });
});

describe('a full outbox', () => {
  it('makes room with what is acknowledged', async () => {
    const edge = await started({ bounds: { maxBytes: 3_000 }, settings: { outbox: { maxBytes: 1_048_576 } } });
    for (let round = 0; round < 40; round += 1) {
      await edge.edge('entry-1', 'fire', round % 2 === 0);
      await edge.acknowledge(edge.backing.next - 1);
      await edge.advance(60_000);
    }
    expect(edge.agent.status().outbox.next).toBeGreaterThan(40);
  });
});

describe('the wall clock', () => {
  it('may jump: that is told, and nothing else changes', async () => {
    const edge = await started();
    edge.clock.jumpWall(365 * 86_400_000);
    await edge.advance(20_000);
    expect(edge.kinds()).toEqual(['fault-raised', 'fault-cleared']);
    await edge.edge('entry-1', 'arming', true);
    await edge.decide(3);
    expect(edge.barrier('entry-1').requests).toEqual(['open']);
  });

  it('may jump by years: what is acknowledged goes by the time that the agent has run, also over a restart', async () => {
    const settings = { outbox: { keepAcknowledgedMs: 600_000, trimIntervalMs: 10_000 } };
    const edge = await started({ settings });
    await edge.edge('entry-1', 'fire', true);
    await edge.acknowledge(1);
    for (const years of [50, -80]) {
      edge.clock.jumpWall(years * 365 * 86_400_000);
      await edge.advance(100_000);
      await edge.acknowledge(edge.backing.next - 1);
      expect(edge.agent.status().outbox.oldest).toBe(1);
    }
    await edge.agent.stop();
    edge.clock.jumpWall(365 * 86_400_000);
    const { clock, backing } = edge;
    const again = await started({ settings, clock, backing });
    await again.advance(350_000);
    expect(again.agent.status().outbox.oldest).toBe(1);
    await again.advance(100_000);
    expect(again.agent.status().outbox.oldest).toBe(2);
  });
});

describe('stopping', () => {
  it('is done once, and leaves nothing running', async () => {
    const edge = await started();
    await edge.edge('entry-1', 'arming', true);
    await Promise.all([edge.agent.stop(), edge.agent.stop()]);
    expect(edge.clock.pendingTimers).toBe(0);
    expect(edge.agent.status().running).toBe(false);
    expect(edge.backing.holder).toBeUndefined();
  });
});
