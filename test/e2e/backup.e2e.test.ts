/**
 * A backup that was made while vehicles came and went takes the place of the store. What came after it is in the outboxes of the edges: in
 * the end everything is stored once, and no slot was given twice, not even to an edge that was heard before the one that knows.
 */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createRequire } from 'node:module';
import path from 'node:path';
import { readdirSync } from 'node:fs';
import type * as Sqlite3 from 'sqlite3';
import { System, until } from '../support/processes.js';
import type { SiteGate } from '../support/processes.js';

const sqlite3 = createRequire(import.meta.url)('sqlite3') as typeof Sqlite3;

jest.setTimeout(240_000);

const gates: SiteGate[] = [
  { gateId: 'east', edgeId: 'edge-east', direction: 'entry' },
  { gateId: 'west', edgeId: 'edge-west', direction: 'entry' },
  { gateId: 'out', edgeId: 'edge-west', direction: 'exit' },
];
const edgeIds = ['edge-east', 'edge-west'];

interface Stored {
  readonly epoch: string;
  readonly seq: number;
  readonly hash: string;
}

async function rowsOf<T>(file: string, sql: string): Promise<T[]> {
  const database = new sqlite3.Database(file, sqlite3.OPEN_READONLY);
  try {
    return await new Promise<T[]>((resolve, reject) => {
      database.all(sql, (error: Error | null, rows: T[]) => {
        if (error) reject(error);
        else resolve(rows);
      });
    });
  } finally {
    await new Promise((resolve) => {
      database.close(resolve);
    });
  }
}

