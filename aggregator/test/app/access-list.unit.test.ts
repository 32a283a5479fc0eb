import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accessPageSchema, silentLogger, wireLimits } from '@gatehouse/shared';
import type { Allowance } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { createAccessLists } from '../../src/app/access-list/access-lists.js';
import { createListedVehicles } from '../../src/app/access-list/listed-vehicles.js';
import { buildSiteList, maxListEntries } from '../../src/app/access-list/site-list.js';
import type { SiteList } from '../../src/app/access-list/site-list.js';
import type { AccessList } from '../../src/app/allowance/access.js';
import type { Actor } from '../../src/app/operations/actor.js';
import { blockVehicle, createVehicle, deleteVehicle, setPermits } from '../../src/app/operations/vehicles.js';
import { newSite, restoreSite } from '../../src/domain/engine.js';
import type { Permit, VehicleRow } from '../../src/domain/rows.js';
import { layoutFor, openWorld, siteId, startMs } from './support.js';
import type { Edge, World } from './support.js';

const hourMs = 3_600_000;
const actor: Actor = { keyId: 'key', label: 'test', role: 'admin', siteId: null };

function permit(change: Partial<Permit> = {}): Permit {
  return { siteId, zoneId: null, slotClass: null, fromMs: null, toMs: null, ...change };
}

function vehicle(name: string, change: Partial<VehicleRow> = {}): VehicleRow {
  return {
    vehicleId: `vehicle-${name}`,
    credentialId: `credential-${name}`,
    slotClass: 'standard',
    holder: null,
    note: null,
    blockedReason: null,
    permits: [],
    createdAtMs: startMs,
    updatedAtMs: startMs,
    ...change,
  };
}

const blocked = (name: string, change: Partial<VehicleRow> = {}): VehicleRow =>
  vehicle(name, { blockedReason: 'unpaid', ...change });
const permitted = (name: string, change: Partial<Permit> = {}): VehicleRow =>
  vehicle(name, { permits: [permit(change)] });

const emptySite = {
  ledger: newSite(siteId).ledger,
  slots: [],
  allowances: [],
  sessions: [],
  arrivals: [],
  reviews: [],
  credentials: new Map(),
};

interface ListOptions {
  readonly permitRequired?: boolean;
  readonly nowMs?: number;
  readonly erased?: string;
}

/** The list of the site when these are registered. */
function listOf(rows: readonly VehicleRow[], options: ListOptions = {}): SiteList {
  const vehicles = createListedVehicles();
  vehicles.reset(rows);
  return buildSiteList(sha256, {
    siteId,
    permitRequired: options.permitRequired ?? false,
    nowMs: options.nowMs ?? startMs,
    blocked: vehicles.blocked(),
    withPermit: vehicles.withPermit(siteId),
    credential: (credentialId) =>
      credentialId === options.erased
        ? undefined
        : { credentialId, kind: 'plate', value: credentialId.replace('credential-', '').toUpperCase() },
  });
}

const said = (list: SiteList): string[] => list.entries.map(({ credential, rule }) => `${credential.value} ${rule}`);

