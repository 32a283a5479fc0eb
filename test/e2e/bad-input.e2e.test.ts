/** Edges that are not what they should be, as real processes: each is told so clearly, and nothing is lost or counted twice. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { System, until } from '../support/processes.js';
import type { SiteGate } from '../support/processes.js';

jest.setTimeout(120_000);

const yearMs = 365 * 86_400_000;

interface Site {
  readonly entriesTotal: number;
  readonly exitsTotal: number;
  readonly vehiclesInside: number;
}

interface Edge {
  readonly online: boolean;
  readonly outboxEvents: number | null;
  readonly clockOffsetSeconds: number | null;
}

describe('an edge that is not what it should be', () => {
  const system = new System(10);
  const gatesOf = (edgeId: string): SiteGate[] => [
    { gateId: `${edgeId}-in`, edgeId, direction: 'entry' },
    { gateId: `${edgeId}-out`, edgeId, direction: 'exit' },
  ];

  const open = async (siteId: string, edgeIds: readonly string[], sharePercent = 20): Promise<void> => {
    const gates = edgeIds.flatMap(gatesOf);
    await system.createSite(siteId, 20, gates, { sharePercent });
    for (const edgeId of edgeIds) await system.prepareEdge(siteId, edgeId, gates);
  };
  const start = async (...edgeIds: string[]): Promise<void> => {
    for (const edgeId of edgeIds) system.startEdge(edgeId);
    for (const edgeId of edgeIds) await system.edgeOnline(edgeId);
  };
  /** Sends a vehicle; answers how it ended for it. `at` may be a twin, whose gates have the names of the original's. */
  const drive = async (at: string, gateId: string, plate: string): Promise<string> => {
    const vehicleId = await system.sendVehicle(at, gateId, { plate });
    return until(`${plate} is through ${gateId} of ${at}, or gone`, async () => {
      const status = await system.control(at, 'GET', `/vehicles/${vehicleId}`);
      return (status.report as { outcome?: string } | undefined)?.outcome;
    });
  };
  const site = (siteId: string) => system.api<Site>('GET', `/api/v1/sites/${siteId}/occupancy`);
  const edge = (edgeId: string) => system.api<Edge>('GET', `/api/v1/edges/${edgeId}`);
  const drained = (edgeId: string) =>
    until(`the outbox of ${edgeId} is drained`, async () => {
      const { online, outboxEvents } = await edge(edgeId);
      return online && outboxEvents === 0;
    });
  const outputOf = (name: string): string => system.edges.get(name)?.output ?? '';
  const stop = async (name: string): Promise<void> => {
    expect(await system.edges.get(name)?.kill('SIGTERM')).toBe(0);
  };

  beforeAll(() => system.startAggregator());
  afterAll(() => system.stop());

  it('runs twice with one identity: both work alone, it is noticed, and every passage is counted once', async () => {
    await open('twins', ['one']);
    system.reconfigureEdge('one', () => ({ broker: { reconnectMaxMs: 1_000 } }));
    await start('one');
    expect(await drive('one', 'one-in', 'FIRST01')).toBe('passed');
    await drained('one');
    await stop('one');
    await system.cloneEdge('one', 'twin');

    for (const name of ['one', 'twin']) system.startEdge(name);
    const outcomes: [string, string][] = [];
    const round = async (number: number): Promise<void> => {
      for (const name of ['one', 'twin']) {
        for (const direction of ['in', 'out']) {
          outcomes.push([direction, await drive(name, `one-${direction}`, `${name.toUpperCase()}${String(number)}`)]);
        }
      }
    };
    await until('both are there', async () => {
      await Promise.all(['one', 'twin'].map((name) => system.control(name, 'GET', '/gates')));
      return true;
    });
    await round(1);
    await until('the conflict is under review', async () =>
      (await system.list<{ kind: string }>('/api/v1/sites/twins/reviews?open=true')).some(
        ({ kind }) => kind === 'identity-conflict',
      ),
    );
    await round(2);
    // Whoever cannot ask lets out and lets nobody in.
    expect(outcomes.filter(([direction, outcome]) => direction === 'out' && outcome !== 'passed')).toEqual([]);
    for (const name of ['one', 'twin']) expect(system.edges.get(name)?.exitCode).toBeNull();

    // The installer takes the second one away, and hears it out once more.
    await stop('twin');
    await drained('one');
    expect(await drive('one', 'one-in', 'LAST001')).toBe('passed');
    await drained('one');
    await stop('one');
    await start('one');
    await drained('one');
    await stop('one');
    system.startEdge('twin');
    await drained('one');

    const passed = (direction: string): number =>
      outcomes.filter(([way, outcome]) => way === direction && outcome === 'passed').length;
    await until('what passed is what was counted', async () => {
      const { entriesTotal, exitsTotal, vehiclesInside } = await site('twins');
      expect({ entriesTotal, exitsTotal }).toEqual({ entriesTotal: passed('in') + 2, exitsTotal: passed('out') });
      return entriesTotal - exitsTotal === vehiclesInside;
    });
  });

  it('is revoked while connected, then shows a wrong credential: says so, lets out alone, asks seldom, loses nothing', async () => {
    // With nothing set aside, so that whoever cannot ask lets nobody in.
    await open('revoked', ['good', 'bad'], 0);
    await start('good', 'bad');
    expect(await drive('bad', 'bad-in', 'INSIDE1')).toBe('passed');
    await drained('bad');

    const works = async (plates: readonly [string, string]): Promise<void> => {
      const sentence = 'credential refused or revoked: enrol this edge again';
      await until('it says why', () => outputOf('bad').includes(sentence));
      const waits = [...outputOf('bad').matchAll(/"reason":"credential refused[^\n]*"retryInMs":(\d+)/g)];
      expect(waits.length).toBe(1);
      expect(Number(waits[0]?.[1])).toBeGreaterThanOrEqual(30_000);
      expect(await drive('bad', 'bad-out', plates[0])).toBe('passed');
      expect(await drive('bad', 'bad-in', plates[1])).not.toBe('passed');
      expect(system.edges.get('bad')?.exitCode).toBeNull();
      expect(await drive('good', 'good-in', `${plates[1]}G`)).toBe('passed');
    };
    await system.api('POST', '/api/v1/edges/bad/revoke', { reason: 'the cabinet was stolen' });
    await works(['INSIDE1', 'NOBODY1']);
    await stop('bad');

    const file = path.join(system.edgeFile('bad', 'data'), 'credential.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/("password": ")[^"]*/, '$1wrong'), { mode: 0o600 });
    system.startEdge('bad');
    await until('its gates are there', () => system.control('bad', 'GET', '/gates'));
    await works(['UNKNOWN', 'NOBODY2']);
    expect((await edge('bad')).online).toBe(false);
    await stop('bad');

    const { enrolmentCode } = await system.api<{ enrolmentCode: string }>('POST', '/api/v1/edges/bad/enrolment-code', {
      reason: 'it was found',
    });
    const flags = ['--url', system.url, '--data-dir', system.edgeFile('bad', 'data')];
    expect(await system.spawn('edge', ['enroll', enrolmentCode, ...flags]).exited).toBe(0);
    await start('bad');
    await drained('bad');
    await drained('good');
    expect(await site('revoked')).toMatchObject({ entriesTotal: 3, exitsTotal: 2 });
    const sessions = await system.list<{ credential: { value: string } | null; state: string }>(
      '/api/v1/sites/revoked/sessions?state=closed',
    );
    expect(sessions.map(({ credential }) => credential?.value)).toContain('INSIDE1');
  });

  it('has a clock a year off: flagged, corrected, no duration is negative, and the next vehicles are served', async () => {
    await open('clocks', ['ahead', 'behind', 'right']);
    for (const [edgeId, offMs] of [
      ['ahead', yearMs],
      ['behind', -yearMs],
    ] as const) {
      system.reconfigureEdge(edgeId, ({ simulation }) => ({
        simulation: {
          ...simulation,
          clock: { ...simulation.clock, simulatedBaseMs: simulation.clock.simulatedBaseMs + offMs },
        },
      }));
    }
    await start('ahead', 'behind', 'right');
    const stays = [
      ['ahead', 'behind'],
      ['behind', 'ahead'],
      ['ahead', 'right'],
      ['right', 'behind'],
    ] as const;
    for (const [index, [entry, exit]] of stays.entries()) {
      const plate = `CLOCK${String(index)}`;
      expect(await drive(entry, `${entry}-in`, plate)).toBe('passed');
      await drained(entry);
      expect(await drive(exit, `${exit}-out`, plate)).toBe('passed');
    }
    await until('all have left', async () => (await site('clocks')).exitsTotal === stays.length);
    expect(await site('clocks')).toMatchObject({ entriesTotal: stays.length, vehiclesInside: 0 });

    const sessions = await system.list<{ state: string; durationSeconds: number; entryAt: string }>(
      '/api/v1/sites/clocks/sessions',
    );
    expect(sessions.map(({ state }) => state)).toEqual(stays.map(() => 'closed'));
    for (const { durationSeconds, entryAt } of sessions) {
      expect(durationSeconds).toBeGreaterThanOrEqual(0);
      expect(durationSeconds).toBeLessThan(86_400);
      expect(Math.abs(Date.parse(entryAt) - Date.now())).toBeLessThan(86_400_000);
    }
    const [ahead, behind, right] = await Promise.all(['ahead', 'behind', 'right'].map(edge));
    expect(Math.round((ahead?.clockOffsetSeconds ?? 0) / 86_400)).toBe(365);
    expect(Math.round((behind?.clockOffsetSeconds ?? 0) / 86_400)).toBe(-365);
    expect(Math.abs(right?.clockOffsetSeconds ?? Infinity)).toBeLessThan(30);
    const events = await system.list<{ edgeId: string; flags: string[] }>('/api/v1/events?siteId=clocks');
    expect(events.length).toBeGreaterThanOrEqual(4 * stays.length);
    expect(events.filter(({ edgeId, flags }) => flags.includes('clock-off') !== (edgeId !== 'right'))).toEqual([]);
    expect(await (await fetch(`${system.url}/metrics`)).text()).toMatch(
      /gatehouse_edge_clock_offset_seconds\{[^}]*ahead[^}]*\} 3\.?15/,
    );
  });
});
