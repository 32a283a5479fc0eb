import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { occupancySchema, occupancyTopic } from '@gatehouse/shared';
import type { Occupancy } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { createAuthenticator } from '../../src/app/authenticator.js';
import type { CentreLink, KeyRow, PrunableKind } from '../../src/app/ports.js';
import { needsOf, typedCredential } from '../../src/app/operations/credentials.js';
import { assignSlot } from '../../src/app/operations/slots.js';
import { createVehicle } from '../../src/app/operations/vehicles.js';
import { openArrivals, summaryOf } from '../../src/domain/engine.js';
import { edgeRow, hex128, layoutFor, openWorld, siteId, startMs, storedText } from './support.js';
import type { Edge, World, WorldOptions } from './support.js';

let world: World;
const open = async (options: WorldOptions = {}): Promise<World> => (world = await openWorld(options));

afterEach(async () => {
  await world.aggregator.stop();
});

const act = { by: 'olga', reason: 'test' } as const;

describe('a command', () => {
  const request = { siteId, gateId: 'edge-1-in', kind: 'open', ...act } as const;

  it('is stored before it is sent, with a deadline on the clock of the edge', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state({ clock: { atMs: startMs, monoMs: 77_000, bootId: hex128('boot') } });
    await world.advance(3_000);
    const release = world.store.holdCommits();
    const sent = world.aggregator.sendCommand(request);
    await world.settle();
    expect(edge.commands).toEqual([]);
    release();
    const row = await sent;
    await world.settle();
    expect(edge.commands).toEqual([
      {
        instance: edge.instance,
        id: row.commandId,
        gateId: 'edge-1-in',
        kind: 'open',
        deadlineMono: 77_000 + 3_000 + 5_000,
        by: 'olga',
        reason: 'test',
      },
    ]);
    expect(world.aggregator.directory.command(row.commandId)).toMatchObject({ state: 'sent' });
    const audit = (await world.store.listAudit({}, { limit: 10, cursor: null })).items;
    expect(audit).toMatchObject([{ action: 'gate.command', target: 'edge-1-in', by: 'olga', reason: 'test' }]);
  });

  it.each([
    ['done', 'command-completed', { result: 'done', detail: '' }],
    ['refused', 'command-completed', { result: 'refused', detail: 'locked' }],
    ['expired', 'command-completed', { result: 'expired', detail: '' }],
    ['unknown', 'command-unknown', {}],
  ])('ends as %s by what the edge reports', async (state, kind, members) => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    await world.settle();
    const row = await world.aggregator.sendCommand(request);
    edge.write(kind, { gateId: 'edge-1-in', commandId: row.commandId, ...members });
    edge.send();
    await world.settle();
    const stored = [...(world.backing.tables.get('commands')?.values() ?? [])];
    expect(stored).toMatchObject([{ commandId: row.commandId, state }]);
    expect(world.notices.filter(({ kind: of }) => of === 'command-ended')).toHaveLength(1);
  });

  it('is shown as expired when no answer came, and can still be answered', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    await world.settle();
    const row = await world.aggregator.sendCommand(request);
    expect(world.aggregator.commandView(row).state).toBe('sent');
    await world.advance(16_000);
    expect(world.aggregator.commandView(row).state).toBe('expired');
    expect(world.aggregator.directory.command(row.commandId)?.state).toBe('sent');
  });

  it('is refused for a gate that is unknown or that nobody hears', async () => {
    await open();
    await expect(world.aggregator.sendCommand({ ...request, gateId: 'nope' })).rejects.toMatchObject({
      code: 'gate-unknown',
    });
    await expect(world.aggregator.sendCommand({ ...request, siteId: 'nope' })).rejects.toMatchObject({
      code: 'site-unknown',
    });
    await expect(world.aggregator.sendCommand(request)).rejects.toMatchObject({ code: 'gate-offline' });
    const edge = world.edge('edge-1');
    edge.state();
    edge.offline();
    await world.settle();
    await expect(world.aggregator.sendCommand(request)).rejects.toMatchObject({ code: 'gate-offline' });
  });
});

