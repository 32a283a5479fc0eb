/**
 * An edge whose machine boots with a wrong clock, as a Raspberry Pi without a network does, and whose clock is then set right.
 * @needs faketime
 */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { System, until } from '../support/processes.js';
import type { SiteGate } from '../support/processes.js';

jest.setTimeout(180_000);

/** Between the clocks of two processes, and for messages on their way. */
const toleranceMs = 5_000;

const gates: SiteGate[] = [
  { gateId: 'in', edgeId: 'edge', direction: 'entry' },
  { gateId: 'out', edgeId: 'edge', direction: 'exit' },
];

interface StoredEvent {
  readonly seq: number;
  readonly kind: string;
  readonly at: string;
  readonly flags: readonly string[];
}

interface Allowance {
  readonly settled: boolean;
  readonly inSet: number;
}

interface Session {
  readonly state: string;
  readonly entryAt: string;
  readonly durationSeconds: number | null;
}

/** The library that gives a program another wall clock, and leaves its monotonic clock alone. */
function fakeTimeLibrary(): string {
  for (const folder of readdirSync('/usr/lib')) {
    const library = path.join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1');
    try {
      readdirSync(path.dirname(library));
      return library;
    } catch {
      // Of another architecture.
    }
  }
  throw new Error('libfaketime is not there');
}

describe('an edge agent that starts with a wrong clock', () => {
  let system: System;
  let clockFile: string;
  const setClock = (to: string): void => {
    writeFileSync(clockFile, `${to}\n`);
  };

  beforeEach(async () => {
    system = new System(1);
    clockFile = path.join(system.directory, 'clock');
    await system.startAggregator();
    await system.createSite('site', 10, gates);
    await system.prepareEdge('site', 'edge', gates);
    // Its lanes are on the clock of its machine.
    system.reconfigureEdge('edge', ({ simulation }) => ({
      simulation: { ...simulation, clock: undefined },
      protocol: { stateIntervalMs: 2_000 },
    }));
  });
  afterEach(async () => {
    await system.stop();
  });

  const driveThrough = async (gateId: string, plate: string): Promise<void> => {
    const vehicleId = await system.sendVehicle('edge', gateId, { plate });
    const outcome = await until(`${plate} is through or gone`, async () => {
      const { report } = await system.control('edge', 'GET', `/vehicles/${vehicleId}`);
      return (report as { outcome?: string } | null | undefined)?.outcome;
    });
    expect(outcome).toBe('passed');
  };
  const start = async (wrong: string): Promise<void> => {
    setClock(wrong);
    const running = system.spawn('edge', ['--config', system.edgeFile('edge', 'config.json')], {
      LD_PRELOAD: fakeTimeLibrary(),
      FAKETIME_TIMESTAMP_FILE: clockFile,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    });
    system.edges.set('edge', running);
    await system.edgeOnline('edge');
  };
  const counted = async (name: 'entriesTotal' | 'exitsTotal'): Promise<void> => {
    await until(`${name} is 1`, async () => {
      const totals = await system.api<Record<string, number>>('GET', '/api/v1/sites/site/occupancy');
      return totals[name] === 1;
    });
  };
  /** In the order in which they were written. */
  const events = async (): Promise<StoredEvent[]> =>
    (await system.list<StoredEvent>('/api/v1/events?siteId=site')).sort((a, b) => a.seq - b.seq);
  const told = (kind: string): Promise<unknown> =>
    until(`${kind} is told`, async () => (await events()).some((event) => event.kind === kind));
  const sessions = (): Promise<Session[]> => system.list<Session>('/api/v1/sites/site/sessions');

  it.each([
    ['in 1970', '@1970-01-01 00:10:00'],
    ['two years ahead', '+730d'],
  ])('%s: counts, and keeps order and durations when the clock is set right', async (_when, wrong) => {
    await start(wrong);
    const beforeMs = Date.now();
    await driveThrough('in', 'CLOCK1');
    await counted('entriesTotal');
    const [entered] = await sessions();
    expect(Date.parse(entered?.entryAt ?? '')).toBeGreaterThan(beforeMs - toleranceMs);
    expect(Date.parse(entered?.entryAt ?? '')).toBeLessThan(Date.now() + toleranceMs);
    expect((await events()).find(({ kind }) => kind === 'vehicle-passed')?.flags).toContain('clock-off');
    setClock('+0');
    await told('fault-raised');
    await told('fault-cleared');
    await driveThrough('out', 'CLOCK1');
    await counted('exitsTotal');
    const stayMs = Date.now() - beforeMs;
    const [left, ...others] = await sessions();
    expect([left?.state, others]).toEqual(['closed', []]);
    expect(left?.durationSeconds).toBeLessThan((stayMs + toleranceMs) / 1_000);
    const stored = await events();
    expect(stored.map(({ seq }) => seq)).toEqual(stored.map((_, index) => index + 1));
    const times = stored.map(({ at }) => Date.parse(at));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(stored.at(-1)?.flags).toEqual([]);
    expect(await system.list('/api/v1/sites/site/reviews?open=true')).toEqual([]);
  });

  it('in 2000, alone: what it counted then has its true time when it comes after the clock was set right', async () => {
    await start('@2000-01-01 00:00:00');
    await until('it may admit alone', async () => {
      const { allowance } = await system.api<{ allowance: Allowance | null }>('GET', '/api/v1/edges/edge');
      return allowance?.settled === true && allowance.inSet > 0;
    });
    await system.aggregator?.kill();
    const beforeMs = Date.now();
    await driveThrough('in', 'CLOCK2');
    const afterMs = Date.now();
    setClock('+0');
    await system.startAggregator();
    await counted('entriesTotal');
    const [session] = await sessions();
    expect(Date.parse(session?.entryAt ?? '')).toBeGreaterThan(beforeMs - toleranceMs);
    expect(Date.parse(session?.entryAt ?? '')).toBeLessThan(afterMs + toleranceMs);
  });
});