describe('the access list of a site', () => {
  it('names blocked vehicles, and lets everybody else in, where no permit is required', () => {
    const list = listOf([permitted('b'), blocked('c'), vehicle('a')]);
    expect(said(list)).toEqual(['C blocked']);
    expect(list.unlisted).toBe('admit');
  });

  it('names permitted vehicles, too, and nobody else comes in, where a permit is required', () => {
    const list = listOf([permitted('b'), blocked('c'), vehicle('a')], { permitRequired: true });
    expect(said(list)).toEqual(['C blocked', 'B permitted']);
    expect(list.unlisted).toBe('deny');
  });

  it('blocks a vehicle with a permit, and knows nothing of permits for other sites', () => {
    const rows = [blocked('a', { permits: [permit()] }), permitted('b', { siteId: 'south' })];
    expect(said(listOf(rows, { permitRequired: true }))).toEqual(['A blocked']);
  });

  it('takes a permit for one zone as one for the site, as the gate does', () => {
    expect(said(listOf([permitted('a', { zoneId: 'a' })], { permitRequired: true }))).toEqual(['A permitted']);
  });

  it('holds permits from their first moment to before their last, and knows when one begins or ends next', () => {
    const rows = [permitted('a', { fromMs: startMs + hourMs, toMs: startMs + 2 * hourMs })];
    const at = (nowMs: number): SiteList => listOf(rows, { permitRequired: true, nowMs });
    expect([at(startMs), at(startMs + hourMs), at(startMs + 2 * hourMs)].map((list) => said(list).length)).toEqual([
      0, 1, 0,
    ]);
    expect(at(startMs).changesAtMs).toBe(startMs + hourMs);
    expect(at(startMs + hourMs).changesAtMs).toBe(startMs + 2 * hourMs);
    expect(at(startMs + 2 * hourMs).changesAtMs).toBeNull();
  });

  it('leaves out a vehicle whose plate was erased', () => {
    expect(said(listOf([blocked('a'), blocked('b')], { erased: 'credential-a' }))).toEqual(['B blocked']);
  });

  it('has version 0 when it says nothing, and else a version that depends on nothing but what it says', () => {
    const rows = [blocked('a'), permitted('b'), blocked('c')];
    const versions = [
      listOf(rows),
      listOf(rows.toReversed()),
      listOf(rows.map((row) => ({ ...row, note: 'other', updatedAtMs: startMs + 1 }))),
    ].map(({ version }) => version);
    expect(new Set(versions).size).toBe(1);
    const others = [
      listOf([blocked('a')]),
      listOf(rows, { permitRequired: true }),
      listOf([], { permitRequired: true }),
    ];
    expect(new Set([...versions, ...others.map(({ version }) => version)]).size).toBe(4);
    expect(versions.every((version) => version > 0 && version < 2 ** 48)).toBe(true);
    expect(listOf([]).version).toBe(0);
    expect(listOf([permitted('b')]).version).toBe(0);
  });

  it('has room for as many as the pages of the wire, blocked ones first, and counts what is left out', () => {
    const many = Array.from({ length: maxListEntries }, (_, index) => permitted(`b${String(index)}`));
    expect(listOf(many, { permitRequired: true })).toMatchObject({ leftOut: 0 });
    const list = listOf([...many, blocked('z')], { permitRequired: true });
    expect(list.entries).toHaveLength(maxListEntries);
    expect(list.leftOut).toBe(1);
    expect(said(list)[0]).toBe('Z blocked');
  });
});

describe('the vehicles that lists may name', () => {
  const kinds = fc.constantFrom('plain', 'blocked', 'north', 'south', 'both', 'blocked-north');
  const rowOf = (name: string, kind: string): VehicleRow =>
    vehicle(name, {
      blockedReason: kind.startsWith('blocked') ? 'unpaid' : null,
      permits: [
        ...(kind.endsWith('north') || kind === 'both' ? [permit({ siteId: 'north' })] : []),
        ...(kind === 'south' || kind === 'both' ? [permit({ siteId: 'south' })] : []),
      ],
    });
  const names = (rows: Iterable<VehicleRow>): string[] => [...rows].map(({ vehicleId }) => vehicleId).sort();

  it('are those of the register, whatever was put and removed, and each site that a change concerns is told', () => {
    const change = fc.record({ name: fc.constantFrom('a', 'b', 'c'), kind: fc.option(kinds) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const vehicles = createListedVehicles();
        const register = new Map<string, VehicleRow>();
        const seen = (site: string): string =>
          JSON.stringify([names(vehicles.blocked()), names(vehicles.withPermit(site))]);
        for (const { name, kind } of changes) {
          const before = new Map(['north', 'south'].map((site) => [site, seen(site)]));
          const row = kind === null ? null : rowOf(name, kind);
          const told = row === null ? vehicles.remove(`vehicle-${name}`) : vehicles.put(row);
          if (row === null) register.delete(`vehicle-${name}`);
          else register.set(row.vehicleId, row);
          for (const [site, text] of before) {
            if (seen(site) !== text) expect(told === null || told.has(site)).toBe(true);
          }
        }
        const fresh = createListedVehicles();
        fresh.reset(register.values());
        expect(names(vehicles.blocked())).toEqual(names(fresh.blocked()));
        for (const site of ['north', 'south']) {
          expect(names(vehicles.withPermit(site))).toEqual(names(fresh.withPermit(site)));
        }
      }),
    );
  });
});

