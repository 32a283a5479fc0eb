import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse as parseYaml } from 'yaml';
import { problemCatalogue } from '../../src/http/problems.js';
import { expectProblem, harbourLayout, openApi, siteId, until } from './support.js';
import type { Api } from './support.js';
import { renderedText } from './rendered-text.js';

const site = `/api/v1/sites/${siteId}`;

describe('a request that cannot be granted', () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi();
  });
  afterAll(() => api.stop());

  const post = (url: string, body: unknown) => api.call('POST', url, { body });
  const raw = (payload: string | Buffer, contentType = 'application/json', url = '/api/v1/vehicles') =>
    api.call('POST', url, { body: payload, headers: { 'content-type': contentType } });

  it('for an address that is not there is told so', async () => {
    expectProblem(await api.call('GET', '/api/v1/nothing'), 404, 'not-found');
    expectProblem(await api.call('GET', '/'), 404, 'not-found');
    expectProblem(await api.call('GET', '/api/v1/nothing', { key: null }), 404, 'not-found');
  });

  it('with another method is told which are taken', async () => {
    const reply = await api.call('DELETE', '/api/v1/sites');
    expectProblem(reply, 405, 'method-not-allowed');
    expect(reply.headers.allow).toBe('GET, HEAD');
    expectProblem(await api.call('POST', `${site}/occupancy`, { body: {} }), 405, 'method-not-allowed');
    expectProblem(await api.call('OPTIONS', '/api/v1/sites'), 405, 'method-not-allowed');
  });

  it.each([
    ['a lost brace', '{"label":'],
    ['no JSON at all', 'label=x'],
    ['nothing', ''],
    ['__proto__', '{"__proto__":{"role":"admin"},"label":"x","role":"viewer"}'],
    ['constructor.prototype', '{"constructor":{"prototype":{"role":"admin"}},"label":"x","role":"viewer"}'],
    ['bytes that are not UTF-8 around a broken text', Buffer.from([0x7b, 0xff, 0xfe])],
    ['half a character', '{"label":"x\\ud800","role":"viewer"}'],
    ['half a character in a name', '{"label":"x","role":"viewer","\\udfff":1}'],
  ])('with a body of %s is refused as malformed', async (_name, payload) => {
    expectProblem(await raw(payload, 'application/json', '/api/v1/keys'), 400, 'malformed-json');
  });

  it('with a body of another type is refused', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded']) {
      expectProblem(await raw('{}', type), 415, 'unsupported-media-type');
    }
  });

  it('with a body beyond the bound is refused, and only layouts may be larger', async () => {
    const note = 'x'.repeat(70_000);
    expectProblem(await post('/api/v1/vehicles', { credential: { value: 'A1' }, note }), 413, 'body-too-large');
    const slots = Array.from({ length: 2_000 }, (_, index) => ({
      slotId: `s-${String(index)}`,
      zoneId: 'a',
      label: 'x',
    }));
    const layout = { ...harbourLayout(), siteId: 'large', gates: [], slots };
    expect((await api.call('PUT', '/api/v1/sites/large', { body: layout })).status).toBe(201);
  });

  it.each([
    ['no body', '/api/v1/vehicles', undefined, 'body'],
    ['a list for an object', '/api/v1/vehicles', [], 'body'],
    ['a missing member', '/api/v1/vehicles', {}, 'credential'],
    ['a number for a text', '/api/v1/vehicles', { credential: { value: 7 } }, 'credential.value'],
    ['an over-long plate', '/api/v1/vehicles', { credential: { value: 'A'.repeat(33) } }, 'credential.value'],
    ['a plate of signs', '/api/v1/vehicles', { credential: { value: '---' } }, 'credential.value'],
    ['a plate with markup', '/api/v1/vehicles', { credential: { value: '<b>A1</b>' } }, 'credential.value'],
    ['an unknown member', '/api/v1/vehicles', { credential: { value: 'A1' }, colour: 'red' }, 'colour'],
    ['an unknown class', '/api/v1/vehicles', { credential: { value: 'A1' }, slotClass: 'tank' }, 'slotClass'],
    ['an unknown role', '/api/v1/keys', { label: 'x', role: 'root' }, 'role'],
    ['an id that is no slug', '/api/v1/edges', { edgeId: 'North Gate', siteId, name: 'x' }, 'edgeId'],
    ['no reason', `${site}/slots/a-1/release`, {}, 'reason'],
    ['an empty reason', `${site}/slots/a-1/release`, { reason: '  ' }, 'reason'],
    ['a text for a flag', `${site}/slots/a-1/release`, { reason: 'x', force: 'yes' }, 'force'],
    ['a negative count', `${site}/occupancy/corrections`, { count: -1, reason: 'x' }, 'count'],
    ['a broken count', `${site}/occupancy/corrections`, { count: 1.5, reason: 'x' }, 'count'],
    [
      'two identities',
      `${site}/assignments`,
      { vehicleId: '0'.repeat(32), credential: { value: 'A' }, reason: 'x' },
      'credential',
    ],
    ['no change', `${site}/sessions/${'0'.repeat(32)}/correct`, { reason: 'x' }, 'body'],
    [
      'a day that is not there',
      `${site}/sessions/${'0'.repeat(32)}/close`,
      { exitAt: '2025-02-30T00:00:00Z', reason: 'x' },
      'exitAt',
    ],
    ['an arrival that is none', `${site}/gates/entry-1/admit`, { arrivalId: 'x', reason: 'x' }, 'arrivalId'],
    ['an unknown command', `${site}/gates/entry-1/commands`, { kind: 'explode', reason: 'x' }, 'kind'],
  ])('with %s names the member and the rule', async (_name, url, body, field) => {
    const reply = await post(url, body);
    if (body === undefined) expect(reply.status).toBe(400);
    else expectProblem(reply, 400, 'invalid-request', field);
  });

  it.each([
    ['a limit of none', 'limit=0', 'limit'],
    ['a limit beyond the bound', 'limit=501', 'limit'],
    ['a limit in words', 'limit=many', 'limit'],
    ['a date in words', 'enteredFrom=yesterday', 'enteredFrom'],
    ['a date without a zone', 'enteredFrom=2025-01-01T00:00:00', 'enteredFrom'],
    ['a date before 1970', 'enteredFrom=1969-12-31T00:00:00Z', 'enteredFrom'],
    ['an unknown state', 'state=parked', 'state'],
    ['an unknown filter', 'colour=red', 'colour'],
    ['a filter twice', 'state=open&state=closed', 'state'],
  ])('with %s in the address names it', async (_name, query, field) => {
    expectProblem(await api.call('GET', `${site}/sessions?${query}`), 400, 'invalid-request', field);
  });

  it.each([
    [`${site}/sessions`],
    [`${site}/slots`],
    [`${site}/reviews`],
    ['/api/v1/vehicles'],
    ['/api/v1/events'],
    ['/api/v1/audit'],
    ['/api/v1/keys'],
    ['/api/v1/sites'],
  ])('with a cursor of another list is refused by %s', async (url) => {
    const foreign = Buffer.from('["other",1]').toString('base64url');
    for (const cursor of ['x', '%00', foreign, 'é']) {
      expectProblem(
        await api.call('GET', `${url}?cursor=${encodeURIComponent(cursor)}`),
        400,
        'cursor-invalid',
        'cursor',
      );
    }
    expectProblem(await api.call('GET', `${url}?cursor=${'x'.repeat(1_001)}`), 400, 'invalid-request', 'cursor');
  });

  it.each([
    ['/api/v1/sites/Not%20A%20Slug', 'siteId'],
    [`/api/v1/sites/${'x'.repeat(64)}`, 'siteId'],
    ['/api/v1/sites/..%2f..%2fetc', 'siteId'],
    [`${site}/sessions/short`, 'sessionId'],
    ['/api/v1/vehicles/1%27%20OR%201=1', 'vehicleId'],
  ])('for %s says what is wrong with the id', async (url, field) => {
    expectProblem(await api.call('GET', url), 400, 'invalid-request', field);
  });

  it('for an id of any length is refused, key or no key', async () => {
    for (const key of [api.keys.admin, null]) {
      expectProblem(await api.call('GET', `/api/v1/sites/${'x'.repeat(201)}`, { key }), 414, 'uri-too-long');
    }
  });

  it('whose address cannot be decoded is refused', async () => {
    expectProblem(await api.call('GET', '/api/v1/sites/%E0%A4%A'), 400, 'invalid-request');
  });

  it('is refused also where it makes the validator stumble', async () => {
    const label = { length: { toString: 1, valueOf: 1 } };
    expectProblem(await post('/api/v1/keys', { label, role: 'viewer' }), 400, 'invalid-request');
  });

  it('does not stop good ones', async () => {
    expect((await api.call('GET', '/readyz')).status).toBe(200);
    expect((await post('/api/v1/vehicles', { credential: { value: 'GOOD1' } })).status).toBe(201);
  });

  it('is explained at the address of its type', async () => {
    for (const [code, { status, title }] of Object.entries(problemCatalogue)) {
      const page = await api.call('GET', `/problems/${code}`, { key: null });
      expect(page.status).toBe(200);
      expect(page.text).toContain(String(status));
      expect(page.text).toContain(title);
    }
    expectProblem(await api.call('GET', '/problems/__proto__', { key: null }), 404, 'not-found');
  });
});