describe('an operator who admits the waiting vehicle', () => {
  it('sends it a decision with a higher revision', async () => {
    await open();
    await world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'correct-count', count: 20, ...act }),
    );
    const edge = world.edge('edge-1');
    edge.state();
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    await world.settle();
    expect(edge.decisions).toMatchObject([{ outcome: 'deny', reason: 'full', revision: 1 }]);
    const [key] = [...openArrivals(world.aggregator.site(siteId) as never)].map(
      ({ edgeId, epoch, seq }) => `${edgeId}:${epoch}:${String(seq)}`,
    );
    await world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'admit-arrival', arrival: key ?? '', slotId: null, ttlMs: 20_000, ...act }),
    );
    await world.settle();
    expect(edge.decisions.at(-1)).toMatchObject({ arrival, outcome: 'admit', basis: 'operator', revision: 2 });
  });
});

describe('presence', () => {
  it('is online by a state, offline by the will of the same instance, and followers hear of both', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    await world.settle();
    expect(world.aggregator.edgeStatus('edge-1')).toMatchObject({ presence: 'online', instance: edge.instance });
    edge.offline(hex128('somebody else'));
    await world.settle();
    expect(world.aggregator.edgeStatus('edge-1')?.presence).toBe('online');
    edge.offline();
    await world.settle();
    expect(world.aggregator.edgeStatus('edge-1')?.presence).toBe('offline');
    const changes = world.notices.filter(({ kind }) => kind === 'edge-changed').map(({ detail }) => detail);
    expect(changes).toEqual(['edge-1 is online', 'edge-1 is offline']);
  });

  it('ends when states stay away, and frees nothing', async () => {
    await open();
    const edge = world.edge('edge-1');
    edge.state();
    edge.send({ waiting: [edge.arrive('AB12CDE')] });
    await world.advance(30_000);
    expect(world.aggregator.edgeStatus('edge-1')?.presence).toBe('online');
    await world.advance(20_000);
    expect(world.aggregator.edgeStatus('edge-1')?.presence).toBe('offline');
    expect(summaryOf(world.aggregator.site(siteId) as never).slots.reserved).toBe(1);
  });

  it('tells how many events the edge still keeps to itself', async () => {
    await open();
    const edge = world.edge('edge-1');
    for (const plate of ['P1', 'P2', 'P3']) edge.arrive(plate);
    edge.send({ last: 1 });
    await world.settle();
    edge.state();
    await world.settle();
    expect(world.aggregator.edgeStatus('edge-1')).toMatchObject({ upTo: 1, backlogEvents: 2 });
    expect(world.aggregator.edgeStatus('edge-9')).toBeUndefined();
  });
});

describe('occupancy', () => {
  const shown = (): Occupancy[] => messages.map((text) => occupancySchema.parse(JSON.parse(text)));
  let messages: string[] = [];
  const listen = (): void => {
    messages = [];
    const sign = world.hub.connect({
      clientId: 'sign',
      onMessage({ payload }) {
        messages.push(new TextDecoder().decode(payload));
      },
    });
    sign.subscribe(occupancyTopic(siteId));
  };

  it('is retained, follows changes, and is told no more often than the interval', async () => {
    await open();
    await world.settle();
    listen();
    await world.settle();
    expect(shown()).toMatchObject([{ siteId, vehiclesInside: 0, free: 20 }]);
    await world.advance(5_000);
    for (let count = 1; count <= 5; count += 1) {
      await world.aggregator.committer.execute((turn) => turn.apply(siteId, { type: 'correct-count', count, ...act }));
    }
    await world.settle();
    expect(shown().map(({ vehiclesInside }) => vehiclesInside)).toEqual([0, 1]);
    await world.advance(1_000);
    expect(shown().map(({ vehiclesInside }) => vehiclesInside)).toEqual([0, 1, 5]);
    await world.advance(60_000);
    expect(shown()).toHaveLength(3);
  });
});