describe('an edge that may be cut off', () => {
  const createOne = async (world: World, plate: string, permits: readonly Permit[] = []): Promise<string> => {
    const request = {
      typed: { kind: 'plate', value: plate } as const,
      slotClass: 'standard',
      holder: null,
      note: null,
    } as const;
    const { vehicleId } = await world.aggregator.committer.execute((turn) =>
      createVehicle(turn, actor, { ...request, permits }),
    );
    return vehicleId;
  };
  const block = (world: World, vehicleId: string, isBlocked: boolean): Promise<unknown> =>
    world.aggregator.committer.execute((turn) =>
      blockVehicle(turn, actor, { vehicleId, blocked: isBlocked, reason: 'unpaid' }),
    );
  const requirePermits = (world: World): Promise<unknown> =>
    world.aggregator.committer.execute((turn) => {
      const layout = { ...layoutFor(['edge-1']), permitRequired: true };
      turn.apply(siteId, { type: 'put-layout', layout, by: 'test', reason: 'test' });
    });
  const gates: Parameters<Edge['state']>[0] = {
    gates: [
      {
        gateId: 'edge-1-in',
        direction: 'entry',
        barrier: 'closed',
        mode: 'automatic',
        sensors: {},
        faults: [],
        arrival: null,
        vehicleClass: null,
      },
    ],
  };

  interface Connected {
    readonly world: World;
    readonly edge: Edge;
    /** Says how the edge is, and takes the set that came last. */
    take(): Promise<Allowance[]>;
    tell(): Promise<void>;
  }

  const connect = async (world: World): Promise<Connected> => {
    const edge = world.edge('edge-1');
    let version = 0;
    const tell = async (): Promise<void> => {
      edge.state({ ...gates, allowanceVersion: version, acked: edge.acks.at(-1)?.upTo ?? 0 });
      await world.advance(8_000);
    };
    return {
      world,
      edge,
      tell,
      async take() {
        await tell();
        const last = edge.allowances.at(-1)?.version ?? 0;
        if (last > version) {
          version = last;
          edge.accept();
          edge.send({ first: edge.kept.length });
          await tell();
        }
        return edge.allowances.filter((message) => message.version === version);
      },
    };
  };

  const listed = (messages: readonly Allowance[], edge: Edge, plate: string): string | undefined => {
    const digest = sha256(`${edge.epoch}:plate:${plate}`);
    return messages.flatMap(({ access }) => access.entries).find((entry) => entry.digest === digest)?.rule;
  };

  it('is sent a new set when a vehicle is blocked, is unblocked, or its record is deleted', async () => {
    const { world, edge, take } = await connect(await openWorld());
    const first = await take();
    expect(first.at(-1)?.access).toMatchObject({ version: 0, page: 1, pages: 1, unlisted: 'admit', entries: [] });
    const vehicleId = await createOne(world, 'AB12CDE');
    await block(world, vehicleId, true);
    expect(listed(await take(), edge, 'AB12CDE')).toBe('blocked');
    await block(world, vehicleId, false);
    expect((await take()).at(-1)?.access.version).toBe(0);
    await block(world, vehicleId, true);
    await take();
    await world.aggregator.committer.execute((turn) => deleteVehicle(turn, actor, { vehicleId, siteIds: [] }));
    expect((await take()).at(-1)?.access).toMatchObject({ version: 0, entries: [] });
    await world.aggregator.stop();
  });

  it('learns who has a permit when the layout requires one, and when a permit begins and ends', async () => {
    const { world, edge, take } = await connect(await openWorld());
    const vehicleId = await createOne(world, 'AB12CDE', [permit()]);
    await createOne(world, 'FUTURE1', [permit({ fromMs: startMs + hourMs, toMs: startMs + 2 * hourMs })]);
    await take();
    await requirePermits(world);
    const required = await take();
    expect(required.at(-1)?.access.unlisted).toBe('deny');
    expect(listed(required, edge, 'AB12CDE')).toBe('permitted');
    expect(listed(required, edge, 'FUTURE1')).toBeUndefined();
    await world.advance(hourMs);
    expect(listed(await take(), edge, 'FUTURE1')).toBe('permitted');
    await world.advance(hourMs);
    expect(listed(await take(), edge, 'FUTURE1')).toBeUndefined();
    await world.aggregator.committer.execute((turn) => setPermits(turn, actor, { vehicleId, permits: [] }));
    expect(listed(await take(), edge, 'AB12CDE')).toBeUndefined();
    await world.aggregator.stop();
  });

  it('has the same list after the aggregator was started again, and needs no new set for it', async () => {
    const before = await connect(await openWorld());
    await block(before.world, await createOne(before.world, 'AB12CDE'), true);
    const version = (await before.take()).at(-1)?.version ?? 0;
    expect(version).toBeGreaterThan(0);
    await before.world.aggregator.stop();
    const { backing, clock } = before.world;
    const world = await openWorld({ backing, clock, seed: 'b' });
    const edge = world.edge('edge-1');
    edge.state({
      ...gates,
      allowanceVersion: version,
      next: before.edge.kept.length + 1,
      acked: before.edge.kept.length,
    });
    await world.advance(60_000);
    expect(edge.allowances.filter((message) => message.version > version)).toEqual([]);
    await world.aggregator.stop();
  });

  it('is sent all pages of a list it does not have, one page with each set after it, and all again if it does not take that', async () => {
    const { world, edge, take, tell } = await connect(await openWorld());
    const count = 2 * wireLimits.maxAccessEntries + 1;
    await world.aggregator.committer.execute((turn) => {
      for (let index = 0; index < count; index += 1) {
        const plate = `P${String(index)}`;
        const credential = turn.credential({ kind: 'plate', value: plate });
        turn.put('vehicles', { ...blocked(plate), credentialId: credential.credentialId });
      }
    });
    const whole = await take();
    const pages = new Map(whole.map(({ access }) => [access.page, access]));
    expect([...pages.keys()]).toEqual([1, 2, 3]);
    const all = [...pages.values()].flatMap(({ entries }) => entries);
    expect(new Set(all.map(({ digest }) => digest)).size).toBe(count);
    expect(world.aggregator.accessListStatus(siteId)).toEqual({ entries: count, leftOut: 0 });

    await world.aggregator.committer.execute((turn) => {
      turn.apply(siteId, { type: 'put-layout', layout: layoutFor(['edge-1'], 200), by: 'test', reason: 'test' });
    });
    const seen = edge.allowances.length;
    await world.advance(3_000);
    const next = edge.allowances.slice(seen);
    expect(next.map(({ access }) => access.page)).toEqual([1]);
    expect(next[0]?.access.pages).toBe(3);
    await tell();
    expect(
      edge.allowances
        .slice(seen + 1)
        .map(({ access }) => access.page)
        .slice(0, 3),
    ).toEqual([1, 2, 3]);
    await world.aggregator.stop();
  });
});

