import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { EdgeResource, Problem, SessionResource, VehicleResource } from '@gatehouse/shared';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { roleNames } from '@gatehouse/shared';
import type { Role } from '../../src/app/ports.js';
import { allRoutes } from '../../src/http/routes/index.js';
import type { Route } from '../../src/http/route.js';
import { expectProblem, openApi, otherSiteId, siteId } from './support.js';
import type { Api } from './support.js';

const routes = allRoutes({ metricsRequireKey: true });
const someId = '0'.repeat(32);

/** The address of a route with something that is well formed, and mostly does not exist, in each place. */
function address(definition: Route, site: string): string {
  const values: Record<string, string> = { siteId: site, slotId: 'a-1', gateId: 'entry-1', edgeId: 'no-such-edge' };
  const code = { code: 'forbidden', keyId: someId };
  const path = definition.url.replace(/\{(\w+)\}/g, (_all, name: string) => ({ ...values, ...code })[name] ?? someId);
  return definition.scope === 'query' ? `${path}?siteId=${site}` : path;
}

function bodyOf(definition: Route): unknown {
  const [example] = (definition.body?.meta()?.examples ?? []) as unknown[];
  return example;
}

describe('every route of the table', () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi({ http: { metricsRequireKey: true } });
  });
  afterAll(() => api.stop());

  /** The status and kind of problem; streams are left as soon as they begin. */
  async function ask(definition: Route, key: string | null, site = siteId) {
    const body = bodyOf(definition);
    const response = await api.http.app.inject({
      method: definition.method,
      url: address(definition, site),
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { payload: body as object }),
      payloadAsStream: true,
    });
    const stream = response.stream();
    if (definition.url.endsWith('/stream') && response.statusCode === 200) {
      response.raw.res.destroy();
      return { status: 200, type: undefined };
    }
    let text = '';
    for await (const piece of stream) text += String(piece);
    const isProblem = String(response.headers['content-type']).startsWith('application/problem+json');
    return { status: response.statusCode, type: isProblem ? (JSON.parse(text) as Problem).type : undefined };
  }

  describe.each(routes.map((definition) => [`${definition.method} ${definition.url}`, definition] as const))(
    '%s',
    (_name, definition) => {
      it('lets in nobody without a key, unless none is needed', async () => {
        const answer = await ask(definition, null);
        if (definition.role === null) expect(answer.status).not.toBe(401);
        else expect(answer).toEqual({ status: 401, type: '/problems/unauthenticated' });
      });

      it.each(roleNames.map((role) => [role] as const))('knows what %s may', async (role) => {
        const answer = await ask(definition, api.keys[role]);
        const may = definition.role === null || roleNames.indexOf(role) >= roleNames.indexOf(definition.role);
        if (may) {
          expect(answer.type).not.toBe('/problems/forbidden');
          expect(answer.status).not.toBe(401);
          expect(answer.status).not.toBe(500);
        } else {
          expect(answer).toEqual({ status: 403, type: '/problems/forbidden' });
        }
      });

      it('confines a key of one site', async () => {
        const key = await api.newKey(definition.role ?? 'observer', siteId);
        const elsewhere = await ask(definition, key, otherSiteId);
        if (definition.scope === 'path' || definition.scope === 'query' || definition.scope === 'all-sites') {
          expect(elsewhere).toEqual({ status: 403, type: '/problems/site-not-allowed' });
        } else {
          expect(elsewhere.status).not.toBe(401);
        }
        const own = await ask(definition, key, siteId);
        if (definition.scope !== 'all-sites') expect(own.type).not.toBe('/problems/site-not-allowed');
      });
    },
  );
});