describe('upkeep', () => {
  it('looks at age limits every minute', async () => {
    await open();
    await world.aggregator.committer.execute((turn) => {
      turn.apply(siteId, {
        type: 'put-layout',
        layout: { ...layoutFor(['edge-1']), uncertainAgeLimitHours: 1 },
        ...act,
      });
      turn.apply(siteId, { type: 'correct-count', count: 1, ...act });
    });
    const edge = world.edge('edge-1');
    edge.state();
    edge.write('vehicle-passed', {
      gateId: 'edge-1-out',
      direction: 'exit',
      arrival: null,
      slotId: null,
      basis: 'exit-alone',
      origin: null,
      flags: [],
    });
    edge.send();
    await world.settle();
    const before = summaryOf(world.aggregator.site(siteId) as never);
    await world.advance(2 * 3_600_000);
    const after = summaryOf(world.aggregator.site(siteId) as never);
    expect(after.sessionsUncertain).toBe(0);
    expect(before.sessionsUncertain + before.sessionsOpen).toBeGreaterThanOrEqual(after.sessionsOpen);
  });

  it('deletes old rows in steps of a bounded number', async () => {
    const calls: [PrunableKind, number, number][] = [];
    await open({
      settings: { retention: { rowsPerStep: 10, noticesDays: 1, eventsDays: 1 } },
      wrapStore: (store) =>
        Object.assign(Object.create(store) as typeof store, {
          async prune(kind: PrunableKind, beforeMs: number, maxRows: number) {
            calls.push([kind, beforeMs, maxRows]);
            return store.prune(kind, beforeMs, maxRows);
          },
        }),
    });
    const edge = world.edge('edge-1');
    for (let count = 0; count < 35; count += 1) edge.arrive(`P${String(count)}`);
    edge.send();
    await world.settle();
    expect(await world.events()).toHaveLength(35);
    await world.advance(86_400_000 + 120_000);
    expect(await world.events()).toHaveLength(0);
    expect(calls.every(([, , maxRows]) => maxRows === 10)).toBe(true);
    expect(calls.filter(([kind]) => kind === 'events').length).toBeGreaterThan(4);
    expect(new Set(calls.map(([kind]) => kind)).size).toBe(8);
  });
});