describe('a store that takes no changes', () => {
  it('makes changes fail with a problem, and reads go on', async () => {
    const api = await openApi();
    api.store.failNextCommit('full', { times: 1 });
    const reply = await api.call('POST', '/api/v1/vehicles', { body: { credential: { value: 'A1' } } });
    expectProblem(reply, 503, 'store-failing');
    expect((await api.call('GET', '/api/v1/sites')).status).toBe(200);
    await api.stop();
  });
});

describe('an answer that takes too long', () => {
  it('is given up with a problem, and what was asked for is done all the same', async () => {
    const api = await openApi({ http: { handlerTimeoutMs: 100 } });
    const release = api.store.holdCommits();
    const url = `/api/v1/sites/${siteId}/slots/a-1/assign`;
    expectProblem(await api.call('POST', url, { body: { reason: 'by hand' } }), 503, 'timeout');
    release();
    const slot = await api.call('GET', `/api/v1/sites/${siteId}/slots/a-1`);
    expect(slot.body).toMatchObject({ state: 'occupied' });
    await api.stop();
  });
});

describe('headers and bounds', () => {
  it('protect every answer', async () => {
    const api = await openApi();
    for (const url of ['/api/v1/sites', '/healthz', '/nothing', '/openapi.json']) {
      const { headers } = await api.call('GET', url);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-frame-options']).toBe('SAMEORIGIN');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['x-powered-by']).toBeUndefined();
      expect(headers['strict-transport-security']).toBeUndefined();
    }
    expect((await api.call('GET', '/api/v1/sites')).headers['cache-control']).toBe('no-store');
    await api.stop();
  });

  it('let the documentation work without anything from elsewhere', async () => {
    const api = await openApi();
    const page = await api.call('GET', '/docs', { key: null });
    expect(page.status).toBe(200);
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    const sources = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(sources.length).toBeGreaterThan(3);
    for (const source of sources) {
      expect(source).not.toMatch(/^(https?:)?\/\//);
      const url = source.startsWith('/') ? source : `/docs/${source.replace(/^\.\//, '')}`;
      expect({ url, status: (await api.call('GET', url, { key: null })).status }).toEqual({ url, status: 200 });
    }
    const document = await api.call('GET', '/openapi.json', { key: null });
    expect(document.body.openapi).toBe('3.1.0');
    expect((await api.call('GET', '/docs/json', { key: null })).body).toEqual(document.body);
    expect(parseYaml((await api.call('GET', '/docs/yaml', { key: null })).text)).toEqual(document.body);
    await api.stop();
  });

  it('limit the requests of each key, not those of others', async () => {
    const api = await openApi({ http: { rate: { requestsPerKeyPerMinute: 3 } } });
    const ask = (key: string) => api.call('GET', '/api/v1/occupancy', { key });
    for (let request = 0; request < 3; request += 1) expect((await ask(api.keys.viewer)).status).toBe(200);
    const reply = await ask(api.keys.viewer);
    expectProblem(reply, 429, 'too-many-requests');
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask(api.keys.observer)).status).toBe(200);
    await api.stop();
  });

  it('limit wrong keys strictly, by address, and let good ones through', async () => {
    const api = await openApi({ http: { rate: { failedKeysPerAddressPerMinute: 2 } } });
    const guess = (key: string | null) => api.call('GET', '/api/v1/sites', { key });
    expectProblem(await guess('one'), 401, 'unauthenticated');
    expectProblem(await guess(null), 401, 'unauthenticated');
    expectProblem(await guess('three'), 429, 'too-many-requests');
    expect((await guess(api.keys.viewer)).status).toBe(200);
    await api.stop();
  });

  it('limit enrolments strictly, by address', async () => {
    const api = await openApi({ http: { rate: { enrolmentsPerAddressPerMinute: 2 } } });
    const redeem = () => api.call('POST', '/api/v1/enrolments', { key: null, body: { code: 'wrong' } });
    expectProblem(await redeem(), 403, 'code-invalid');
    expectProblem(await redeem(), 403, 'code-invalid');
    expectProblem(await redeem(), 429, 'too-many-requests');
    await api.stop();
  });

  it.each([
    ['no request at all', 'hello\r\n\r\n', 400, 'invalid-request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n',
      400,
      'invalid-request',
    ],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}`, 431, 'headers-too-large'],
  ])('answer %s with a problem, count it, and end the connection', async (_name, bytes, status, code) => {
    const api = await openApi();
    await api.http.app.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect({ host: '127.0.0.1', port: (api.http.app.server.address() as AddressInfo).port });
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.write(bytes);
    await once(socket, 'close');
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${String(status)} `);
    expect(head).toContain('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ type: `/problems/${code}`, status });
    const text = await renderedText(api.metrics);
    expect(text).toContain(`method="other",route="none",status="${String(status)}"`);
    await api.stop();
  });

  it('end connections beyond those that one address may have, and count them', async () => {
    const api = await openApi({ http: { maxConnectionsPerAddress: 2 } });
    await api.http.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.http.app.server.address() as AddressInfo;
    const from = async (localAddress: string) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress });
      socket.on('error', () => undefined).resume();
      await once(socket, 'connect');
      return socket;
    };
    const answers = async (socket: Socket): Promise<boolean> => {
      if (socket.destroyed) return false;
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
      return Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)]);
    };
    const [first, second, third] = [await from('127.0.0.1'), await from('127.0.0.1'), await from('127.0.0.1')];
    expect([await answers(first), await answers(second), await answers(third)]).toEqual([true, true, false]);
    const text = await renderedText(api.metrics);
    expect(text).toContain('gatehouse_http_connections_refused_total{reason="too-many-from-address"} 1');
    second.destroy();
    await once(second, 'close');
    await until(async () => answers(await from('127.0.0.1')));
    first.destroy();
    await api.stop();
  });

  it('end a connection that never finishes its request', async () => {
    const api = await openApi({ http: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
    await api.http.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.http.app.server.address() as AddressInfo;
    const socket = connect({ host: '127.0.0.1', port });
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
    socket.resume();
    await once(socket, 'close');
    await api.stop();
  });
});