describe('keys', () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi();
  });
  afterAll(() => api.stop());

  const bearer = (authorization: string) => api.call('GET', '/api/v1/sites', { key: null, headers: { authorization } });

  it('are refused when they are wrong, of another scheme, or far too long', async () => {
    for (const header of ['Bearer wrong', 'Basic abc', 'Bearer', `Bearer ${'x'.repeat(300)}`, `Bearer é`]) {
      const reply = await bearer(header);
      expectProblem(reply, 401, 'unauthenticated');
      expect(reply.headers['www-authenticate']).toBe('Bearer realm="gatehouse"');
    }
  });

  it('are shown once, work at once, and no more after they are revoked', async () => {
    const created = await api.call<{ keyId: string; key: string }>('POST', '/api/v1/keys', {
      body: { label: 'gate house', role: 'viewer' },
    });
    expect(created.status).toBe(201);
    expect(created.body.key).toMatch(/^[0-9a-f]{64}$/);
    expect((await bearer(`Bearer ${created.body.key}`)).status).toBe(200);
    const list = await api.call('GET', '/api/v1/keys');
    expect(list.text).toContain('gate house');
    expect(list.text).not.toContain(created.body.key);
    expect((await api.call('POST', `/api/v1/keys/${created.body.keyId}/revoke`)).status).toBe(200);
    expect((await api.call('POST', `/api/v1/keys/${created.body.keyId}/revoke`)).status).toBe(200);
    expectProblem(await bearer(`Bearer ${created.body.key}`), 401, 'unauthenticated');
  });

  it('are those that each request shows, and as they are then, when many come over one connection', async () => {
    await api.http.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.http.app.server.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<Socket>();
    const status = async (key: string | null): Promise<number | undefined> => {
      const headers = key === null ? {} : { authorization: `Bearer ${key}` };
      const asked = request({ host: '127.0.0.1', port, agent, path: '/api/v1/keys', headers }).end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      sockets.add(answer.socket);
      answer.resume();
      await once(answer, 'end');
      return answer.statusCode;
    };
    const { body } = await api.call<{ keyId: string; key: string }>('POST', '/api/v1/keys', {
      body: { label: 'another administrator', role: 'admin' },
    });
    const { key, keyId } = body;
    const almost = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;
    expect([await status(key), await status(key), await status(almost), await status(null)]).toEqual([
      200, 200, 401, 401,
    ]);
    expect([await status(api.keys.viewer), await status(key)]).toEqual([403, 200]);
    await api.call('POST', `/api/v1/keys/${keyId}/revoke`);
    expect([await status(key), await status(api.keys.admin)]).toEqual([401, 200]);
    expect(sockets.size).toBe(1);
    agent.destroy();
  });

  it('keep the last one that can administer', async () => {
    const list = await api.call<{ items: { keyId: string; role: Role }[] }>('GET', '/api/v1/keys');
    const admin = list.body.items.find((key) => key.role === 'admin');
    expectProblem(await api.call('POST', `/api/v1/keys/${admin?.keyId ?? ''}/revoke`), 409, 'bound-reached');
    expectProblem(await api.call('POST', `/api/v1/keys/${someId}/revoke`), 404, 'key-unknown');
  });

  it('of one site see that site only', async () => {
    const key = await api.newKey('operator', siteId);
    const sites = await api.call<{ items: { siteId: string }[] }>('GET', '/api/v1/sites', { key });
    expect(sites.body.items.map((site) => site.siteId)).toEqual([siteId]);
    const occupancy = await api.call<{ items: { siteId: string }[] }>('GET', '/api/v1/occupancy', { key });
    expect(occupancy.body.items.map((site) => site.siteId)).toEqual([siteId]);
    const elsewhere = await api.newKey('admin', otherSiteId);
    const edges = await api.call<{ items: EdgeResource[] }>('GET', '/api/v1/edges', { key: elsewhere });
    expect(edges.body.items).toEqual([]);
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/revoke'],
      ['POST', '/release-holdings'],
      ['POST', '/enrolment-code'],
    ] as const) {
      const body = method === 'POST' ? { reason: 'test' } : undefined;
      const reply = await api.call(method, `/api/v1/edges/harbour-north${path}`, { key: elsewhere, body });
      expectProblem(reply, 403, 'site-not-allowed');
    }
  });
});

describe('plates', () => {
  let api: Api;
  let vehicle: VehicleResource;
  let session: SessionResource;
  beforeAll(async () => {
    api = await openApi();
    const permits = [{ siteId }];
    vehicle = (
      await api.call<VehicleResource>('POST', '/api/v1/vehicles', {
        body: { credential: { value: 'AB12CDE' }, holder: 'Ada Brown', note: 'red', permits },
      })
    ).body;
    session = (
      await api.call<SessionResource>('POST', `/api/v1/sites/${siteId}/assignments`, {
        body: { vehicleId: vehicle.vehicleId, reason: 'test' },
      })
    ).body;
    await api.arrive('entry-1', 'entry', 'XY98ZZZ');
  });
  afterAll(() => api.stop());

  const paths = () => [
    '/api/v1/vehicles',
    `/api/v1/vehicles/${vehicle.vehicleId}`,
    `/api/v1/sites/${siteId}/sessions`,
    `/api/v1/sites/${siteId}/sessions.csv`,
    `/api/v1/sites/${siteId}/sessions/${session.sessionId}`,
    `/api/v1/sites/${siteId}/gates`,
    `/api/v1/sites/${siteId}/gates/entry-1`,
    '/api/v1/events',
    `/api/v1/sites/${siteId}/reviews`,
    '/api/v1/quarantine',
  ];

  it('are masked for viewers everywhere, by one rule that hides their length', async () => {
    for (const path of paths()) {
      const reply = await api.call('GET', path, { key: api.keys.viewer });
      expect(reply.status).toBe(200);
      expect(reply.text).not.toMatch(/AB12CDE|XY98ZZZ|Ada|"red"/);
    }
    const read = await api.call<VehicleResource>('GET', paths()[1] ?? '', { key: api.keys.viewer });
    expect(read.body.credential.value).toBe('A******E');
    expect(read.body).toMatchObject({ holder: '******', note: '******' });
  });

  it('are whole for auditors, operators and administrators', async () => {
    for (const role of ['auditor', 'operator', 'admin'] as const) {
      const read = await api.call<VehicleResource>('GET', paths()[1] ?? '', { key: api.keys[role] });
      expect(read.body).toMatchObject({ credential: { value: 'AB12CDE' }, holder: 'Ada Brown' });
      const csv = await api.call('GET', `/api/v1/sites/${siteId}/sessions.csv`, { key: api.keys[role] });
      expect(csv.text).toContain('AB12CDE');
    }
  });

  it('cannot be searched for by viewers, who would learn them letter by letter', async () => {
    for (const path of ['vehicles?credential=A', 'vehicles?holder=a', `sites/${siteId}/sessions?credential=AB12CDE`]) {
      expectProblem(await api.call('GET', `/api/v1/${path}`, { key: api.keys.viewer }), 403, 'forbidden');
      expect((await api.call('GET', `/api/v1/${path}`, { key: api.keys.auditor })).status).toBe(200);
    }
  });

  it('of vehicles without a permit for its site are not shown to a key of one site', async () => {
    const key = await api.newKey('operator', otherSiteId);
    expect((await api.call<{ items: [] }>('GET', '/api/v1/vehicles', { key })).body.items).toEqual([]);
    expectProblem(await api.call('GET', paths()[1] ?? '', { key }), 403, 'site-not-allowed');
    const own = await api.newKey('operator', siteId);
    expect((await api.call('GET', paths()[1] ?? '', { key: own })).status).toBe(200);
  });
});
