/**
 * The page of an edge agent over real sockets.
 * @needs prometheus
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { silentLogger } from '@gatehouse/shared';
import { ConfigurationError, systemClock } from '@gatehouse/shared/node';
import { createLineWitness } from '../../src/app/line-witness.js';
import { createEdgeHttp } from '../../src/http/server.js';
import type { EdgeHttp, EdgeHttpOptions } from '../../src/http/server.js';
import { lanesAnswerSchema } from '../../src/watch/contract.js';
import type { HarnessOptions } from '../app/harness.js';
import { watchEdge } from './support/watched-edge.js';
import type { WatchedEdge } from './support/watched-edge.js';

interface Page {
  readonly watched: WatchedEdge;
  readonly http: EdgeHttp;
  readonly url: string;
  isStopping: boolean;
}

const pages: Page[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const { http, watched } of pages.splice(0)) {
    await http.stop();
    await watched.edge.agent.stop();
  }
});

async function open(options: HarnessOptions = {}, change: Partial<EdgeHttpOptions> = {}): Promise<Page> {
  const watched = watchEdge(options, { processMetrics: true });
  const told = { isStopping: false };
  const http = createEdgeHttp({
    ...{ host: '127.0.0.1', port: 0, logger: silentLogger, metrics: watched.metrics },
    status: () => watched.edge.agent.status(),
    isStopping: () => told.isStopping,
    ...{ witness: createLineWitness(systemClock), clock: systemClock },
    ...change,
  });
  const page = Object.assign(told, { watched, http, url: await http.start() });
  pages.push(page);
  return page;
}

async function ask(page: Page, path: string, init?: RequestInit) {
  const response = await fetch(`${page.url}${path}`, { signal: AbortSignal.timeout(10_000), ...init });
  const type = response.headers.get('content-type') ?? '';
  const text = await response.text();
  const body = type.includes('json') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, type, text, body };
}

async function started(...options: Parameters<typeof open>): Promise<Page> {
  const page = await open(...options);
  await page.watched.edge.start();
  return page;
}

/** Sends bytes; answers everything that came back until the connection was closed. */
async function exchange(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket);
  let received = '';
  socket.setEncoding('utf8').on('data', (part: string) => (received += part));
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return received;
}