describe('the text of a plate', () => {
  const settings = { retention: { eventsDays: 1, arrivalsDays: 1, sessionsDays: 1, reviewsDays: 1, noticesDays: 1 } };
  const plate = { kind: 'plate', value: 'AB12CDE' } as const;
  const dayMs = 86_400_000;

  async function enter(edge: Edge, value: string): Promise<void> {
    const arrival = edge.arrive(value);
    edge.send({ first: arrival, waiting: [arrival] });
    await world.settle();
    edge.pass(arrival, edge.decisions.at(-1)?.slot?.slotId ?? null);
    edge.send({ first: arrival + 1 });
    await world.settle();
  }

  async function comeAndGo(edge: Edge): Promise<void> {
    await enter(edge, plate.value);
    await world.advance(60_000);
    const out = { gateId: 'edge-1-out', direction: 'exit' };
    const arrival = edge.arrive(plate.value, out);
    edge.pass(arrival, null, out);
    edge.send({ first: arrival });
    await world.settle();
    expect(summaryOf(world.aggregator.site(siteId) as never).sessionsOpen).toBe(0);
  }

  it('goes when nothing refers to it any more, and comes back under another id', async () => {
    await open({ settings });
    const edge = world.edge('edge-1');
    await comeAndGo(edge);
    const [before] = await world.store.findCredentials([plate]);
    expect(before).toBeDefined();
    expect(world.aggregator.directory.credentialByText(plate)).toEqual(before);
    await world.advance(dayMs / 2);
    expect(await world.store.findCredentials([plate])).toEqual([before]);
    await world.advance(dayMs);
    expect(await world.store.findCredentials([plate])).toEqual([]);
    expect(world.aggregator.directory.credentialByText(plate)).toBeUndefined();
    await comeAndGo(edge);
    const [after] = await world.store.findCredentials([plate]);
    expect(after).toBeDefined();
    expect(after?.credentialId).not.toBe(before?.credentialId);
    expect((await world.events()).map((row) => row.credentialId)).toContain(after?.credentialId);
  });

  it('stays while a session is open, and while a vehicle is registered under it', async () => {
    await open({ settings });
    const edge = world.edge('edge-1');
    await enter(edge, 'AB12CDE');
    await world.aggregator.committer.execute((turn) => {
      createVehicle(
        turn,
        { keyId: 'k', label: 'desk', role: 'operator', siteId: null },
        {
          typed: { kind: 'plate', value: 'REG1' },
          slotClass: 'standard',
          holder: null,
          note: null,
          permits: [],
        },
      );
    });
    await world.advance(2 * dayMs);
    const texts = [plate, { kind: 'plate', value: 'REG1' }];
    expect((await world.store.findCredentials(texts)).map((row) => row.value).sort()).toEqual(['AB12CDE', 'REG1']);
  });

  it('is looked for a bounded number at a time, going on where the last interval ended', async () => {
    const asked: [string | null, number][] = [];
    await open({
      settings: { retention: { ...settings.retention, credentialsPerStep: 2, stepsPerInterval: 2 } },
      wrapStore: (store) =>
        Object.assign(Object.create(store) as typeof store, {
          async pruneCredentials(afterId: string | null, maxRows: number, mayGo: (id: string) => boolean) {
            asked.push([afterId, maxRows]);
            return store.pruneCredentials(afterId, maxRows, mayGo);
          },
        }),
    });
    const edge = world.edge('edge-1');
    for (let count = 0; count < 7; count += 1) edge.arrive(`P${String(count)}`);
    edge.send();
    await world.settle();
    await world.advance(60_000);
    expect(asked).toHaveLength(2);
    await world.advance(60_000);
    expect(asked).toHaveLength(4);
    const places = asked.map(([afterId]) => afterId);
    expect(new Set(places).size).toBe(4);
    expect(places).toEqual([null, ...places.slice(1).sort()]);
    expect(asked.every(([, maxRows]) => maxRows === 2)).toBe(true);
  });
});

describe('while something is deleted', () => {
  /** Holds the first deletion of the kind, and answers whether what an edge says meanwhile is stored. */
  const isStoredDuring = async (kind: 'prune' | 'pruneCredentials'): Promise<boolean> => {
    let release = (): void => undefined;
    let isHeld = false;
    const held = new Promise<void>((resolve) => (release = resolve));
    await open({
      wrapStore: (store) =>
        Object.assign(Object.create(store) as typeof store, {
          async [kind](...parameters: never[]) {
            isHeld = true;
            await held;
            return (store[kind] as (...given: never[]) => Promise<unknown>)(...parameters);
          },
        }),
    });
    world.clock.advance(60_000);
    await world.settle();
    expect(isHeld).toBe(true);
    const edge = world.edge('edge-1');
    edge.arrive('P1');
    edge.send();
    await world.settle();
    const isStored = (await world.store.listEvents({}, { limit: 1, cursor: null })).items.length === 1;
    release();
    await world.settle();
    expect((await world.store.listEvents({}, { limit: 1, cursor: null })).items).toHaveLength(1);
    return isStored;
  };

  it('turns go on beside old rows that go', async () => {
    expect(await isStoredDuring('prune')).toBe(true);
  });

  it('no turn meets a text of a credential that is about to go', async () => {
    expect(await isStoredDuring('pruneCredentials')).toBe(false);
  });
});

describe('an edge whose credential no longer holds', () => {
  it('is cut off when it is revoked or gets another secret, and not for anything else', async () => {
    const cut: string[] = [];
    await open({
      wrapLink: (link) =>
        Object.assign(Object.create(link) as CentreLink, {
          async disconnect(edgeId: string) {
            await Promise.resolve();
            cut.push(edgeId);
          },
        }),
    });
    const put = (change: Parameters<typeof edgeRow>[1]): Promise<void> =>
      world.aggregator.committer.execute((turn) => {
        turn.put('edges', edgeRow('edge-1', change));
      });
    await put({ name: 'Renamed' });
    expect(cut).toEqual([]);
    await put({ secretHash: sha256('another') });
    expect(cut).toEqual(['edge-1']);
    await put({ secretHash: sha256('another'), revokedAtMs: startMs });
    expect(cut).toEqual(['edge-1', 'edge-1']);
  });
});

