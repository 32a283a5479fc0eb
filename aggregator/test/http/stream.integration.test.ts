import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { expectProblem, openApi, otherSiteId, siteId, until } from './support.js';
import type { Api, ApiOptions } from './support.js';
import { renderedText } from './rendered-text.js';

interface Message {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** A reader of the stream, as a browser is one. */
class Reader {
  readonly messages: Message[] = [];
  comments = 0;
  status = 0;
  ended = false;
  private readonly abort = new AbortController();

  async open(url: string, key: string, lastEventId?: string): Promise<this> {
    const headers = {
      authorization: `Bearer ${key}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    };
    const response = await fetch(url, { headers, signal: this.abort.signal });
    this.status = response.status;
    void this.read(response).catch(() => {
      this.ended = true;
    });
    return this;
  }

  close(): void {
    this.abort.abort();
  }

  kinds(): string[] {
    return this.messages.map((message) => message.event);
  }

  private async read(response: Response): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(piece, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) this.take(block);
    }
    this.ended = true;
  }

  private take(block: string): void {
    const lines = block.split('\n');
    const field = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const event = field('event');
    if (lines.some((line) => line.startsWith(':'))) this.comments += 1;
    if (event === undefined) return;
    this.messages.push({ id: field('id'), event, data: JSON.parse(field('data') ?? '{}') as Message['data'] });
  }
}

describe('the stream', () => {
  let api: Api;
  let url: string;
  const readers: Reader[] = [];

  async function start(options: ApiOptions = {}): Promise<void> {
    api = await openApi(options);
    await api.http.app.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${String((api.http.app.server.address() as AddressInfo).port)}/api/v1/stream`;
  }
  const follow = async (key: string, lastEventId?: string, query = ''): Promise<Reader> => {
    const reader = await new Reader().open(`${url}${query}`, key, lastEventId);
    readers.push(reader);
    if (reader.status === 200) await until(() => reader.messages.length > 0);
    return reader;
  };
  const assign = (site = siteId, body: object = {}) =>
    api.call('POST', `/api/v1/sites/${site}/assignments`, { body: { reason: 'test', ...body } });

  beforeEach(() => start());
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.close();
    await api.stop();
  });

  it('begins with an event at once, and then tells what happens', async () => {
    const reader = await follow(api.keys.viewer);
    expect(reader.kinds()).toEqual(['stream-opened']);
    await assign();
    await until(() => reader.messages.length > 1);
    expect(reader.messages[1]?.data).toMatchObject({ siteId, noticeId: Number(reader.messages[1]?.id) });
  });

  it('answers who asks for the head alone, and opens nothing', async () => {
    const { status, headers } = await fetch(url, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${api.keys.viewer}` },
      signal: AbortSignal.timeout(10_000),
    });
    expect({ status, type: headers.get('content-type') }).toEqual({
      status: 200,
      type: 'text/event-stream; charset=utf-8',
    });
    expect(await renderedText(api.metrics)).toContain('gatehouse_streams_open 0');
  });

  it('goes on after the last event that was seen, without a gap and without a repetition', async () => {
    const whole = await follow(api.keys.viewer);
    await assign();
    await until(() => whole.messages.length > 1);
    const seen = whole.messages[1]?.id ?? '';
    await assign();
    await api.call('POST', `/api/v1/sites/${siteId}/occupancy/corrections`, { body: { count: 3, reason: 'x' } });
    await until(() => whole.kinds().includes('count-corrected'));
    const resumed = await follow(api.keys.viewer, seen);
    const rest = whole.messages.slice(2).map((message) => message.id);
    await until(() => resumed.messages.length > rest.length);
    expect(resumed.messages.slice(1).map((message) => message.id)).toEqual(rest);
  });

  it('goes on from the store for a reader that is further behind than memory', async () => {
    await api.stop();
    await start({ http: { stream: { maxRememberedNotices: 1, batchNotices: 1 } } });
    for (let act = 0; act < 4; act += 1) {
      await api.call('POST', `/api/v1/sites/${siteId}/occupancy/corrections`, {
        body: { count: act + 1, reason: 'x' },
      });
    }
    const reader = await follow(api.keys.viewer, '0');
    await until(() => reader.kinds().filter((kind) => kind === 'count-corrected').length === 4);
    const ids = reader.messages.slice(1).map((message) => Number(message.id));
    expect(ids).toEqual(ids.map((_id, index) => index + 1));
  });

  it('tells of one site when asked, or when the key is for one', async () => {
    const asked = await follow(api.keys.viewer, undefined, `?siteId=${otherSiteId}`);
    const confined = await follow(await api.newKey('viewer', otherSiteId));
    await assign(siteId);
    await assign(otherSiteId);
    for (const reader of [asked, confined]) {
      await until(() => reader.messages.length > 1);
      const sites = new Set(reader.messages.slice(1).map((message) => message.data.siteId));
      expect(sites).toEqual(new Set([otherSiteId]));
    }
  });

  it('shows plates whole or masked, by role', async () => {
    const viewer = await follow(api.keys.viewer);
    const auditor = await follow(api.keys.auditor);
    await assign(siteId, { credential: { value: 'AB12CDE' } });
    const plates = (reader: Reader) =>
      reader.messages.map((message) => (message.data.credential as { value?: string } | null)?.value);
    await until(() => plates(viewer).includes('A******E') && plates(auditor).includes('AB12CDE'));
    expect(JSON.stringify(viewer.messages)).not.toContain('AB12CDE');
  });

  it('keeps a quiet connection alive', async () => {
    await api.stop();
    await start({ http: { stream: { heartbeatMs: 100 } } });
    const reader = await follow(api.keys.viewer);
    await until(() => reader.comments >= 2);
  });

  it('is bounded in number, by key and in all', async () => {
    await api.stop();
    await start({ http: { stream: { maxStreams: 2, maxStreamsPerKey: 1 } } });
    await follow(api.keys.viewer);
    expect((await follow(api.keys.viewer)).status).toBe(429);
    expect((await follow(api.keys.auditor)).status).toBe(200);
    const reply = await api.call('GET', '/api/v1/stream', { key: api.keys.admin });
    expectProblem(reply, 429, 'too-many-streams');
  });

  it('refuses an id that is none', async () => {
    const reply = await api.call('GET', '/api/v1/stream', { headers: { 'last-event-id': 'x' } });
    expectProblem(reply, 400, 'invalid-request', 'Last-Event-ID');
  });

  it('ends when the server stops', async () => {
    const reader = await follow(api.keys.viewer);
    await api.http.close();
    await until(() => reader.ended);
  });
});