describe('a backup that takes the place of the store', () => {
  let system: System;
  let backup: string;

  beforeEach(async () => {
    system = new System(20);
    backup = path.join(system.directory, 'backup.db');
    await system.startAggregator();
    // Nothing is set aside for edges: whether one gets a slot is the aggregator's decision alone.
    await system.createSite('site', 10, gates, { sharePercent: 0 });
    for (const edgeId of edgeIds) {
      await system.prepareEdge('site', edgeId, gates);
      system.startEdge(edgeId);
    }
    for (const edgeId of edgeIds) await system.edgeOnline(edgeId);
  });
  afterEach(async () => {
    await system.stop();
  });

  const command = async (...args: string[]): Promise<{ code: number | null; output: string }> => {
    const running = system.spawn('aggregator', args, system.aggregatorEnvironment());
    const code = await running.exited;
    return { code, output: running.output };
  };
  const edgeOf = (gateId: string): string => gates.find((gate) => gate.gateId === gateId)?.edgeId ?? '';
  /** Sends a vehicle and answers what became of it. */
  const drive = async (gateId: string, plate: string): Promise<string> => {
    const vehicleId = await system.sendVehicle(edgeOf(gateId), gateId, { plate });
    return until(`${plate} is through or gone`, async () => {
      const status = await system.control(edgeOf(gateId), 'GET', `/vehicles/${vehicleId}`);
      return (status.report as { outcome?: string } | null | undefined)?.outcome;
    });
  };
  const outboxOf = async (edgeId: string): Promise<Stored[]> => {
    const file = path.join(system.edgeFile(edgeId, 'data'), 'outbox.sqlite');
    const [{ epoch } = { epoch: '' }] = await rowsOf<{ epoch: string }>(file, 'SELECT epoch FROM outbox');
    const events = await rowsOf<{ seq: number; hash: string }>(file, 'SELECT seq, hash FROM event ORDER BY seq');
    return events.map((event) => ({ epoch, ...event }));
  };
  const occupancy = () =>
    system.api<{ entriesTotal: number; exitsTotal: number; vehiclesInside: number; recovering: boolean }>(
      'GET',
      '/api/v1/sites/site/occupancy',
    );
  const inside = () =>
    system.list<{ slotId: string | null; credential: { value: string } | null }>(
      '/api/v1/sites/site/sessions?state=open',
    );

  /** A vehicle is through before the aggregator has heard of it, and counted in memory before it is in a list. */
  const counted = (entries: number, exits: number) =>
    until(`${String(entries)} entries and ${String(exits)} exits are counted and stored`, async () => {
      const { entriesTotal, exitsTotal } = await occupancy();
      return entriesTotal === entries && exitsTotal === exits && (await inside()).length === entries - exits;
    });

  it('is filled up by the edges: everything once, and no slot twice', async () => {
    expect(await drive('east', 'BEFORE1')).toBe('passed');
    expect(await drive('west', 'BEFORE2')).toBe('passed');
    await counted(2, 0);
    const backedUp = await command('backup', '--to', backup, '--json');
    expect(backedUp.code).toBe(0);
    expect(JSON.parse(backedUp.output)).toMatchObject({ sound: true, sites: 1, edges: 2, sessionsInside: 2 });
    expect(await command('verify', backup)).toMatchObject({ code: 0 });

    // Only the west edge knows what happens now.
    expect(await drive('west', 'AFTER01')).toBe('passed');
    expect(await drive('out', 'BEFORE1')).toBe('passed');
    expect(await drive('west', 'AFTER02')).toBe('passed');
    await counted(4, 1);
    const slotsBefore = (await inside()).map(({ slotId }) => slotId).sort();
    expect(await occupancy()).toMatchObject({ vehiclesInside: 3 });

    const tooSoon = await command('restore', '--from', backup);
    expect(tooSoon).toMatchObject({ code: 1 });
    expect(tooSoon.output).toContain(`in use by process ${String(system.aggregator?.pid)}`);

    await system.aggregator?.kill('SIGKILL');
    await system.edges.get('edge-west')?.kill('SIGKILL');
    const restored = await command('restore', '--from', backup, '--json');
    expect(restored.code).toBe(0);
    expect(readdirSync(system.aggregatorDirectory).filter((name) => name.includes('.db.replaced-'))).toHaveLength(1);

    await system.startAggregator();
    await system.edgeOnline('edge-east');
    expect(await occupancy()).toMatchObject({ vehiclesInside: 2, recovering: true });
    // East has told all it knows, and was given nothing since the backup: without care it would get a slot of west's vehicles.
    expect(await drive('east', 'WAITING')).not.toBe('passed');

    system.startEdge('edge-west');
    await until('the site has recovered', async () => !(await occupancy()).recovering);
    await counted(4, 1);
    expect(await occupancy()).toMatchObject({ entriesTotal: 4, exitsTotal: 1, vehiclesInside: 3 });
    expect((await inside()).map(({ slotId }) => slotId).sort()).toEqual(slotsBefore);

    expect(await drive('east', 'WAITING')).toBe('passed');
    await counted(5, 1);
    const sessions = await inside();
    expect(sessions.map(({ credential }) => credential?.value).sort()).toEqual(
      ['AFTER01', 'AFTER02', 'BEFORE2', 'WAITING'].sort(),
    );
    const slots = sessions.map(({ slotId }) => slotId);
    expect(new Set(slots).size).toBe(4);
    expect(slots).not.toContain(null);

    const reviews = await system.list<{ kind: string }>('/api/v1/sites/site/reviews?open=true');
    expect(reviews.map(({ kind }) => kind)).toContain('store-restored');
    await until('every outbox is drained', async () => {
      const edges = await Promise.all(
        edgeIds.map((id) => system.api<{ outboxEvents: number | null }>('GET', `/api/v1/edges/${id}`)),
      );
      return edges.every(({ outboxEvents }) => outboxEvents === 0);
    });
    for (const edgeId of edgeIds) await system.edges.get(edgeId)?.kill('SIGTERM');
    // A list waits until the tables have what is committed.
    await system.api('GET', '/api/v1/events?limit=1');
    for (const edgeId of edgeIds) {
      const stored = await rowsOf<Stored>(
        path.join(system.aggregatorDirectory, 'gatehouse.db'),
        `SELECT epoch, seq, hash FROM events WHERE edgeId = '${edgeId}' ORDER BY seq`,
      );
      expect(stored).toEqual((await outboxOf(edgeId)).slice(0, stored.length));
      expect(stored.length).toBeGreaterThan(4);
    }
    expect(await command('verify')).toMatchObject({ code: 0 });
  });
});
