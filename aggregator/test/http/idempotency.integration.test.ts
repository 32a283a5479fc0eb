import type { EdgeResource, SessionResource, VehicleResource } from '@gatehouse/shared';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, openApi, siteId } from './support.js';
import type { Api } from './support.js';

const assignments = `/api/v1/sites/${siteId}/assignments`;

describe('an Idempotency-Key', () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi();
  });
  afterAll(() => api.stop());

  const post = <T>(url: string, key: string, body: unknown, as = api.keys.admin) =>
    api.call<T>('POST', url, { key: as, body, headers: { 'idempotency-key': key } });

  it('makes a repeated request be carried out once, with the same answer', async () => {
    const body = { credential: { value: 'ONCE1' }, reason: 'test' };
    const first = await post<SessionResource>(assignments, 'k-1', body);
    const again = await post<SessionResource>(assignments, 'k-1', body);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(again.headers['idempotency-replayed']).toBe('true');
    const occupancy = await api.call('GET', `/api/v1/sites/${siteId}/occupancy`);
    expect(occupancy.body).toMatchObject({ sessionsOpen: 1 });
  });

  it('is refused for another request', async () => {
    const other = { credential: { value: 'OTHER1' }, reason: 'test' };
    expectProblem(await post(assignments, 'k-1', other), 422, 'idempotency-key-reused');
    expectProblem(await post('/api/v1/vehicles', 'k-1', { credential: { value: 'A' } }), 422, 'idempotency-key-reused');
  });

  it('of one API key says nothing about that of another', async () => {
    const reply = await post(assignments, 'k-1', { reason: 'another' }, api.keys.operator);
    expect(reply.status).toBe(201);
  });

  it('lets one of many requests at the same time through', async () => {
    const body = { credential: { value: 'RACE1' } };
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => post<VehicleResource>('/api/v1/vehicles', 'k-2', body)),
    );
    expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([201]));
    expect(new Set(replies.map((reply) => reply.body.vehicleId)).size).toBe(1);
    expect(replies.filter((reply) => reply.headers['idempotency-replayed'] === undefined)).toHaveLength(1);
  });

  it('is not used up by a refusal', async () => {
    const body = { vehicleId: '0'.repeat(32), reason: 'test' };
    expectProblem(await post(assignments, 'k-3', body), 404, 'vehicle-unknown');
    expectProblem(await post(assignments, 'k-3', body), 404, 'vehicle-unknown');
    expect((await post(assignments, 'k-3', { reason: 'test' })).status).toBe(201);
  });

  it('is stored with the change: when the commit fails there is neither', async () => {
    const body = { credential: { value: 'FAIL1' } };
    api.store.failNextCommit('io');
    expectProblem(await post('/api/v1/vehicles', 'k-4', body), 503, 'store-failing');
    expect(await api.store.getIdempotency(`x:k-4`)).toBeNull();
    const reply = await post<VehicleResource>('/api/v1/vehicles', 'k-4', body);
    expect([reply.status, reply.headers['idempotency-replayed']]).toEqual([201, undefined]);
  });

  it('does not make secrets be shown again, nor kept', async () => {
    const body = { label: 'x', role: 'viewer' };
    const first = await post<{ key: string; keyId: string }>('/api/v1/keys', 'k-5', body);
    const again = await post<{ key: string | null; keyId: string }>('/api/v1/keys', 'k-5', body);
    expect(again.body).toEqual({ ...first.body, key: null });
    const edge = { edgeId: 'edge-9', siteId, name: 'x' };
    const code = await post<{ enrolmentCode: string; edge: EdgeResource }>('/api/v1/edges', 'k-6', edge);
    const repeated = await post<{ enrolmentCode: null }>('/api/v1/edges', 'k-6', edge);
    expect(repeated.body).toEqual({ ...code.body, enrolmentCode: null });
  });

  it('keeps no plate and no holder', async () => {
    const body = { credential: { value: 'HIDDEN1' }, holder: 'Ada Brown' };
    await post('/api/v1/vehicles', 'k-7', body);
    const admin = [...api.aggregator.directory.keys()].find((key) => key.role === 'admin');
    const kept = await api.store.getIdempotency(`${admin?.keyId ?? ''}:k-7`);
    expect(kept?.body).toMatch(/^\{"vehicleId":"[0-9a-f]{32}"\}$/);
  });

  it('must be visible ASCII of a bounded length', async () => {
    for (const key of ['', 'x'.repeat(129), 'a b']) {
      expectProblem(await post(assignments, key, { reason: 'x' }), 400, 'invalid-request', 'Idempotency-Key');
    }
  });
});
