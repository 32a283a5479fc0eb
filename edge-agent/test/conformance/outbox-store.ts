/** What every outbox store must do, whatever it is made of. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { genesisHash, nextHash } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { OutboxError } from '../../src/app/ports.js';
import type { EpochBeginning, OutboxErrorCode, OutboxEvent, OutboxStore } from '../../src/app/ports.js';
import type { OutboxBounds } from '../../src/adapters/outbox-rules.js';

/** Storage that outlives the stores over it. */
export interface OutboxBench {
  /** A new store over the storage, as a new process would make it. */
  store(bounds?: Partial<OutboxBounds>): OutboxStore;
  /** A new store over what a power cut would have left, without closing the one before. */
  storeAfterPowerCut(): Promise<OutboxStore>;
  /** Makes what is stored useless; no store is open. */
  damage(): Promise<void>;
  dispose(): Promise<void>;
}

export const epochOne = '1'.repeat(32);
export const epochTwo = '2'.repeat(32);

/** `count` events after `after`, with a right chain. */
export function chain(epoch: string, after: OutboxEvent | undefined, count: number, text = 'x'): OutboxEvent[] {
  const events: OutboxEvent[] = [];
  let seq = after?.seq ?? 0;
  let hash = after?.hash ?? genesisHash(sha256, epoch);
  for (let index = 0; index < count; index += 1) {
    seq += 1;
    const event = { kind: 'test', number: seq, text };
    hash = nextHash(sha256, hash, event);
    events.push({ seq, hash, json: JSON.stringify(event) });
  }
  return events;
}

/** A new epoch that begins with these steps. */
export function beginning(
  steps: readonly (readonly OutboxEvent[])[],
  notes: ReadonlyMap<string, string | null> = new Map(),
): EpochBeginning {
  const left = [...steps];
  return { next: () => Promise.resolve(left.shift() ?? null), notes: () => notes };
}

export async function codeOf(action: Promise<unknown>): Promise<OutboxErrorCode | 'resolved' | 'other'> {
  try {
    await action;
    return 'resolved';
  } catch (error) {
    return error instanceof OutboxError ? error.code : 'other';
  }
}

const everything = [1, 1_000, 1_000_000_000] as const;
const loss = (events: number, entries: number, exits: number) => ({ events, entries, exits });

