import type { SessionResource, SlotResource, SiteOccupancyResource } from '@gatehouse/shared';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectProblem, openApi, siteId } from '../http/support.js';
import type { Api } from '../http/support.js';

const sites = `/api/v1/sites/${siteId}`;
const reason = 'test';

describe('slots by hand', () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi();
  });
  afterAll(() => api.stop());

  const slot = async (slotId: string) => (await api.call<SlotResource>('GET', `${sites}/slots/${slotId}`)).body;

  it('assigns a slot to a vehicle and opens its session', async () => {
    const reply = await api.call<SessionResource>('POST', `${sites}/slots/a-1/assign`, {
      key: api.keys.operator,
      body: { credential: { value: 'ab 12-cde' }, reason },
    });
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({ slotId: 'a-1', state: 'open', entryBasis: 'operator', ticket: 1 });
    expect(reply.body.credential).toMatchObject({ kind: 'plate', value: 'AB12CDE' });
    expect(await slot('a-1')).toMatchObject({ state: 'occupied', sessionId: reply.body.sessionId });
  });

  it('refuses a slot that is not free', async () => {
    const reply = await api.call('POST', `${sites}/slots/a-1/assign`, { body: { reason } });
    expectProblem(reply, 409, 'slot-not-free');
  });

  it('refuses a vehicle that is parked already', async () => {
    const reply = await api.call('POST', `${sites}/slots/a-2/assign`, {
      body: { credential: { value: 'AB12CDE' }, reason },
    });
    expectProblem(reply, 409, 'already-parked');
  });

  it('refuses an unknown slot, site and vehicle', async () => {
    const body = { reason };
    expectProblem(await api.call('POST', `${sites}/slots/z-9/assign`, { body }), 404, 'slot-unknown', 'slotId');
    expectProblem(await api.call('POST', '/api/v1/sites/nowhere/assignments', { body }), 404, 'site-unknown');
    const unknown = { vehicleId: 'f'.repeat(32), reason };
    expectProblem(
      await api.call('POST', `${sites}/assignments`, { body: unknown }),
      404,
      'vehicle-unknown',
      'vehicleId',
    );
  });

  it('releases a slot and closes its session, once', async () => {
    const released = await api.call<SlotResource>('POST', `${sites}/slots/a-1/release`, { body: { reason } });
    expect(released.body).toMatchObject({ state: 'free', sessionId: null });
    expectProblem(await api.call('POST', `${sites}/slots/a-1/release`, { body: { reason } }), 409, 'slot-already-free');
    const log = await api.call<{ items: SessionResource[] }>('GET', `${sites}/sessions?state=closed`);
    expect(log.body.items).toHaveLength(1);
    expect(log.body.items[0]).toMatchObject({ slotId: 'a-1', state: 'closed' });
    expect(log.body.items[0]?.durationSeconds).toBeGreaterThanOrEqual(0);
  });

  it('takes a slot out of service, so that it cannot be assigned, and back', async () => {
    const service = (outOfService: boolean) =>
      api.call<SlotResource>('PUT', `${sites}/slots/a-2/service`, { body: { outOfService, reason: 'wet paint' } });
    expect((await service(true)).body.outOfService).toBe('wet paint');
    expectProblem(
      await api.call('POST', `${sites}/slots/a-2/assign`, { body: { reason } }),
      409,
      'slot-out-of-service',
    );
    expect((await api.call<{ items: unknown[] }>('GET', `${sites}/slots?outOfService=true`)).body.items).toHaveLength(
      1,
    );
    expect((await service(false)).body.outOfService).toBeNull();
  });

  it('refuses when the site is full', async () => {
    const full = await openApi({ slots: 1 });
    const body = { reason };
    expect((await full.call('POST', `${sites}/assignments`, { body })).status).toBe(201);
    expectProblem(await full.call('POST', `${sites}/assignments`, { body }), 409, 'site-full');
    await full.stop();
  });

  it('lists slots by state, class and zone, page by page', async () => {
    const list = async (query: string) =>
      (await api.call<{ items: SlotResource[]; nextCursor: string | null }>('GET', `${sites}/slots?${query}`)).body;
    expect((await list('state=free')).items).toHaveLength(4);
    expect((await list('slotClass=ev')).items.map((item) => item.slotId)).toEqual(['a-4']);
    expect((await list('zoneId=b')).items.map((item) => item.slotId)).toEqual(['a-2', 'a-4']);
    const first = await list('limit=3');
    const second = await list(`limit=3&cursor=${first.nextCursor ?? ''}`);
    expect([...first.items, ...second.items].map((item) => item.slotId)).toEqual(['a-1', 'a-2', 'a-3', 'a-4']);
    expect(second.nextCursor).toBeNull();
  });

  it('records each act in the audit log, with the label of the key and no plate', async () => {
    const log = await api.call<{ items: { action: string; by: string; target: string }[] }>('GET', '/api/v1/audit');
    expect(log.body.items).toContainEqual(
      expect.objectContaining({ action: 'slot.assign', by: 'the operator', target: 'a-1' }),
    );
    expect(log.text).not.toContain('AB12CDE');
  });
});

