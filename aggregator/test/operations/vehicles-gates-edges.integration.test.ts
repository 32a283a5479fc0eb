import type {
  EdgeResource,
  EnrolmentResource,
  GateResource,
  SessionResource,
  SiteOccupancyResource,
  SiteResource,
  VehicleResource,
} from '@gatehouse/shared';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { edgeId, expectProblem, harbourLayout, openApi, siteId, until } from '../http/support.js';
import type { Api } from '../http/support.js';

const site = `/api/v1/sites/${siteId}`;
const reason = 'test';
const unknownId = 'f'.repeat(32);

describe('vehicles', () => {
  let api: Api;
  let vehicle: VehicleResource;
  beforeAll(async () => {
    api = await openApi();
  });
  afterAll(() => api.stop());

  const path = () => `/api/v1/vehicles/${vehicle.vehicleId}`;

  it('are registered under a plate, however it is typed', async () => {
    const reply = await api.call<VehicleResource>('POST', '/api/v1/vehicles', {
      key: api.keys.operator,
      body: { credential: { value: ' ab-12 cde' }, holder: 'Room 12' },
    });
    expect(reply.status).toBe(201);
    vehicle = reply.body;
    expect(vehicle).toMatchObject({
      credential: { kind: 'plate', value: 'AB12CDE' },
      slotClass: 'standard',
      permits: [],
    });
  });

  it('are registered once', async () => {
    const again = { credential: { value: 'AB12CDE' } };
    expectProblem(await api.call('POST', '/api/v1/vehicles', { body: again }), 409, 'vehicle-exists', 'credential');
  });

  it('are read, changed, permitted and blocked', async () => {
    expect((await api.call('GET', path())).body).toEqual(vehicle);
    const updated = await api.call<VehicleResource>('PATCH', path(), { body: { slotClass: 'ev', holder: null } });
    expect(updated.body).toMatchObject({ slotClass: 'ev', holder: null, credential: { value: 'AB12CDE' } });
    const permits = [{ siteId, zoneId: 'a', from: '2024-01-01T00:00:00.000Z' }];
    const permitted = await api.call<VehicleResource>('PUT', `${path()}/permits`, { body: { permits } });
    expect(permitted.body.permits).toEqual([{ ...permits[0], slotClass: null, to: null }]);
    const blocked = await api.call<VehicleResource>('PUT', `${path()}/block`, {
      body: { blocked: true, reason: 'stolen' },
    });
    expect(blocked.body.blockedReason).toBe('stolen');
    const lifted = await api.call<VehicleResource>('PUT', `${path()}/block`, { body: { blocked: false, reason } });
    expect(lifted.body.blockedReason).toBeNull();
  });

  it('may get another plate, unless another vehicle has it', async () => {
    await api.call('POST', '/api/v1/vehicles', { body: { credential: { value: 'TAKEN1' } } });
    const taken = await api.call('PATCH', path(), { body: { credential: { value: 'TAKEN1' } } });
    expectProblem(taken, 409, 'vehicle-exists', 'credential');
    const changed = await api.call<VehicleResource>('PATCH', path(), { body: { credential: { value: 'NEW1' } } });
    expect(changed.body.credential.value).toBe('NEW1');
  });

  it('are found by the beginning of a plate, by holder, class, block and permit', async () => {
    await api.call('PATCH', path(), { body: { holder: 'Ada Brown' } });
    for (const query of ['credential=ne', 'holder=brow', 'slotClass=ev', `permitSiteId=${siteId}`]) {
      const found = await api.call<{ items: VehicleResource[] }>('GET', `/api/v1/vehicles?${query}`);
      expect(found.body.items.map((item) => item.vehicleId)).toEqual([vehicle.vehicleId]);
    }
    const blocked = await api.call<{ items: unknown[] }>('GET', '/api/v1/vehicles?blocked=true');
    expect(blocked.body.items).toEqual([]);
  });

  it('refuse a permit for a site that is not there, and one that ends before it begins', async () => {
    const put = (permit: object) => api.call('PUT', `${path()}/permits`, { body: { permits: [permit] } });
    expectProblem(await put({ siteId: 'nowhere' }), 404, 'site-unknown');
    const backwards = { siteId, from: '2025-01-01T00:00:00Z', to: '2024-01-01T00:00:00Z' };
    expectProblem(await put(backwards), 400, 'invalid-request', 'permits.0.to');
  });

  it('can be deleted while they are parked: the session goes on, unlinked, and the answer says so', async () => {
    const session = await api.call<SessionResource>('POST', `${site}/assignments`, {
      body: { vehicleId: vehicle.vehicleId, reason },
    });
    expect(session.body.slotId).toBe('a-4');
    const deleted = await api.call('DELETE', path());
    const { sessionId, slotId } = session.body;
    expect(deleted.body).toEqual({ vehicleId: vehicle.vehicleId, openSessions: [{ siteId, sessionId, slotId }] });
    const after = await api.call<SessionResource>('GET', `${site}/sessions/${sessionId}`);
    expect(after.body).toMatchObject({ state: 'open', vehicleId: null });
    expectProblem(await api.call('GET', path()), 404, 'vehicle-unknown');
    expectProblem(await api.call('DELETE', path()), 404, 'vehicle-unknown');
    expectProblem(await api.call('PATCH', path(), { body: { note: 'x' } }), 404, 'vehicle-unknown');
  });

  it('leave a plate that can be erased: sessions and audit go on without it', async () => {
    const sessions = await api.call<{ items: SessionResource[] }>('GET', `${site}/sessions`);
    const credentialId = sessions.body.items[0]?.credential?.credentialId ?? '';
    const erased = await api.call('POST', `/api/v1/credentials/${credentialId}/erase`, { body: { reason } });
    expect(erased.body).toEqual({ credentialId, erased: true });
    const after = await api.call<SessionResource>('GET', `${site}/sessions/${sessions.body.items[0]?.sessionId ?? ''}`);
    expect(after.body.credential).toEqual({ credentialId, kind: null, value: null });
    expect((await api.store.getCredentials([credentialId])).length).toBe(0);
    expect((await api.call('GET', '/api/v1/audit/verification')).body).toMatchObject({ intact: true });
  });

  it('keep a plate that a registered vehicle has', async () => {
    const list = await api.call<{ items: VehicleResource[] }>('GET', '/api/v1/vehicles?credential=TAKEN1');
    const credentialId = list.body.items[0]?.credential.credentialId ?? '';
    const reply = await api.call('POST', `/api/v1/credentials/${credentialId}/erase`, { body: { reason } });
    expectProblem(reply, 409, 'vehicle-exists');
  });
});

