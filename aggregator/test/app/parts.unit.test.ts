import { describe, expect, it } from '@jest/globals';
import { createVirtualClock, silentLogger } from '@gatehouse/shared';
import fc from 'fast-check';
import { createClockEstimate } from '../../src/app/ingest/clock-estimate.js';
import { createIdentityWatch } from '../../src/app/ingest/identity-watch.js';
import { placeBatch } from '../../src/app/ingest/history.js';
import { createPublisher } from '../../src/app/publisher.js';
import type { CentreLink } from '../../src/app/ports.js';
import { createMemoryDirectory } from '../../src/app/turn/memory-directory.js';
import { settle } from './support.js';

const bootId = '0'.repeat(32);

describe('the estimate of an edge clock', () => {
  it('takes the best of the recent samples, so that latency does not look like a slow clock', () => {
    const estimate = createClockEstimate(30_000, null);
    for (const [index, latencyMs] of [900, 20, 1_500, 400].entries()) {
      const atMs = 1_000_000 + index * 10_000;
      estimate.onState({ atMs: atMs + 7_000, monoMs: index * 10_000, bootId }, atMs + latencyMs);
    }
    expect(estimate.offsetMs).toBe(7_000 - 20);
    expect(estimate.isOff).toBe(false);
  });

  it('is not moved by one sample that is far off, and follows two that agree', () => {
    const estimate = createClockEstimate(30_000, 0);
    estimate.onState({ atMs: 0, monoMs: 0, bootId }, 3_600_000);
    expect(estimate.offsetMs).toBe(0);
    estimate.onState({ atMs: 10_000, monoMs: 10_000, bootId }, 3_610_000);
    expect(estimate.offsetMs).toBe(-3_600_000);
    expect(estimate.isOff).toBe(true);
  });

  it('leaves the times of a backlog alone while the clock is right', () => {
    const estimate = createClockEstimate(30_000, null);
    estimate.onState({ atMs: 900_000_000, monoMs: 500, bootId }, 900_000_000);
    estimate.onEvent(1_000_000, 900_000_000);
    const event = { atMs: 1_000_000, monoMs: 7, bootId: '1'.repeat(32) };
    expect(estimate.correct(event, 900_000_000)).toEqual({ atMs: 1_000_000, clockOff: false });
  });

  it('finds the time of an event that was written before the clock was set, by the monotonic clock of the same boot', () => {
    const estimate = createClockEstimate(30_000, null);
    const nowMs = 1_700_000_000_000;
    estimate.onState({ atMs: nowMs, monoMs: 3_600_000, bootId }, nowMs);
    estimate.onState({ atMs: nowMs + 10_000, monoMs: 3_610_000, bootId }, nowMs + 10_000);
    const event = { atMs: 1_000, monoMs: 600_000, bootId };
    expect(estimate.correct(event, nowMs + 10_000)).toEqual({ atMs: nowMs - 3_000_000, clockOff: true });
  });

  it('needs one state only to find the time of what was written before the clock was set', () => {
    const estimate = createClockEstimate(30_000, null);
    const nowMs = 1_700_000_000_000;
    estimate.onState({ atMs: nowMs, monoMs: 3_600_000, bootId }, nowMs);
    const event = { atMs: 1_000, monoMs: 600_000, bootId };
    expect(estimate.correct(event, nowMs)).toEqual({ atMs: nowMs - 3_000_000, clockOff: true });
  });

  it.each([
    ['from long ago', -1_500_000_000_000],
    ['from years ahead', 63_072_000_000],
  ])('gives no event a wrong time while the clock is set right %s, whatever comes first', (_from, wrongMs) => {
    const nowMs = 1_700_000_000_000;
    const reading = (monoMs: number, offMs: number) => ({ atMs: nowMs + monoMs + offMs, monoMs, bootId });
    const message = fc.record({ kind: fc.constantFrom('state', 'event'), latencyMs: fc.nat(2_000) });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 12 }), fc.nat(12), (messages, movedAfter) => {
        const estimate = createClockEstimate(30_000, null);
        estimate.onState(reading(0, wrongMs), nowMs);
        messages.forEach(({ kind, latencyMs }, index) => {
          const monoMs = (index + 1) * 1_000;
          const told = reading(monoMs, index < movedAfter ? wrongMs : 0);
          const receivedAtMs = nowMs + monoMs + latencyMs;
          if (kind === 'state') {
            estimate.onState(told, receivedAtMs);
            return;
          }
          estimate.onEvent(told.atMs, receivedAtMs);
          const { atMs } = estimate.correct(told, receivedAtMs);
          expect(Math.abs(atMs - nowMs - monoMs)).toBeLessThanOrEqual(2_000);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('never answers a time after the receipt or before the epoch', () => {
    const times = fc.integer({ min: 0, max: 4_000_000_000_000 });
    fc.assert(
      fc.property(times, times, times, (stateMs, eventMs, receivedMs) => {
        const estimate = createClockEstimate(30_000, null);
        estimate.onState({ atMs: stateMs, monoMs: 0, bootId }, receivedMs);
        const { atMs } = estimate.correct({ atMs: eventMs, monoMs: 0, bootId }, receivedMs);
        expect(atMs).toBeGreaterThanOrEqual(0);
        expect(atMs).toBeLessThanOrEqual(receivedMs);
      }),
    );
  });
});

describe('the watch over identities', () => {
  it('forgives one return and restarts without end, and reports two returns in a period', () => {
    const watch = createIdentityWatch(1_000);
    for (let start = 0; start < 100; start += 1)
      expect(watch.onInstance(`restart ${String(start)}`, start)).toBe(false);
    expect(watch.onInstance('restart 98', 200)).toBe(false);
    expect(watch.onInstance('restart 99', 210)).toBe(false);
    expect(watch.onInstance('restart 98', 220)).toBe(true);
    watch.onInstance('restart 99', 5_000);
    expect(watch.onInstance('restart 98', 5_010)).toBe(false);
  });
});

describe('placing a batch', () => {
  const hashes = ['h1', 'h2', 'h3', 'h4'];
  const batch = (first: number, last: number) => ({
    first,
    last,
    prevHash: first === 1 ? 'h0' : (hashes[first - 2] ?? ''),
    hashes: hashes.slice(first - 1, last),
  });
  const at = (upTo: number, hash = upTo === 0 ? 'h0' : (hashes[upTo - 1] ?? '')) => ({ epoch: 'e', upTo, hash });

  it.each([
    [at(0), batch(1, 2), { type: 'next', skip: 0 }],
    [at(2), batch(1, 4), { type: 'next', skip: 2 }],
    [at(2), batch(3, 3), { type: 'next', skip: 0 }],
    [at(2), batch(1, 2), { type: 'duplicate' }],
    [at(3), batch(1, 2), { type: 'duplicate' }],
    [at(1), batch(3, 4), { type: 'beyond' }],
    [at(2, 'other'), batch(3, 4), { type: 'conflict', conflict: 'hash-mismatch' }],
    [at(2, 'other'), batch(1, 4), { type: 'conflict', conflict: 'hash-mismatch' }],
    [at(2, 'other'), batch(1, 2), { type: 'conflict', conflict: 'hash-mismatch' }],
    [at(2, ''), batch(3, 4), { type: 'next', skip: 0 }],
  ])('at %j, %j', (position, sent, placement) => {
    expect(placeBatch(position, sent)).toEqual(placement);
  });
});

describe('the publisher', () => {
  const linkThat = (publish: CentreLink['publish'], connected = true): CentreLink => ({
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    status: () => ({ connected, clients: null }),
    publish,
  });
  const settings = { maxQueuedPublishesPerEdge: 3, publishTimeoutMs: 1_000 };
  const setUp = (link: CentreLink) => {
    const clock = createVirtualClock({ wallMs: 0 });
    const dropped: string[] = [];
    const observer = { onDropped: (reason: string) => void dropped.push(reason) };
    return { clock, dropped, publisher: createPublisher(settings, { link, clock, logger: silentLogger, observer }) };
  };
  const message = (payload: string, owner = 'edge-1') => ({ topic: owner, payload, retain: false, owner });

  it('sends one message after the other, in order', async () => {
    const sent: string[] = [];
    let open = 0;
    const { publisher } = setUp(
      linkThat(async (_topic, payload) => {
        open += 1;
        expect(open).toBe(1);
        await Promise.resolve();
        sent.push(payload);
        open -= 1;
      }),
    );
    for (const payload of ['1', '2', '3']) publisher.publish(message(payload));
    await settle();
    expect(sent).toEqual(['1', '2', '3']);
  });

  it('waits for nothing where the link can write a message out by itself, unless one of the same owner waits', async () => {
    const sent: string[] = [];
    const publish = async (_topic: string, payload: string): Promise<void> => {
      await Promise.resolve();
      sent.push(`published ${payload}`);
    };
    const deliver = (topic: string, payload: string): boolean => {
      if (topic !== 'edge-1') return false;
      sent.push(`delivered ${payload}`);
      return true;
    };
    const { publisher } = setUp({ ...linkThat(publish), deliver });
    publisher.publish({ ...message('1'), onPublished: () => sent.push('told') });
    expect(sent.splice(0)).toEqual(['delivered 1', 'told']);
    publisher.publish(message('2', 'edge-2'));
    publisher.publish({ ...message('3'), topic: 'elsewhere' });
    publisher.publish({ ...message('retained', 'edge-3'), retain: true });
    publisher.publish({ ...message('4'), topic: 'edge-1' });
    await settle();
    expect(sent).toEqual(['published 2', 'published 3', 'published retained', 'published 4']);
    publisher.publish(message('5'));
    expect(sent.at(-1)).toBe('delivered 5');
  });

  it('lets nothing overtake a message of the same owner that is being sent', async () => {
    const sent: string[] = [];
    let canDeliver = false;
    const publish = async (_topic: string, payload: string): Promise<void> => {
      canDeliver = true;
      await settle();
      sent.push(`published ${payload}`);
    };
    const deliver = (_topic: string, payload: string): boolean => {
      if (canDeliver) sent.push(`delivered ${payload}`);
      return canDeliver;
    };
    const { publisher } = setUp({ ...linkThat(publish), deliver });
    publisher.publish(message('1'));
    publisher.publish(message('2'));
    publisher.publish(message('3', 'edge-2'));
    await settle();
    await settle();
    expect(sent).toEqual(['delivered 3', 'published 1', 'published 2']);
  });

  it('replaces a waiting message where a newer one says it all', async () => {
    const sent: string[] = [];
    const { publisher } = setUp(linkThat((_topic, payload) => Promise.resolve(void sent.push(payload))));
    for (const payload of ['1', '2', '3']) publisher.publish({ ...message(payload), replaces: 'acks' });
    publisher.publish(message('other'));
    await settle();
    expect(sent).toEqual(['1', '3', 'other']);
  });

  it('drops what is beyond the share of one edge, and leaves the others theirs', async () => {
    const { publisher, dropped, clock } = setUp(linkThat(() => new Promise(() => undefined)));
    for (let count = 0; count < 6; count += 1) publisher.publish(message(String(count)));
    publisher.publish(message('theirs', 'edge-2'));
    expect(dropped).toEqual(['publish-queue-full', 'publish-queue-full']);
    expect(publisher.pending).toBe(4);
    const stopped = publisher.stop(10);
    clock.advance(10);
    await stopped;
  });

  it('goes on after a message that the broker does not take in time', async () => {
    const sent: string[] = [];
    const { publisher, dropped, clock } = setUp(
      linkThat((_topic, payload) => {
        sent.push(payload);
        return payload === '1' ? new Promise(() => undefined) : Promise.resolve();
      }),
    );
    publisher.publish(message('1'));
    publisher.publish(message('2'));
    await settle();
    expect(sent).toEqual(['1']);
    clock.advance(1_000);
    await settle();
    expect(sent).toEqual(['1', '2']);
    expect(dropped).toEqual(['publish-failed']);
  });

  it('keeps nothing for a broker that is not there', async () => {
    const { publisher, dropped } = setUp(linkThat(() => Promise.reject(new Error('no')), false));
    publisher.publish(message('1'));
    await settle();
    expect(dropped).toEqual(['publish-failed']);
    expect(publisher.pending).toBe(0);
  });
});

describe('the directory', () => {
  it('forgets the oldest of the credentials that nobody refers to', () => {
    const directory = createMemoryDirectory({ maxRetiredEpochs: 2, maxCommands: 2 });
    for (const id of ['a', 'b', 'c', 'd']) directory.remember({ credentialId: id, kind: 'plate', value: id });
    directory.forgetIdleCredentials(1, (id) => id === 'a');
    expect(['a', 'b', 'c', 'd'].map((id) => directory.credential(id) !== undefined)).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(directory.credentialByText({ kind: 'plate', value: 'b' })).toBeUndefined();
  });

  it('keeps a bounded number of retired epochs, the newest', () => {
    const directory = createMemoryDirectory({ maxRetiredEpochs: 2, maxCommands: 2 });
    for (const epoch of ['1', '2', '3']) {
      directory.follow('retiredEpochs', { edgeId: 'edge', epoch, upTo: 0, hash: '', retiredAtMs: Number(epoch) });
    }
    expect(['1', '2', '3'].map((epoch) => directory.retiredEpoch('edge', epoch)?.epoch)).toEqual([undefined, '2', '3']);
  });
});