describe('sessions by hand', () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi();
  });
  afterAll(() => api.stop());

  const open = async (plate: string | null, slotId: string): Promise<SessionResource> => {
    const credential = plate === null ? {} : { credential: { value: plate } };
    const reply = await api.call<SessionResource>('POST', `${sites}/slots/${slotId}/assign`, {
      body: { ...credential, reason },
    });
    expect(reply.status).toBe(201);
    return reply.body;
  };
  const act = (session: SessionResource, action: string, body: Record<string, unknown>) =>
    api.call<SessionResource>('POST', `${sites}/sessions/${session.sessionId}/${action}`, {
      body: { reason, ...body },
    });

  it('moves a session to another slot', async () => {
    const session = await open('MOVE1', 'a-1');
    expect((await act(session, 'move', { slotId: 'a-2' })).body.slotId).toBe('a-2');
    expectProblem(await act(session, 'move', { slotId: 'nowhere' }), 404, 'slot-unknown');
    await act(session, 'close', {});
  });

  it('closes a session, and not twice', async () => {
    const session = await open('CLOSE1', 'a-1');
    const exitAt = new Date(Date.parse(session.entryAt) + 1).toISOString();
    const closed = await act(session, 'close', { exitAt });
    expect(closed.body).toMatchObject({ state: 'closed', exitAt, durationSeconds: 0.001 });
    expectProblem(await act(session, 'close', {}), 409, 'session-not-open');
  });

  it('refuses an exit before the entry', async () => {
    const session = await open('ORDER1', 'a-1');
    expectProblem(await act(session, 'close', { exitAt: '2001-01-01T00:00:00Z' }), 422, 'time-order');
    await act(session, 'close', {});
  });

  it('corrects the entry time and the plate, also of a session that has ended', async () => {
    const session = await open('WR0NG', 'a-1');
    const entryAt = '2024-05-01T08:00:00.000Z';
    const corrected = await act(session, 'correct', { entryAt, credential: { value: 'RIGHT1' } });
    expect(corrected.body).toMatchObject({ entryAt, credential: { value: 'RIGHT1' } });
    await act(session, 'close', {});
    const again = await act(session, 'correct', { entryAt: '2024-05-01T09:00:00.000Z' });
    expect(again.body).toMatchObject({ state: 'closed', entryAt: '2024-05-01T09:00:00.000Z' });
    const read = await api.call<SessionResource>('GET', `${sites}/sessions/${session.sessionId}`);
    expect(read.body).toEqual(again.body);
  });

  it('merges two sessions of one vehicle', async () => {
    const session = await open('MERGE1', 'a-1');
    const duplicate = await open(null, 'a-2');
    expect((await act(session, 'merge', { duplicateSessionId: duplicate.sessionId })).body.state).toBe('open');
    const voided = await api.call<SessionResource>('GET', `${sites}/sessions/${duplicate.sessionId}`);
    expect(voided.body.state).toBe('void');
    await act(session, 'close', {});
  });

  it('authorises the exit', async () => {
    const session = await open('AUTH1', 'a-1');
    expect((await act(session, 'authorise-exit', {})).body.exitAuthorised).toBe(true);
    await act(session, 'close', {});
  });

  it('answers 404 for a session that is not there', async () => {
    const unknown = { sessionId: 'f'.repeat(32) } as SessionResource;
    for (const action of ['close', 'authorise-exit']) {
      expectProblem(await act(unknown, action, {}), 404, 'session-unknown');
    }
    expectProblem(await act(unknown, 'correct', { entryAt: '2024-05-01T08:00:00Z' }), 404, 'session-unknown');
    expectProblem(await api.call('GET', `${sites}/sessions/${unknown.sessionId}`), 404, 'session-unknown');
  });

  it('lists sessions by plate, slot, gate and time, page by page', async () => {
    const list = async (query: string) =>
      (await api.call<{ items: SessionResource[]; nextCursor: string | null }>('GET', `${sites}/sessions?${query}`))
        .body;
    expect((await list('credential=close%201')).items).toHaveLength(1);
    expect((await list('credential=NOBODY')).items).toEqual([]);
    expect((await list('enteredBefore=2024-06-01T00:00:00Z')).items).toHaveLength(1);
    expect((await list('slotId=a-2')).items.length).toBeGreaterThan(0);
    const all = (await list('limit=500')).items.map((item) => item.sessionId);
    const paged: string[] = [];
    let cursor = '';
    for (let pages = 0; pages < 20; pages += 1) {
      const page = await list(`limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      paged.push(...page.items.map((item) => item.sessionId));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(paged).toEqual(all);
  });

  it('corrects the count, and opens anonymous sessions for the difference', async () => {
    const corrected = await api.call<SiteOccupancyResource>('POST', `${sites}/occupancy/corrections`, {
      body: { count: 2, reason },
    });
    expect(corrected.body).toMatchObject({ vehiclesInside: 2, sessionsOpen: 2, drift: 0 });
    const read = await api.call<SiteOccupancyResource>('GET', `${sites}/occupancy`, { key: api.keys.observer });
    expect({ ...read.body, at: '' }).toEqual({ ...corrected.body, at: '' });
  });
});