describe('gates', () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi({ slots: 1 });
  });
  afterAll(() => api.stop());

  it('cannot be commanded while their edge is away', async () => {
    const body = { kind: 'open', reason };
    expectProblem(await api.call('POST', `${site}/gates/entry-1/commands`, { body }), 409, 'gate-offline');
    const read = await api.call<GateResource>('GET', `${site}/gates/entry-1`);
    expect(read.body).toMatchObject({ online: false, barrier: 'unknown' });
  });

  it('show what their edge reports', async () => {
    await api.connectEdge();
    const gates = await api.call<{ items: GateResource[] }>('GET', `${site}/gates`);
    expect(gates.body.items).toEqual([
      expect.objectContaining({ gateId: 'entry-1', online: true, barrier: 'closed', mode: 'automatic', faults: [] }),
      expect.objectContaining({ gateId: 'exit-1', faults: ['loop-stuck'] }),
    ]);
    const edge = await api.call<EdgeResource>('GET', `/api/v1/edges/${edgeId}`);
    expect(edge.body).toMatchObject({ online: true, softwareVersion: '0.1.0', faults: ['clock-jumped'] });
  });

  it('are sent a command, which can be read afterwards', async () => {
    const sent = await api.call<{ commandId: string }>('POST', `${site}/gates/entry-1/commands`, {
      key: api.keys.operator,
      body: { kind: 'open', reason: 'Ambulance' },
    });
    expect(sent.status).toBe(202);
    expect(sent.body).toMatchObject({ kind: 'open', state: 'sent', by: 'the operator', reason: 'Ambulance' });
    const read = await api.call('GET', `${site}/gates/entry-1/commands/${sent.body.commandId}`);
    expect(read.body).toEqual(sent.body);
    expectProblem(await api.call('GET', `${site}/gates/exit-1/commands/${sent.body.commandId}`), 404, 'not-found');
    const unknown = { body: { kind: 'open', reason } };
    expectProblem(await api.call('POST', `${site}/gates/nowhere/commands`, unknown), 404, 'gate-unknown', 'gateId');
  });

  it('admit nobody when nobody waits', async () => {
    expectProblem(await api.call('POST', `${site}/gates/entry-1/admit`, { body: { reason } }), 404, 'arrival-unknown');
    expectProblem(await api.call('POST', `${site}/gates/nowhere/admit`, { body: { reason } }), 404, 'gate-unknown');
  });

  it('admit the vehicle that was turned away, on the word of an operator', async () => {
    await api.call('POST', `${site}/assignments`, { body: { reason } });
    const arrivalId = await api.arrive('entry-1', 'entry', 'LATE1');
    const gate = await api.call<GateResource>('GET', `${site}/gates/entry-1`);
    expect(gate.body.arrivals).toEqual([
      expect.objectContaining({ arrivalId, outcome: 'deny', reason: 'full', slotId: null }),
    ]);
    const admitted = await api.call('POST', `${site}/gates/entry-1/admit`, { body: { reason } });
    expect(admitted.status).toBe(201);
    expect(admitted.body).toMatchObject({ arrivalId, gateId: 'entry-1', revision: 2 });
    expectProblem(await api.call('POST', `${site}/gates/entry-1/admit`, { body: { reason } }), 409, 'already-admitted');
    const elsewhere = { body: { arrivalId, reason } };
    expectProblem(await api.call('POST', `${site}/gates/exit-1/admit`, elsewhere), 404, 'arrival-unknown', 'arrivalId');
  });

  it('count the passage of who was admitted, in both ledgers', async () => {
    const gate = await api.call<GateResource>('GET', `${site}/gates/entry-1`);
    await api.pass('entry-1', 'entry', gate.body.arrivals[0]?.arrivalId ?? '', 'operator');
    const occupancy = await api.call<SiteOccupancyResource>('GET', `${site}/occupancy`);
    expect(occupancy.body).toMatchObject({ vehiclesInside: 2, sessionsOpen: 2, drift: 0 });
    const sessions = await api.call<{ items: SessionResource[] }>('GET', `${site}/sessions?credential=LATE1`);
    expect(sessions.body.items).toEqual([
      expect.objectContaining({ state: 'open', entryBasis: 'operator', slotId: null }),
    ]);
  });

  it('that a layout removes are listed with the site, and with no other gates', async () => {
    const { body } = await api.call<SiteResource>('GET', site);
    expect(body.retiredGates).toEqual([]);
    const layout = { ...body.layout, gates: body.layout.gates.filter(({ gateId }) => gateId !== 'exit-1') };
    const put = await api.call<SiteResource>('PUT', site, { body: layout });
    expect(put.body.retiredGates).toEqual([
      expect.objectContaining({ gateId: 'exit-1', edgeId, name: 'Exit', direction: 'exit', drained: false }),
    ]);
    const gates = await api.call<{ items: GateResource[] }>('GET', `${site}/gates`);
    expect(gates.body.items.map(({ gateId }) => gateId)).toEqual(['entry-1']);
    const command = { body: { kind: 'open', reason } };
    expectProblem(await api.call('POST', `${site}/gates/exit-1/commands`, command), 404, 'gate-unknown', 'gateId');
    expect((await api.call('GET', '/metrics', { key: null })).text).not.toContain('gate="exit-1"');
    const restored = await api.call<SiteResource>('PUT', site, { body: body.layout });
    expect(restored.body.retiredGates).toEqual([]);
    expect((await api.call('GET', '/metrics', { key: null })).text).toContain('gate="exit-1"');
  });
});

