import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { genesisHash, nextHash } from '@gatehouse/shared';
import type { Ack, EdgeEvent } from '@gatehouse/shared';
import { judgeAck } from '../../../src/domain/outbox/acknowledgement.js';
import { chainEvent, cutBatch, endAfter, utf8Bytes } from '../../../src/domain/outbox/chain.js';
import type { ChainEnd, OutboxEvent } from '../../../src/domain/outbox/chain.js';
import { arrivalsSpokenOf, beginCarryOver, carryOver, seqAfter } from '../../../src/domain/outbox/new-epoch.js';
import {
  acknowledged,
  batchSent,
  canSend,
  newWindow,
  resendDelayMs,
  startAgain,
} from '../../../src/domain/outbox/window.js';

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const oldEpoch = '1'.repeat(32);
const newEpoch = '2'.repeat(32);
const at = { atMs: 0, monoMs: 0, bootId: '0'.repeat(32), gateId: 'gate-1' };
const arrived: EdgeEvent = {
  kind: 'vehicle-arrived',
  ...at,
  direction: 'entry',
  credential: null,
  vehicleClass: null,
  supersedes: null,
};

function chain(events: readonly EdgeEvent[]): OutboxEvent[] {
  let end: ChainEnd = { next: 1, lastHash: genesisHash(sha256, oldEpoch) };
  return events.map((event) => {
    const chained = chainEvent(sha256, end, event);
    end = endAfter(chained);
    return chained;
  });
}

describe('the chain', () => {
  it('is the one that the other end computes', () => {
    const [first, second] = chain([arrived, arrived]);
    const expected = nextHash(sha256, genesisHash(sha256, oldEpoch), arrived);
    expect(first).toMatchObject({ seq: 1, hash: expected });
    expect(second).toMatchObject({ seq: 2, hash: nextHash(sha256, expected, arrived) });
  });

  it('weighs texts in UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(utf8Bytes(text)).toBe(Buffer.byteLength(text));
      }),
    );
  });
});

describe('a batch', () => {
  const events = [10, 20, 30].map((bytes, index) => ({ seq: index + 1, hash: '', json: 'x'.repeat(bytes) }));

  it.each([
    [256, 60, 3],
    [256, 59, 2],
    [2, 60, 2],
    [256, 1, 1],
  ])('of at most %i events and %i bytes takes %i', (maxEvents, maxBytes, taken) => {
    expect(cutBatch(events, { maxEvents, maxBytes })).toHaveLength(taken);
  });
});

describe('the window', () => {
  it('lets no more batches go than it is wide', () => {
    const full = batchSent(batchSent(newWindow(0, 2), 5), 9);
    expect(canSend(newWindow(0, 2), 10)).toBe(true);
    expect(canSend(full, 20)).toBe(false);
    expect(canSend(acknowledged(full, 5, 2), 20)).toBe(true);
    expect(canSend(acknowledged(full, 9, 2), 10)).toBe(false);
  });

  it('begins again with one batch and doubles up to its bound', () => {
    let window = startAgain(batchSent(newWindow(0, 4), 5), 0);
    const sizes = [window.size];
    for (let upTo = 1; upTo <= 4; upTo += 1) {
      window = acknowledged(window, upTo, 4);
      sizes.push(window.size);
    }
    expect(sizes).toEqual([1, 2, 4, 4, 4]);
  });

  it('waits between its bounds, longer after each attempt, spread by chance', () => {
    const bounds = { resendMinMs: 1_000, resendMaxMs: 60_000 };
    expect(resendDelayMs(0, bounds, 0)).toBe(1_000);
    expect(resendDelayMs(0, bounds, 1)).toBe(2_000);
    expect(resendDelayMs(3, bounds, 1)).toBe(16_000);
    expect(resendDelayMs(5, bounds, 1)).toBe(60_000);
    expect(resendDelayMs(1_000, bounds, 1)).toBe(60_000);
  });
});