export function describeOutboxStore(name: string, createBench: () => Promise<OutboxBench>): void {
  describe(`${name} as an outbox store`, () => {
    let bench: OutboxBench;
    let store: OutboxStore;

    beforeEach(async () => {
      bench = await createBench();
      store = bench.store();
    });
    afterEach(async () => {
      await store.close();
      await bench.dispose();
    });

    const reopen = async (bounds?: Partial<OutboxBounds>) => {
      await store.close();
      store = bench.store(bounds);
      return store.open(epochTwo);
    };

    it('begins empty in the epoch it is given', async () => {
      expect(await store.open(epochOne)).toEqual({
        epoch: epochOne,
        oldest: 1,
        next: 1,
        acked: 0,
        ackedAtMs: 0,
        lastHash: genesisHash(sha256, epochOne),
        bytes: 0,
        notes: new Map(),
        lost: loss(0, 0, 0),
        damaged: null,
      });
      expect(await store.read(...everything)).toEqual([]);
    });

    it('keeps events, notes and epoch over a restart', async () => {
      await store.open(epochOne);
      const events = chain(epochOne, undefined, 3, 'é𝄞"\\');
      await store.append({ events: events.slice(0, 1), notes: new Map([['mode', 'locked']]) });
      await store.append({ events: events.slice(1) });
      const snapshot = await reopen();
      expect(snapshot).toMatchObject({ epoch: epochOne, oldest: 1, next: 4, lastHash: events[2]?.hash, damaged: null });
      expect(snapshot.bytes).toBe(events.reduce((sum, event) => sum + Buffer.byteLength(event.json), 0));
      expect(snapshot.notes).toEqual(new Map([['mode', 'locked']]));
      expect(await store.read(...everything)).toEqual(events);
    });

    it('keeps what was committed through a power cut', async () => {
      await store.open(epochOne);
      const events = chain(epochOne, undefined, 5);
      for (const event of events)
        await store.append({ events: [event], notes: new Map([['last', String(event.seq)]]) });
      const after = await bench.storeAfterPowerCut();
      const snapshot = await after.open(epochTwo);
      expect(snapshot).toMatchObject({ epoch: epochOne, next: 6, damaged: null });
      expect(snapshot.notes.get('last')).toBe('5');
      expect(await after.read(...everything)).toEqual(events);
      await after.close();
    });

    it('replaces and deletes notes, with and without events', async () => {
      await store.open(epochOne);
      await store.append({
        events: [],
        notes: new Map([
          ['a', '1'],
          ['b', '2'],
        ]),
      });
      await store.append({
        events: chain(epochOne, undefined, 1),
        notes: new Map([
          ['a', '3'],
          ['b', null],
        ]),
      });
      expect((await reopen()).notes).toEqual(new Map([['a', '3']]));
    });

    it('reads from a seq, bounded in events and in bytes, but at least one', async () => {
      await store.open(epochOne);
      const events = chain(epochOne, undefined, 10);
      await store.append({ events });
      const size = Buffer.byteLength(events[2]?.json ?? '');
      expect((await store.read(3, 4, 1_000_000)).map((event) => event.seq)).toEqual([3, 4, 5, 6]);
      expect((await store.read(3, 100, 2 * size)).map((event) => event.seq)).toEqual([3, 4]);
      expect((await store.read(3, 100, 2 * size - 1)).map((event) => event.seq)).toEqual([3]);
      expect((await store.read(3, 100, 1)).map((event) => event.seq)).toEqual([3]);
      expect(await store.read(11, 100, 1_000_000)).toEqual([]);
    });

    it('knows the hash before and after every event it keeps, and of none beyond', async () => {
      await store.open(epochOne);
      const events = chain(epochOne, undefined, 6);
      await store.append({ events });
      expect(await store.hashAt(0)).toBe(genesisHash(sha256, epochOne));
      expect(await store.hashAt(4)).toBe(events[3]?.hash);
      expect(await store.hashAt(7)).toBeNull();
      await store.acknowledge(4, 1_000);
      expect(await store.trim({ ackedBeforeMs: 2_000, maxBytes: 1_000_000, maxEvents: 1_000, maxRows: 3 })).toBe(4);
      expect(await store.hashAt(3)).toBe(events[2]?.hash);
      expect(await store.hashAt(2)).toBeNull();
      await reopen();
      expect(await store.hashAt(3)).toBe(events[2]?.hash);
    });

    it('refuses an event out of order, and keeps nothing of it', async () => {
      await store.open(epochOne);
      const events = chain(epochOne, undefined, 3);
      expect(await codeOf(store.append({ events: events.slice(1) }))).toBe('other');
      await store.append({ events: events.slice(0, 1) });
      expect(await store.read(...everything)).toEqual(events.slice(0, 1));
    });

    it('trims only what was acknowledged before the given time, in steps', async () => {
      await store.open(epochOne);
      await store.append({ events: chain(epochOne, undefined, 10) });
      await store.acknowledge(8, 500_000);
      const generous = 1_000_000;
      expect(await store.trim({ ackedBeforeMs: 500_000, maxBytes: generous, maxEvents: 1_000, maxRows: 100 })).toBe(1);
      expect(await store.trim({ ackedBeforeMs: 500_001, maxBytes: generous, maxEvents: 1_000, maxRows: 3 })).toBe(4);
      expect(await store.trim({ ackedBeforeMs: 500_001, maxBytes: generous, maxEvents: 1_000, maxRows: 100 })).toBe(9);
      expect(await store.trim({ ackedBeforeMs: 500_001, maxBytes: 0, maxEvents: 1_000, maxRows: 100 })).toBe(9);
      expect(await reopen()).toMatchObject({ oldest: 9, next: 11, acked: 8 });
    });

    it('trims acknowledged events beyond the bound of bytes, oldest first, and can become empty', async () => {
      await store.open(epochOne);
      const events = chain(epochOne, undefined, 9);
      await store.append({ events });
      const size = Buffer.byteLength(events[0]?.json ?? '');
      await store.acknowledge(9, 1_000);
      expect(await store.trim({ ackedBeforeMs: 0, maxBytes: 4 * size, maxEvents: 1_000, maxRows: 100 })).toBe(6);
      expect(await store.trim({ ackedBeforeMs: 0, maxBytes: 0, maxEvents: 1_000, maxRows: 100 })).toBe(10);
      const snapshot = await reopen();
      expect(snapshot).toMatchObject({ oldest: 10, next: 10, bytes: 0, lastHash: events[8]?.hash });
      const more = chain(epochOne, events[8], 1);
      await store.append({ events: more });
      expect(await store.read(...everything)).toEqual(more);
    });

    it('trims acknowledged events beyond the bound of events, and no other', async () => {
      await store.open(epochOne);
      await store.append({ events: chain(epochOne, undefined, 9) });
      await store.acknowledge(6, 1_000);
      const bounds = { ackedBeforeMs: 0, maxBytes: 1_000_000, maxRows: 100 };
      expect(await store.trim({ ...bounds, maxEvents: 9 })).toBe(1);
      expect(await store.trim({ ...bounds, maxEvents: 5 })).toBe(5);
      expect(await store.trim({ ...bounds, maxEvents: 0 })).toBe(7);
    });

    it('remembers the highest acknowledgement over a restart, never goes back by itself, and rewinds when told', async () => {
      await store.open(epochOne);
      await store.append({ events: chain(epochOne, undefined, 5) });
      await store.acknowledge(4, 1_000);
      await store.acknowledge(2, 2_000);
      expect(await reopen()).toMatchObject({ acked: 4, ackedAtMs: 1_000 });
      await store.rewind(1);
      expect(await store.trim({ ackedBeforeMs: 1_000_000, maxBytes: 0, maxEvents: 1_000, maxRows: 100 })).toBe(2);
      expect(await reopen()).toMatchObject({ acked: 1, ackedAtMs: 0 });
    });

    it('begins a new epoch with its first events in one step', async () => {
      await store.open(epochOne);
      await store.append({ events: chain(epochOne, undefined, 5), notes: new Map([['mode', 'locked']]) });
      await store.acknowledge(5, 1_000);
      const events = chain(epochTwo, undefined, 2);
      await store.beginEpoch(
        epochTwo,
        beginning([events.slice(0, 1), events.slice(1)], new Map([['allowance', null]])),
      );
      const snapshot = await reopen();
      expect(snapshot).toMatchObject({ epoch: epochTwo, oldest: 1, next: 3, acked: 0, lastHash: events[1]?.hash });
      expect(snapshot.notes).toEqual(new Map([['mode', 'locked']]));
      expect(await store.read(...everything)).toEqual(events);
      expect(await store.hashAt(0)).toBe(genesisHash(sha256, epochTwo));
      expect(await store.trim({ ackedBeforeMs: 1_000_000, maxBytes: 0, maxEvents: 1_000, maxRows: 100 })).toBe(1);
    });

    it('begins a new epoch wholly or not at all, and reads the old one meanwhile', async () => {
      await store.open(epochOne);
      const old = chain(epochOne, undefined, 5);
      await store.append({ events: old, notes: new Map([['mode', 'locked']]) });
      const events = chain(epochTwo, undefined, 3);
      const read: OutboxEvent[][] = [];
      let steps = 0;
      const failing: EpochBeginning = {
        next: async () => {
          read.push(await store.read(...everything));
          steps += 1;
          if (steps === 3) throw new OutboxError('io', 'the old events cannot be read');
          return events.slice(steps - 1, steps);
        },
        notes: () => new Map([['mode', null]]),
      };
      expect(await codeOf(store.beginEpoch(epochTwo, failing))).toBe('io');
      expect(read).toEqual([old, old, old]);
      expect(await store.read(...everything)).toEqual(old);
      const outOfOrder = beginning([events.slice(0, 1), events.slice(2)]);
      expect(await codeOf(store.beginEpoch(epochTwo, outOfOrder))).toBe('other');
      await store.append({ events: chain(epochOne, old[4], 1) });
      const after = await bench.storeAfterPowerCut();
      const snapshot = await after.open(epochTwo);
      expect(snapshot).toMatchObject({ epoch: epochOne, oldest: 1, next: 7, damaged: null });
      expect(snapshot.notes.get('mode')).toBe('locked');
      await after.close();
    });

    it('refuses a new epoch that has no room, and keeps the old one', async () => {
      await store.open(epochOne);
      const old = chain(epochOne, undefined, 3);
      await reopen({ maxEvents: 3 });
      await store.append({ events: old });
      const events = chain(epochTwo, undefined, 4);
      const tooMany = beginning([events.slice(0, 2), events.slice(2)]);
      expect(await codeOf(store.beginEpoch(epochTwo, tooMany))).toBe('full');
      expect(await store.read(...everything)).toEqual(old);
      await store.beginEpoch(epochTwo, beginning([events.slice(0, 2), events.slice(2, 3)]));
      expect(await store.read(...everything)).toEqual(events.slice(0, 3));
    });

    it('counts losses over restarts and takes off what events account for', async () => {
      await store.open(epochOne);
      await store.countLoss(loss(3, 1, 2));
      await store.countLoss(loss(1, 0, 1));
      expect((await reopen()).lost).toEqual(loss(4, 1, 3));
      await store.append({ events: chain(epochOne, undefined, 1), accountedLoss: loss(3, 1, 2) });
      const after = await bench.storeAfterPowerCut();
      expect((await after.open(epochTwo)).lost).toEqual(loss(1, 0, 1));
      await after.close();
    });

    it('is full at its bound of unacknowledged events, and takes more once they are acknowledged', async () => {
      await store.open(epochOne);
      const events = chain(epochOne, undefined, 5);
      await reopen({ maxEvents: 4 });
      await store.beginEpoch(epochOne, beginning([events.slice(0, 3)]));
      expect(await codeOf(store.append({ events: events.slice(3, 5) }))).toBe('full');
      await store.append({ events: events.slice(3, 4) });
      expect(await codeOf(store.append({ events: events.slice(4) }))).toBe('full');
      await store.append({ events: [], notes: new Map([['still', 'writable']]) });
      await store.acknowledge(1, 1_000);
      await store.append({ events: events.slice(4) });
      expect(await store.read(...everything)).toEqual(events);
    });

    it('is full at its bound of bytes, and takes more once acknowledged events are trimmed', async () => {
      const events = chain(epochOne, undefined, 4);
      const size = Buffer.byteLength(events[0]?.json ?? '');
      await store.open(epochOne);
      await reopen({ maxBytes: 3 * size });
      await store.append({ events: events.slice(0, 3) });
      expect(await codeOf(store.append({ events: events.slice(3) }))).toBe('full');
      await store.acknowledge(1, 1_000);
      await store.trim({ ackedBeforeMs: 0, maxBytes: 2 * size, maxEvents: 1_000, maxRows: 10 });
      await store.append({ events: events.slice(3) });
      expect((await store.read(...everything)).map((event) => event.seq)).toEqual([2, 3, 4]);
    });

    it('bounds its notes in number and in bytes', async () => {
      await store.open(epochOne);
      const notes = (count: number, chars: number) =>
        new Map(Array.from({ length: count }, (_, index) => [`n${String(index)}`, 'v'.repeat(chars)]));
      expect(await codeOf(store.append({ events: [], notes: notes(257, 1) }))).toBe('full');
      expect(await codeOf(store.append({ events: [], notes: notes(1, 512 * 1024) }))).toBe('full');
      await store.append({ events: [], notes: notes(256, 1) });
      expect(await codeOf(store.append({ events: [], notes: new Map([['another', '1']]) }))).toBe('full');
    });

    it('lets only one have it open', async () => {
      await store.open(epochOne);
      const second = bench.store();
      expect(await codeOf(second.open(epochTwo))).toBe('in-use');
      await store.close();
      expect(await codeOf(second.open(epochTwo))).toBe('resolved');
      await second.close();
    });

    it('refuses everything before it is opened and after it is closed', async () => {
      expect(await codeOf(store.append({ events: [] }))).toBe('closed');
      await store.open(epochOne);
      await store.close();
      await store.close();
      expect(await codeOf(store.read(...everything))).toBe('closed');
      expect(await codeOf(store.countLoss(loss(1, 0, 0)))).toBe('closed');
    });

    it('begins a new epoch when what is there is damaged, and says so once', async () => {
      await store.open(epochOne);
      await store.append({ events: chain(epochOne, undefined, 200, 'y'.repeat(200)) });
      await store.close();
      await bench.damage();
      store = bench.store();
      const snapshot = await store.open(epochTwo);
      expect(snapshot).toMatchObject({ epoch: epochTwo, oldest: 1, next: 1, acked: 0 });
      expect(snapshot.damaged).toEqual(expect.any(String));
      await store.append({ events: chain(epochTwo, undefined, 1) });
      expect(await reopen()).toMatchObject({ epoch: epochTwo, next: 2, damaged: null });
    });
  });
}