describe('edges', () => {
  let api: Api;
  let code: string;
  beforeAll(async () => {
    api = await openApi();
  });
  afterAll(() => api.stop());

  const redeem = (text: string) =>
    api.call<EnrolmentResource>('POST', '/api/v1/enrolments', { key: null, body: { code: text } });

  it('are registered with a one-time code', async () => {
    const body = { edgeId: 'harbour-south', siteId, name: 'South' };
    const reply = await api.call<{ enrolmentCode: string; expiresAt: string }>('POST', '/api/v1/edges', { body });
    expect(reply.status).toBe(201);
    code = reply.body.enrolmentCode;
    expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(Date.parse(reply.body.expiresAt)).toBeGreaterThan(Date.now());
    expectProblem(await api.call('POST', '/api/v1/edges', { body }), 409, 'edge-exists', 'edgeId');
    const elsewhere = { ...body, edgeId: 'lost', siteId: 'nowhere' };
    expectProblem(await api.call('POST', '/api/v1/edges', { body: elsewhere }), 404, 'site-unknown');
  });

  it('redeem the code once, however it is typed, for a credential of their own', async () => {
    expectProblem(await redeem('AAAA-AAAA-AAAA-AAAA'), 403, 'code-invalid', 'code');
    const reply = await redeem(code.toLowerCase().replaceAll('-', ' '));
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({ siteId, edgeId: 'harbour-south', username: 'harbour-south' });
    expect(reply.body.password).toMatch(/^[0-9a-f]{64}$/);
    expect(reply.body.mqttUrl).toBe('mqtt://localhost:1883');
    expectProblem(await redeem(code), 403, 'code-invalid');
    const secretHash = api.aggregator.directory.edge('harbour-south')?.secretHash;
    expect(secretHash).not.toBeNull();
    expect(secretHash).not.toBe(reply.body.password);
  });

  it('cannot redeem a code that has expired', async () => {
    const brief = await openApi({ http: { enrolmentCodeLifetimeMs: 1_000 } });
    const reply = await brief.call<{ enrolmentCode: string; expiresAt: string }>('POST', '/api/v1/edges', {
      body: { edgeId: 'slow', siteId, name: 'Slow' },
    });
    await until(() => Date.now() > Date.parse(reply.body.expiresAt));
    const late = { key: null, body: { code: reply.body.enrolmentCode } };
    expectProblem(await brief.call('POST', '/api/v1/enrolments', late), 403, 'code-invalid');
    await brief.stop();
  });

  it('get a new code, which voids the former credential when it is redeemed', async () => {
    const reply = await api.call<{ enrolmentCode: string }>('POST', '/api/v1/edges/harbour-south/enrolment-code', {
      body: { reason },
    });
    const before = api.aggregator.directory.edge('harbour-south')?.secretHash;
    expect((await redeem(reply.body.enrolmentCode)).status).toBe(201);
    expect(api.aggregator.directory.edge('harbour-south')?.secretHash).not.toBe(before);
    expect(api.disconnected).toContain('harbour-south');
  });

  it('are revoked: disconnected, and without a credential', async () => {
    api.disconnected.length = 0;
    const revoke = () => api.call<EdgeResource>('POST', '/api/v1/edges/harbour-south/revoke', { body: { reason } });
    expect((await revoke()).body.revokedAt).not.toBeNull();
    expect(api.disconnected).toEqual(['harbour-south']);
    expect(api.aggregator.directory.edge('harbour-south')?.secretHash).toBeNull();
    expectProblem(await revoke(), 409, 'edge-revoked');
  });

  it('that are gone for good give back what was reserved for them', async () => {
    await api.arrive('entry-1', 'entry', 'GONE1');
    const release = () =>
      api.call<{ releasedSlotIds: string[] }>('POST', `/api/v1/edges/${edgeId}/release-holdings`, { body: { reason } });
    expect((await release()).body.releasedSlotIds).toHaveLength(1);
    expectProblem(await release(), 409, 'nothing-to-release');
  });

  it('that nobody registered are unknown', async () => {
    expectProblem(await api.call('GET', '/api/v1/edges/nobody'), 404, 'edge-unknown');
    expectProblem(await api.call('POST', '/api/v1/edges/nobody/revoke', { body: { reason } }), 404, 'edge-unknown');
  });
});