describe('an acknowledgement', () => {
  const own = { instance: 'i', epoch: oldEpoch, oldest: 1, next: 11, acked: 5 };
  const ack: Ack = { instance: 'i', epoch: oldEpoch, upTo: 7, hash: 'h', conflict: null };

  it.each([
    ['of another instance', { instance: 'j' }, 'h', 'ignore'],
    ['of another epoch', { epoch: newEpoch }, 'h', 'ignore'],
    ['further on', {}, 'h', 'progress'],
    ['of the last event', { upTo: 10 }, 'h', 'progress'],
    ['where it stood', { upTo: 5 }, 'h', 'stands'],
    ['further back', { upTo: 4 }, 'h', 'rewind'],
    ['further back than anything kept', { upTo: 4 }, null, 'rewind'],
    ['of nothing, whatever its hash', { upTo: 0 }, 'g', 'rewind'],
    ['with another hash', {}, 'g', 'fork'],
    ['further back with another hash', { upTo: 4 }, 'g', 'fork'],
    ['ahead', { upTo: 11 }, null, 'fork'],
    ['with a conflict', { conflict: 'epoch-retired' as const }, 'h', 'fork'],
  ])('%s', (_name, change, ownHash, verdict) => {
    expect(judgeAck({ ...ack, ...change }, own, ownHash).type).toBe(verdict);
  });
});

describe('a new epoch', () => {
  const passed: EdgeEvent = {
    kind: 'vehicle-passed',
    ...at,
    direction: 'entry',
    arrival: 1,
    slotId: null,
    basis: 'decision',
    flags: [],
  };
  const denied: EdgeEvent = { kind: 'vehicle-denied', ...at, arrival: 1, reason: 'full' };

  const begun = beginCarryOver(sha256, newEpoch);
  const parsed = (events: readonly OutboxEvent[]) => events.map(({ json }) => JSON.parse(json) as EdgeEvent);

  it('names where each event stood, and lets references follow', () => {
    const old = chain([arrived, passed, { ...arrived, supersedes: 1 }]);
    const { after, events } = carryOver(sha256, oldEpoch, begun, old);
    expect(parsed(events).map(({ origin }) => origin)).toEqual(
      old.map(({ seq, hash }) => ({ epoch: oldEpoch, seq, hash })),
    );
    expect(parsed(events)[1]).toMatchObject({ arrival: 1 });
    expect(parsed(events)[2]).toMatchObject({ supersedes: 1 });
    expect(after.end.next).toBe(4);
  });

  it('comes to the same in one step and in many', () => {
    const old = chain([arrived, arrived, denied, passed, { ...passed, arrival: 2 }, arrived]).slice(1);
    const atOnce = carryOver(sha256, oldEpoch, begun, old);
    let inSteps = begun;
    const events: OutboxEvent[] = [];
    for (const event of old) {
      const step = carryOver(sha256, oldEpoch, inSteps, [event]);
      inSteps = step.after;
      events.push(...step.events);
    }
    expect(events).toEqual(atOnce.events);
    expect(inSteps).toEqual(atOnce.after);
    expect([1, 2, 6, 7].map((seq) => seqAfter(inSteps.moved, seq))).toEqual([undefined, 1, 5, undefined]);
  });

  it('tells of the loss of what names an arrival that is gone; a passage stays a passage', () => {
    const old = chain([arrived, denied, passed]).slice(1);
    expect(arrivalsSpokenOf(old, 1)).toEqual([1, 1]);
    const { events } = carryOver(sha256, oldEpoch, begun, old);
    const origin = (index: number) => ({ epoch: oldEpoch, seq: old[index]?.seq, hash: old[index]?.hash });
    expect(parsed(events)).toMatchObject([
      { kind: 'events-lost', reason: 'arrival-not-kept', lost: 1, entries: 0, exits: 0, origin: origin(0) },
      { kind: 'vehicle-passed', arrival: null, origin: origin(1) },
    ]);
  });
});