describe('the lists of all sites', () => {
  it('are built once, and again only when a vehicle, the layout or the time may have changed them', () => {
    const site = restoreSite({
      ...emptySite,
      site: { siteId, layout: layoutFor(['edge-1']), version: 1, retiredGates: [] },
    });
    const clock = { nowMs: startMs };
    let reads = 0;
    const changed: string[] = [];
    const warnings: object[] = [];
    const rows = [blocked('a'), permitted('b', { fromMs: startMs + hourMs })];
    const lists = createAccessLists({
      directory: {
        vehicles: () => rows.values(),
        credential(credentialId) {
          reads += 1;
          return { credentialId, kind: 'plate', value: credentialId };
        },
      },
      clock: { wallMs: () => clock.nowMs },
      sha256,
      logger: { ...silentLogger, warn: (fields) => warnings.push(fields) },
      site: () => site,
      siteIds: () => [siteId],
      onChanged: (id) => changed.push(id),
    });
    const built = (): boolean => {
      const before = reads;
      lists.version(siteId);
      return reads > before;
    };
    const noChange = { vehicles: [], removedVehicles: [], erasedCredentials: [] };
    lists.onReloaded();
    expect([built(), built()]).toEqual([true, false]);
    lists.onStored(noChange);
    lists.onStored({ ...noChange, vehicles: [vehicle('c'), permitted('d', { siteId: 'south' })] });
    expect(built()).toBe(false);
    lists.onStored({ ...noChange, vehicles: [permitted('e')] });
    expect([built(), built()]).toEqual([true, false]);

    // Nothing begins or ends where no permit is required.
    clock.nowMs += 2 * hourMs;
    lists.onTick();
    expect(built()).toBe(false);
    // A clock that was set back.
    changed.length = 0;
    clock.nowMs = startMs - 1;
    lists.onTick();
    expect(changed).toEqual([siteId]);
    expect([built(), warnings.length]).toEqual([true, 0]);
    lists.onStored({
      ...noChange,
      vehicles: Array.from({ length: maxListEntries }, (_, index) => blocked(String(index))),
    });
    expect(lists.status(siteId)).toEqual({ entries: maxListEntries, leftOut: 1 });
    expect(warnings).toEqual([{ siteId, entries: maxListEntries, leftOut: 1 }]);
  });
});