describe('sites, reviews and records', () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi();
  });
  afterAll(() => api.stop());

  it('put a layout: new, again, changed, and only over the version that was seen', async () => {
    const layout = { ...harbourLayout(), siteId: 'quay', gates: [] };
    const put = (change: object, headers: Record<string, string> = {}) =>
      api.call<{ version: number }>('PUT', '/api/v1/sites/quay', { body: { ...layout, ...change }, headers });
    const created = await put({});
    expect([created.status, created.body.version, created.headers.etag]).toEqual([201, 1, '"1"']);
    const again = await put({});
    expect([again.status, again.body.version]).toEqual([200, 1]);
    expect((await put({ name: 'Quay' }, { 'if-match': '"1"' })).body.version).toBe(2);
    const load = jest.spyOn(api.store, 'load');
    expectProblem(await put({ name: 'Pier' }, { 'if-match': '"1"' }), 412, 'version-mismatch');
    // Nothing was wrong with the store: memory is not read from it anew.
    await api.call('POST', '/api/v1/vehicles', { body: { credential: { value: 'AFTER1' } } });
    expect(load).not.toHaveBeenCalled();
    expectProblem(await put({}, { 'if-match': 'W/x' }), 400, 'invalid-request', 'If-Match');
    expectProblem(await put({ siteId: 'other' }), 400, 'invalid-request', 'siteId');
    expect((await api.call('GET', '/api/v1/sites/quay')).headers.etag).toBe('"2"');
  });

  it('refuse a layout that removes an occupied slot, or contradicts itself', async () => {
    await api.call('POST', `${site}/slots/a-1/assign`, { body: { reason } });
    const layout = harbourLayout();
    const without = { ...layout, slots: layout.slots.slice(1) };
    expectProblem(await api.call('PUT', site, { body: without }), 409, 'layout-removes-occupied-slot');
    const twice = { ...layout, slots: [...layout.slots, layout.slots[0]] };
    expectProblem(await api.call('PUT', site, { body: twice }), 400, 'invalid-request', 'slots.4.slotId');
  });

  it('settle a review once', async () => {
    const arrivalId = await api.arrive('exit-1', 'exit', 'STRANGER');
    await api.pass('exit-1', 'exit', arrivalId);
    const reviews = await api.call<{ items: { reviewId: string; kind: string }[] }>('GET', `${site}/reviews?open=true`);
    expect(reviews.body.items).toHaveLength(1);
    const path = `${site}/reviews/${reviews.body.items[0]?.reviewId ?? ''}/resolve`;
    const resolved = await api.call('POST', path, {
      key: api.keys.operator,
      body: { resolution: 'a visitor on foot' },
    });
    expect(resolved.body).toMatchObject({ resolvedBy: 'the operator', resolution: 'a visitor on foot' });
    expectProblem(await api.call('POST', path, { body: { resolution: 'again' } }), 409, 'review-resolved');
    const nowhere = `${site}/reviews/${unknownId}/resolve`;
    expectProblem(await api.call('POST', nowhere, { body: { resolution: 'x' } }), 404, 'review-unknown');
  });

  it('override a recovery, when there is one', async () => {
    const override = () => api.call<SiteOccupancyResource>('POST', `${site}/recovery/override`, { body: { reason } });
    expectProblem(await override(), 409, 'nothing-to-release');
    await api.aggregator.committer.execute((turn) => turn.apply(siteId, { type: 'store-restored', edgeId }));
    const before = await api.call<SiteOccupancyResource>('GET', `${site}/occupancy`);
    expect(before.body.recovering).toBe(true);
    expect((await override()).body.recovering).toBe(false);
  });

  it('follow the chain of the audit log', async () => {
    const log = await api.call<{ items: { hash: string }[] }>('GET', '/api/v1/audit?limit=500', {
      key: api.keys.auditor,
    });
    const verified = await api.call('GET', '/api/v1/audit/verification', { key: api.keys.auditor });
    expect(verified.body).toEqual({
      intact: true,
      entries: log.body.items.length,
      lastHash: log.body.items.at(-1)?.hash,
      brokenAt: null,
      problem: null,
      removedUpTo: null,
    });
  });
});