describe('a connection by what no longer holds', () => {
  const auditor: KeyRow = {
    keyId: 'audit',
    label: 'audit',
    role: 'auditor',
    siteId: null,
    keyHash: sha256('key of audit'),
    createdAtMs: startMs,
    revokedAtMs: null,
  };
  let cut: string[];
  const openRecording = async (): Promise<void> => {
    cut = [];
    await open({
      wrapLink: (link) =>
        Object.assign(Object.create(link) as CentreLink, {
          async disconnect(name: string) {
            await Promise.resolve();
            cut.push(name);
          },
        }),
    });
  };

  it('is ended when the key is revoked: it may have been reading plates', async () => {
    await openRecording();
    const put = (change: Partial<KeyRow>): Promise<void> =>
      world.aggregator.committer.execute((turn) => {
        turn.put('keys', { ...auditor, ...change });
      });
    await put({});
    await put({ label: 'renamed' });
    expect(cut).toEqual([]);
    await put({ revokedAtMs: startMs });
    expect(cut).toEqual(['audit']);
  });

  it('is ended also when the commit was stored and yet failed', async () => {
    await openRecording();
    world.store.failNextCommit('io', { stored: true });
    const revoking = world.aggregator.committer.execute((turn) => {
      turn.put('edges', edgeRow('edge-1', { revokedAtMs: startMs }));
    });
    await expect(revoking).rejects.toMatchObject({ code: 'io' });
    await world.advance(1_000);
    expect(cut).toEqual(['edge-1']);
  });
});

describe('an act that is refused', () => {
  it('leaves no text behind, and does not make memory be read anew', async () => {
    let loads = 0;
    await open({
      wrapStore: (store) =>
        Object.assign(Object.create(store) as typeof store, {
          async load() {
            loads += 1;
            return store.load();
          },
        }),
    });
    const typed = typedCredential({ kind: 'plate', value: 'new 1' });
    const actor = { keyId: 'k', label: 'desk', role: 'operator', siteId: null } as const;
    const request = { siteId, slotId: 'nowhere', slotClass: undefined, vehicleId: undefined, typed, reason: 'test' };
    const refused = world.aggregator.committer.execute((turn) => assignSlot(turn, actor, request), needsOf(typed));
    await expect(refused).rejects.toMatchObject({ code: 'slot-unknown' });
    await world.settle();
    expect(loads).toBe(1);
    expect(await world.store.findCredentials([typed])).toEqual([]);
    await world.aggregator.committer.execute(
      (turn) => assignSlot(turn, actor, { ...request, slotId: 'a-1' }),
      needsOf(typed),
    );
    expect(await world.store.findCredentials([typed])).toHaveLength(1);
  });
});

