/** The load of the benchmarks against a real aggregator: what is counted as acknowledged is stored, once, and means what it should. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { startLoadedSystem } from '../../src/bench/edge-load/loaded-system.js';
import type { LoadedSystem } from '../../src/bench/edge-load/loaded-system.js';
import { preparePages } from '../../src/bench/figures/pages-under-load.js';
import { prepareSingleEvents } from '../../src/bench/figures/single-events.js';
import type { PreparedFigure } from '../../src/bench/figure.js';

// Real processes on a machine that may be busy.
jest.setTimeout(120_000);

const nothing = (): void => undefined;
const context = { say: nothing, tidyUp: { later: () => nothing, now: nothing } };
const size = { sites: 1, edgesPerSite: 2 };

describe('the load of many edges', () => {
  let loaded: LoadedSystem | undefined;
  let figure: PreparedFigure | undefined;
  afterEach(async () => {
    await loaded?.close();
    await figure?.close();
    loaded = undefined;
    figure = undefined;
  });

  it('is stored once, event by event, and every vehicle gets the slot that it says it got', async () => {
    loaded = await startLoadedSystem(context, size);
    const { system } = loaded;
    // Until there are vehicles inside, an arrival and its passage may be under way together.
    const first = await loaded.send({ messagesPerEdge: 16, eventsPerMessage: 1 });
    const second = await loaded.send({ messagesPerEdge: 64, eventsPerMessage: 1 });
    expect([first.events, second.events]).toEqual([32, 128]);
    const events = await system.list<{ kind: string; seq: number; edgeId: string }>('/api/v1/events?siteId=load-1');
    expect(events).toHaveLength(160);
    expect(new Set(events.map(({ edgeId, seq }) => `${edgeId}:${String(seq)}`)).size).toBe(160);
    const arrivals = events.filter(({ kind, seq }) => kind === 'vehicle-arrived' && seq > 16);
    expect(second.decisions).toBe(arrivals.length);
    expect(await system.list('/api/v1/sites/load-1/reviews')).toEqual([]);
    expect(await system.list('/api/v1/quarantine?siteId=load-1')).toEqual([]);
    const passed = events.filter(({ kind }) => kind === 'vehicle-passed').length;
    const { entriesTotal, exitsTotal } = await system.api<{ entriesTotal: number; exitsTotal: number }>(
      'GET',
      '/api/v1/sites/load-1/occupancy',
    );
    expect(entriesTotal + exitsTotal).toBe(passed);
    expect(exitsTotal).toBeGreaterThan(0);
  });

  it('measures single-event messages on both sides, and beside a broker that keeps them', async () => {
    figure = await prepareSingleEvents(context, { ...size, messagesPerEdge: 30 });
    for (const side of ['floor', 'ours'] as const) {
      const { events = 0, eventsKept = 0 } = await figure.measure(side, 1);
      expect(events).toBeGreaterThan(0);
      expect(eventsKept).toBeGreaterThan(0);
    }
  });

  it('measures pages, idle and under load', async () => {
    figure = await preparePages(context, { ...size, messagesPerEdge: 100, idleMs: 300 });
    for (const side of ['floor', 'ours'] as const) {
      const measured = await figure.measure(side, 1);
      expect(Object.keys(measured).sort()).toEqual([
        '/api/v1/occupancy median',
        '/api/v1/occupancy p99',
        '/metrics median',
        '/metrics p99',
      ]);
    }
  });
});