describe('the pages of a list', () => {
  it('hold every entry once, in as few pages as can be, whatever the length of the list', () => {
    const site = restoreSite({
      ...emptySite,
      site: { siteId, layout: layoutFor(['edge-1']), version: 1, retiredGates: [] },
    });
    const pagesOf = (count: number): ReturnType<AccessList['page']>[] => {
      const rows = Array.from({ length: count }, (_, index) => blocked(String(index)));
      const lists = createAccessLists({
        directory: {
          vehicles: () => rows.values(),
          credential: (credentialId) => ({ credentialId, kind: 'plate', value: credentialId }),
        },
        clock: { wallMs: () => startMs },
        sha256,
        logger: silentLogger,
        site: () => site,
        siteIds: () => [siteId],
        onChanged: () => undefined,
      });
      lists.onReloaded();
      const list = lists.of(siteId, 'epoch');
      return Array.from({ length: list.pageCount }, (_, index) => list.page(index + 1));
    };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: maxListEntries + 100 }), (count) => {
        const pages = pagesOf(count);
        const all = pages.flat().map(({ digest }) => digest);
        expect(all).toHaveLength(Math.min(count, maxListEntries));
        expect(new Set(all).size).toBe(all.length);
        expect(pages.slice(0, -1).every((page) => page.length === wireLimits.maxAccessEntries)).toBe(true);
        expect(pages.length).toBeLessThanOrEqual(wireLimits.maxAccessPages);
        for (const entries of pages) accessPageSchema.shape.entries.parse(entries);
      }),
      { numRuns: 10, examples: [[0], [512], [513], [maxListEntries], [maxListEntries + 1]] },
    );
  });
});
