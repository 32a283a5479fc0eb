import { Writable } from 'node:stream';
import type { ServerResponse } from 'node:http';
import { createVirtualClock, silentLogger } from '@gatehouse/shared';
import { describe, expect, it } from '@jest/globals';
import type { Aggregator } from '../../src/app/aggregator.js';
import type { NoticeRow } from '../../src/app/ports.js';
import { createEventStreams } from '../../src/http/event-stream.js';
import { createMetrics } from '../../src/http/metrics.js';
import { createNoticeFeed } from '../../src/http/notice-feed.js';
import type { HttpServices } from '../../src/http/services.js';
import { httpSettingsSchema } from '../../src/http/settings.js';
import { renderedText } from './rendered-text.js';

const actor = { keyId: 'k', label: 'k', role: 'viewer', siteId: null } as const;
const clock = createVirtualClock({ wallMs: 0 });

/** A response whose reader takes nothing until it is told to. */
class StalledResponse extends Writable {
  text = '';
  takes: boolean;
  private waiting: (() => void) | null = null;

  constructor(takes: boolean) {
    super({ highWaterMark: 1, decodeStrings: false });
    this.takes = takes;
  }
  writeHead(): this {
    return this;
  }
  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.text += String(chunk);
    if (this.takes) done();
    else this.waiting = done;
  }
  takeAll(): void {
    this.takes = true;
    this.waiting?.();
  }
}

const row = (noticeId: number): NoticeRow => ({
  noticeId,
  kind: 'slot-changed',
  siteId: 'harbour',
  atMs: 0,
  gateId: null,
  sessionId: null,
  slotId: 'a-1',
  reviewId: null,
  detail: null,
});

function world(stored: readonly NoticeRow[]) {
  const key: { revokedAtMs: number | null } = { revokedAtMs: null };
  let tell: (rows: readonly NoticeRow[]) => void = () => undefined;
  const aggregator = {
    onNotices(listener: typeof tell) {
      tell = listener;
      return () => undefined;
    },
    store: {
      listNotices: async (afterId: number, limit: number) =>
        Promise.resolve(stored.filter((notice) => notice.noticeId > afterId).slice(0, limit)),
    },
    site: () => undefined,
    directory: { key: () => key },
  } as unknown as Aggregator;
  const settings = httpSettingsSchema.parse({ stream: { maxBufferedBytes: 500, maxStallMs: 1_000, batchNotices: 10 } });
  const metrics = createMetrics({ version: 'test', processMetrics: false });
  const feed = createNoticeFeed(aggregator, { maxRememberedNotices: 10 });
  const services = { aggregator, settings, metrics, feed, clock, systemClock: clock, logger: silentLogger };
  const streams = createEventStreams(services as unknown as HttpServices);
  const open = (response: StalledResponse, afterId: number | null) =>
    streams.open(response as unknown as ServerResponse, {}, { actor, siteId: null, afterId });
  return {
    streams,
    metrics,
    open,
    feed,
    key,
    tell: (rows: readonly NoticeRow[]) => {
      tell(rows);
    },
  };
}

const settle = async (): Promise<void> => {
  for (let round = 0; round < 10; round += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('a stream', () => {
  it('whose reader takes nothing is cut off after the bound, having buffered no more than its bound and one batch', async () => {
    const { open, streams, metrics } = world(Array.from({ length: 1_000 }, (_, index) => row(index + 1)));
    const response = new StalledResponse(false);
    const ended = open(response, 0);
    await settle();
    expect(response.writableLength).toBeLessThan(500 + 10 * 300);
    expect(streams.count).toBe(1);
    clock.advance(999);
    await settle();
    expect(response.destroyed).toBe(false);
    clock.advance(1);
    await ended;
    expect(response.destroyed).toBe(true);
    expect(streams.count).toBe(0);
    expect(await renderedText(metrics)).toContain('gatehouse_streams_cut_total 1');
  });

  it('whose reader was slow and goes on in time loses nothing', async () => {
    const { open, streams } = world(Array.from({ length: 100 }, (_, index) => row(index + 1)));
    const response = new StalledResponse(false);
    const ended = open(response, 0);
    await settle();
    clock.advance(500);
    response.takeAll();
    for (let round = 0; round < 20; round += 1) await settle();
    const ids = [...response.text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ids).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    streams.stop();
    await ended;
  });

  it('says which numbers are gone', async () => {
    const { open, streams } = world([row(8), row(9)]);
    const response = new StalledResponse(true);
    const ended = open(response, 3);
    await settle();
    expect(response.text).toContain('event: notices-gone\ndata: {"from":4,"to":7}\n\n');
    streams.stop();
    await ended;
  });

  it('goes on from the newest notice when its reader knows more than a store that was restored', async () => {
    const { open, streams, tell } = world([row(8), row(9)]);
    const response = new StalledResponse(true);
    const ended = open(response, 500);
    for (let round = 0; round < 10; round += 1) await settle();
    expect(response.text).toContain('id: 9\nevent: stream-opened');
    tell([row(10)]);
    await settle();
    expect(response.text).toContain('id: 10\nevent: slot-changed');
    streams.stop();
    await ended;
  });

  it('tells every notice of a commit that was stored and yet failed', async () => {
    const stored = Array.from({ length: 3 }, (_, index) => row(index + 1));
    const { open, streams, tell } = world(stored);
    const response = new StalledResponse(true);
    const ended = open(response, 0);
    tell(stored.slice(0, 3));
    await settle();
    // 4 and 5 are stored, and nobody was told of them.
    stored.push(row(4), row(5), row(6), row(7), row(8));
    tell([row(6), row(7)]);
    tell([row(8)]);
    for (let round = 0; round < 10; round += 1) await settle();
    const ids = [...response.text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ids).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(response.text).not.toContain('notices-gone');
    streams.stop();
    await ended;
  });

  it('ends when its key is revoked, before it tells anything more', async () => {
    const { open, streams, tell, key } = world([row(1)]);
    const response = new StalledResponse(true);
    const ended = open(response, null);
    for (let round = 0; round < 10; round += 1) await settle();
    key.revokedAtMs = 1;
    tell([row(2)]);
    await ended;
    expect(response.text).not.toContain('id: 2');
    expect(streams.count).toBe(0);
  });

  it('without a place to go on from begins after the newest notice there is', async () => {
    for (const last of [0, 1, 1_023, 1_024, 1_025, 5_000]) {
      const { open, streams, feed } = world(Array.from({ length: last }, (_, index) => row(index + 1)));
      expect(await feed.lastId()).toBe(last);
      const response = new StalledResponse(true);
      const ended = open(response, null);
      for (let round = 0; round < 10; round += 1) await settle();
      expect(response.text).toContain(`"afterId":${String(last)}`);
      streams.stop();
      await ended;
    }
  });
});