describe('the page of an edge agent', () => {
  it('says which edge this is, and where the rest is', async () => {
    const page = await started();
    expect(await ask(page, '/')).toMatchObject({
      status: 200,
      type: 'application/json; charset=utf-8',
      body: {
        program: 'Gatehouse edge agent',
        version: page.watched.edge.agent.status().version,
        siteId: 'site',
        edgeId: 'edge',
        gates: ['entry-1', 'exit-1'],
        links: { metrics: '/metrics', health: '/healthz' },
      },
    });
  });

  it('has metrics that are clean by the checker of Prometheus', async () => {
    const page = await started();
    await page.watched.edge.edge('exit-1', 'arming', true);
    await page.watched.edge.advance(2_000);
    const { status, type, text } = await ask(page, '/metrics');
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(text).toMatch(/^gatehouse_agent_open_requests_total\{site="site",edge="edge"\} 1$/m);
    expect(text).toMatch(/^process_cpu_seconds_total\{site="site",edge="edge"\} /m);
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect({ code: checked.status, out: checked.stdout, error: checked.stderr }).toEqual({
      code: 0,
      out: '',
      error: '',
    });
  });

  it('tells the lanes as they are, and refuses a cursor that is none', async () => {
    const page = await started();
    await page.watched.edge.edge('exit-1', 'arming', true);
    const { status, body } = await ask(page, '/lanes');
    const answer = lanesAnswerSchema.parse(body);
    expect(status).toBe(200);
    expect(answer).toMatchObject({ siteId: 'site', edgeId: 'edge', next: 0, missed: 0, changes: [] });
    expect(answer.gates.map(({ gateId, lane }) => [gateId, lane?.vehicle])).toEqual([
      ['entry-1', null],
      ['exit-1', 'first'],
    ]);
    for (const after of ['-1', '1.5', 'x', '1e99']) {
      expect(await ask(page, `/lanes?after=${after}`)).toMatchObject({ status: 400, body: { type: 'about:blank' } });
    }
  });

  it.each([
    ['GET', '/nothing'],
    ['POST', '/metrics'],
    ['DELETE', '/healthz'],
    ['PUT', '/metrics/%2e%2fhealthz'],
  ])('answers %s %s with a problem', async (method, path) => {
    const page = await started();
    const { status, type, body } = await ask(page, path, { method });
    expect([status, type]).toEqual([404, 'application/problem+json; charset=utf-8']);
    expect(body).toMatchObject({ type: 'about:blank', status: 404 });
    expect(body.detail).toContain(`nothing is at ${method} ${path}`);
  });

  it('answers an address that cannot be read with a problem', async () => {
    const page = await started();
    expect(await ask(page, '/%zz')).toMatchObject({ status: 400, type: 'application/problem+json; charset=utf-8' });
  });

  it('tells the head alone to who asks for that', async () => {
    const page = await started();
    expect(await ask(page, '/metrics', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  it('lets nobody keep what it told, nor take it for something else', async () => {
    const page = await started();
    const { headers } = await fetch(`${page.url}/healthz`);
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff']);
  });

  it('tells the log, and not the caller, why it failed', async () => {
    const told: unknown[] = [];
    const page = await started(
      {},
      {
        metrics: { render: () => Promise.reject(new Error('a secret')) },
        logger: { ...silentLogger, error: (fields) => void told.push(fields) },
      },
    );
    const { status, body } = await ask(page, '/metrics');
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(told).toEqual([{ error: 'a secret' }]);
  });
});

describe('/healthz', () => {
  it('is well while the agent runs, also alone, and says how the link, the outbox and the gates are', async () => {
    const page = await started({ connected: false });
    await page.watched.edge.edge('entry-1', 'fire', true);
    await page.watched.edge.advance(3_000);
    const events = page.watched.edge.backing.events.length;
    expect(await ask(page, '/healthz')).toMatchObject({
      status: 200,
      body: {
        status: 'ok',
        edgeId: 'edge',
        epoch: page.watched.edge.backing.epoch,
        link: { up: false, downReason: 'not connected yet' },
        outbox: { unacknowledgedEvents: events, oldestUnacknowledgedSeconds: 3, failing: null },
        faults: [],
        gates: [
          { gateId: 'entry-1', barrier: 'open', mode: 'fire', faults: ['fire-input'] },
          { gateId: 'exit-1', barrier: 'closed', mode: 'automatic', faults: [] },
        ],
      },
    });
  });

  it('is well with an outbox that fails: exits open all the same', async () => {
    const page = await started();
    page.watched.edge.backing.failure = (operation) => (operation === 'append' ? 'full' : undefined);
    await page.watched.edge.edge('entry-1', 'arming', true);
    await page.watched.edge.advance(5_000);
    expect(await ask(page, '/healthz')).toMatchObject({
      status: 200,
      body: { faults: ['outbox-full'], outbox: { failing: 'outbox-full' } },
    });
  });

  it('is not well before the agent runs, while it stops, and after', async () => {
    const page = await open();
    expect(await ask(page, '/healthz')).toMatchObject({ status: 503, body: { status: 'starting', epoch: null } });
    await page.watched.edge.start();
    expect((await ask(page, '/healthz')).status).toBe(200);
    page.isStopping = true;
    expect(await ask(page, '/healthz')).toMatchObject({ status: 503, body: { status: 'stopping' } });
    await page.watched.edge.agent.stop();
    expect(await ask(page, '/healthz')).toMatchObject({ status: 503, body: { status: 'stopping' } });
  });

  it('is not well when no driver works; one that does is enough', async () => {
    const page = await started();
    page.watched.edge.barrier('entry-1').fail('no such line');
    await page.watched.edge.settle();
    expect((await ask(page, '/healthz')).status).toBe(200);
    page.watched.edge.barrier('exit-1').fail('no such line');
    await page.watched.edge.settle();
    expect(await ask(page, '/healthz')).toMatchObject({ status: 503, body: { status: 'cannot-open' } });
    expect((await page.watched.scrape()).get('gatehouse_agent_ready')).toBe(0);
  });
});

describe('what the page takes is bounded', () => {
  it('in bytes of a body', async () => {
    const page = await started();
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    expect((await ask(page, '/', { ...init, body: JSON.stringify('x'.repeat(1_022)) })).status).toBe(404);
    expect(await ask(page, '/', { ...init, body: JSON.stringify('x'.repeat(1_023)) })).toMatchObject({
      status: 413,
      type: 'application/problem+json; charset=utf-8',
    });
  });

  it('in bytes of a body that does not say how long it is', async () => {
    const page = await started();
    const chunk = `fff\r\n${'x'.repeat(4_095)}\r\n0\r\n\r\n`;
    const request = 'POST / HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\n\r\n';
    expect(await exchange(page.url, request + chunk)).toMatch(/^HTTP\/1.1 413 [^]*"status":413/);
  });

  it('in bytes of headers, and to what is HTTP', async () => {
    const page = await started();
    const long = `GET / HTTP/1.1\r\nhost: edge\r\nx: ${'x'.repeat(9_000)}\r\n\r\n`;
    expect(await exchange(page.url, long)).toMatch(/^HTTP\/1.1 431 [^]*application\/problem\+json[^]*"status":431/);
    expect(await exchange(page.url, 'hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [^]*"status":400/);
  });

  it('in the time of a request', async () => {
    const page = await started({}, { bounds: { requestTimeoutMs: 200 } });
    expect(await exchange(page.url, 'GET / HTTP/1.1\r\nhost: ed')).toMatch(/^HTTP\/1.1 408 [^]*"status":408/);
  });

  it('in the time of an answer', async () => {
    const render = (): Promise<never> => new Promise(() => undefined);
    const page = await started({}, { bounds: { handlerTimeoutMs: 500 }, metrics: { render } });
    expect((await ask(page, '/metrics')).status).toBe(503);
    expect((await ask(page, '/healthz')).status).toBe(200);
  });

  it('in connections', async () => {
    const page = await started({}, { bounds: { maxConnections: 2 } });
    for (let held = 0; held < 2; held += 1) {
      const socket = connect(Number(new URL(page.url).port), '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect');
    }
    // The server takes them in the order they came in; the third is ended without an answer.
    expect(await exchange(page.url, 'GET / HTTP/1.1\r\nhost: edge\r\n\r\n')).toBe('');
  });

  it('in requests a minute, each address by itself', async () => {
    const page = await started({}, { bounds: { requestsPerAddressPerMinute: 3 } });
    const statuses: number[] = [];
    for (let request = 0; request < 5; request += 1) statuses.push((await ask(page, '/healthz')).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect(await ask(page, '/metrics')).toMatchObject({ status: 429, type: 'application/problem+json; charset=utf-8' });
  });
});

describe('an address that cannot be had', () => {
  const refusal = (change: Partial<EdgeHttpOptions>): Promise<unknown> =>
    open({}, change).then(
      () => undefined,
      (error: unknown) => error,
    );

  it('is told with its key', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const error = await refusal({ port });
    await new Promise((resolve) => taken.close(resolve));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toContain(`http.port: ${String(port)} on 127.0.0.1 is in use by another program`);
    expect(String(await refusal({ host: '192.0.2.1' }))).toContain(
      'http.host: 192.0.2.1 is not an address of this machine',
    );
  });
});

describe('stopping the page', () => {
  it('ends connections that are kept open, may be done twice, and without a start', async () => {
    const page = await started();
    const idle = connect(Number(new URL(page.url).port), '127.0.0.1');
    sockets.push(idle);
    await once(idle, 'connect');
    idle.write('GET / HTTP/1.1\r\nhost: edge\r\n\r\n');
    await once(idle, 'data');
    const closed = once(idle, 'close');
    await page.http.stop();
    await closed;
    await page.http.stop();
    await expect(fetch(page.url)).rejects.toThrow();
    const unstarted = createEdgeHttp({
      ...{ host: '127.0.0.1', port: 0, logger: silentLogger, metrics: page.watched.metrics },
      ...{ status: () => page.watched.edge.agent.status(), isStopping: () => false },
      ...{ witness: createLineWitness(systemClock), clock: systemClock },
    });
    await unstarted.stop();
  });
});