describe('the authenticator', () => {
  const keyRow = (keyId: string, change: Partial<KeyRow>): KeyRow => ({
    keyId,
    label: keyId,
    role: 'viewer',
    siteId: null,
    keyHash: sha256(`key of ${keyId}`),
    createdAtMs: startMs,
    revokedAtMs: null,
    ...change,
  });

  it('knows edges by their secret and keys by themselves, each for what it may do', async () => {
    await open();
    await world.aggregator.committer.execute((turn) => {
      turn.put('edges', edgeRow('edge-2', { revokedAtMs: startMs }));
      turn.put('edges', edgeRow('edge-3', { secretHash: null }));
      turn.put('keys', keyRow('sign', { role: 'observer', siteId }));
      turn.put('keys', keyRow('view', { role: 'viewer' }));
      turn.put('keys', keyRow('audit', { role: 'auditor', siteId }));
      turn.put('keys', keyRow('gone', { role: 'admin', revokedAtMs: startMs }));
    });
    const { authenticate } = createAuthenticator(world.aggregator.directory, sha256);
    expect(authenticate('edge-1', 'secret of edge-1')).toEqual({ kind: 'edge', siteId, edgeId: 'edge-1' });
    expect(authenticate('sign', 'key of sign')).toEqual({ kind: 'observer', siteId });
    expect(authenticate('view', 'key of view')).toEqual({ kind: 'observer', siteId: null });
    expect(authenticate('audit', 'key of audit')).toEqual({ kind: 'auditor', siteId });
    const refused: [string, string][] = [
      ['edge-1', 'wrong'],
      ['edge-1', ''],
      ['edge-1', 'x'.repeat(10_000)],
      ['edge-2', 'secret of edge-2'],
      ['edge-3', 'secret of edge-3'],
      ['edge-9', 'secret of edge-9'],
      ['gone', 'key of gone'],
      ['__proto__', 'x'],
    ];
    for (const [name, password] of refused) expect(authenticate(name, password)).toBeNull();
  });
});

describe('stopping and starting', () => {
  it('is bounded when the commit under way never ends', async () => {
    await open();
    world.store.holdCommits();
    const edge = world.edge('edge-1');
    edge.arrive('AB12CDE');
    edge.send();
    await world.settle();
    let isStopped = false;
    const stopping = world.aggregator.stop().then(() => (isStopped = true));
    await world.settle();
    expect(isStopped).toBe(false);
    await world.advance(4 * world.settings.stopTimeoutMs);
    expect(isStopped).toBe(true);
    await stopping;
  });

  it('gives the store back when the link cannot start', async () => {
    await open();
    const { backing, clock, hub } = world;
    await world.aggregator.stop();
    hub.setDown(true);
    await expect(openWorld({ backing, clock, hub, seed: 'b' })).rejects.toThrow();
    hub.setDown(false);
    await open({ backing, clock, hub, seed: 'c' });
    expect(world.aggregator.health()).toMatchObject({ ready: true, linkOk: true });
  });
});

describe('plates', () => {
  it('stand in the table of credentials and nowhere else, whatever an edge sends', async () => {
    const plate = fc.stringMatching(/^[A-Z]{2}[0-9]{2}[A-Z]{3}$/);
    const place = fc.constantFrom(
      'arrival',
      'future',
      'future-text',
      'bad-arrival',
      'bad-key',
      'wrong-gate',
      'unreadable',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(plate, place), { minLength: 1, maxLength: 12 }), async (sightings) => {
        await open();
        const edge = world.edge('edge-1');
        edge.state();
        const credential = (value: string) => ({ kind: 'plate', value, source: 'camera', confidence: 0.5 });
        for (const [value, where] of sightings) {
          if (where === 'arrival') edge.arrive(value);
          if (where === 'future') edge.write('vehicle-seen', { what: { nested: [credential(value)] } });
          if (where === 'future-text') edge.write('vehicle-seen', { note: `saw ${value}`, plate: value });
          if (where === 'bad-arrival') edge.arrive(value, { direction: 'sideways' });
          if (where === 'bad-key') edge.arrive(value, { [value]: value });
          if (where === 'wrong-gate') edge.arrive(value, { gateId: 'nowhere' });
          if (where === 'unreadable') edge.sendRaw(`{"plate":"${value}"`);
        }
        edge.send();
        await world.settle();
        await world.aggregator.committer.execute((turn) => {
          turn.audit({ by: 'olga', action: 'test', siteId, target: null, reason: null, detail: {} });
        });
        const text = storedText(world);
        for (const [value] of sightings) expect(text).not.toContain(value);
        for (const [value] of sightings) expect(JSON.stringify(world.notices)).not.toContain(value);
        const arrived = sightings.filter(([, where]) => where === 'arrival');
        for (const [value] of arrived) {
          expect(world.aggregator.directory.credentialByText({ kind: 'plate', value })).toBeDefined();
        }
        await world.aggregator.stop();
      }),
      { numRuns: 30 },
    );
  });
});
