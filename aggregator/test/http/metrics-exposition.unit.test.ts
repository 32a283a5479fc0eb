/** The page of metrics is written in steps between which others have their turn, and says what the library would. */
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { sessionBases } from '../../src/domain/rows.js';
import { createExposition } from '../../src/http/metrics-exposition.js';
import { createFamilies } from '../../src/http/metrics-family.js';
import { createBuckets, histogramTails, putHistogram } from '../../src/http/metrics-histogram.js';
import { labelHead, labelTail } from '../../src/http/metrics-text.js';
import { createMetrics } from '../../src/http/metrics.js';
import type { Metrics } from '../../src/http/metrics.js';
import { parseFamilies } from './exposition-text.js';
import { madeUpAggregator } from './made-up-aggregator.js';
import type { MadeUp } from './made-up-aggregator.js';
import { renderedText } from './rendered-text.js';

const nextTurn = async (): Promise<void> => {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
};

interface Opened {
  readonly made: MadeUp;
  readonly metrics: Metrics;
  pauses(): number;
}

function open(size: { readonly sites: number; readonly edgesPerSite: number }, onPause?: (of: Opened) => void): Opened {
  let pauses = 0;
  const made = madeUpAggregator(size);
  const pause = async (): Promise<void> => {
    pauses += 1;
    onPause?.(opened);
    await nextTurn();
  };
  const metrics = createMetrics({ version: '1', processMetrics: false, pause });
  metrics.attach(made.aggregator, made.clocks);
  const opened = { made, metrics, pauses: () => pauses };
  return opened;
}

const linesOf = (pieces: readonly Buffer[]): number =>
  pieces.reduce((sum, piece) => sum + piece.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0), 0);

describe('a scrape of 10,000 edges', () => {
  const size = { sites: 50, edgesPerSite: 200 };
  /** What a step may have, and what the largest site has besides. */
  const linesPerStep = 20_000 + 2_000;

  it('gives the event loop back after 20,000 lines at most, but for what one site or edge has', async () => {
    const { metrics, pauses } = open(size);
    const { pieces } = await metrics.render();
    const lines = linesOf(pieces);
    expect(lines).toBeGreaterThan(500_000);
    expect(pauses()).toBeGreaterThanOrEqual(Math.floor(lines / linesPerStep));
  });

  it('lets whatever else waits have its turn as often', async () => {
    const { aggregator, clocks } = madeUpAggregator(size);
    const metrics = createMetrics({ version: '1', processMetrics: false });
    metrics.attach(aggregator, clocks);
    let turns = 0;
    let isOver = false;
    const tick = (): void => {
      turns += 1;
      if (!isOver) setImmediate(tick);
    };
    setImmediate(tick);
    const { pieces } = await metrics.render();
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(Math.floor(linesOf(pieces) / linesPerStep));
  });

  it('is handed to its reader some megabytes at a time', async () => {
    const { metrics, pauses } = open(size);
    const { pieces, sizeBytes, body } = await metrics.render();
    const before = pauses();
    const read: Buffer[] = [];
    for await (const chunk of body()) read.push(chunk as Buffer);
    expect(Buffer.concat(read).equals(Buffer.concat([...pieces]))).toBe(true);
    expect(Buffer.concat(read)).toHaveLength(sizeBytes);
    expect(pauses() - before).toBeGreaterThanOrEqual(Math.floor(sizeBytes / (4.5 * 1024 * 1024)));
    expect(pauses() - before).toBeGreaterThan(5);
  });

  it('that its reader gives up is not read to its end', async () => {
    const { metrics, pauses } = open(size);
    const { body } = await metrics.render();
    const before = pauses();
    const reader = body();
    reader.once('data', () => reader.destroy());
    await once(reader, 'close');
    expect(pauses() - before).toBeLessThan(3);
  });
});

describe('what is told of one moment', () => {
  const size = { sites: 40, edgesPerSite: 5 };

  it('is all of a site: buckets, sum and count of a histogram agree, whatever happens between steps', async () => {
    let observed = 0;
    const { metrics, pauses } = open(size, ({ made, metrics: { observer } }) => {
      for (const siteId of made.sites.keys()) {
        observed += 1;
        observer.onSessionClosed(
          siteId,
          observed * 1_000_000,
          sessionBases[observed % sessionBases.length] ?? 'inferred',
        );
      }
    });
    for (let round = 0; round < 3; round += 1) {
      const { series } = parseFamilies(await renderedText(metrics)).get('gatehouse_session_duration_seconds') ?? {};
      const counts = [...(series ?? [])].filter(([key]) => key.includes('_count"'));
      expect(counts).toHaveLength(40 * sessionBases.length);
      for (const [key, count] of counts) {
        const all = key.replace('_count"', '_bucket"').replace(',["site"', ',["le","+Inf"],["site"');
        expect(series?.get(all)).toBe(count);
      }
    }
    expect(pauses()).toBeGreaterThan(2);
    expect(observed).toBeGreaterThan(0);
  });

  it('is that of its turn: an edge that is revoked before is not told of', async () => {
    const { metrics, made } = open({ sites: 100, edgesPerSite: 5 }, ({ made: { edges } }) => {
      const edge = edges.get('site-100-edge-5');
      if (edge !== undefined) edges.set(edge.edgeId, { ...edge, revokedAtMs: 1 });
    });
    const text = await renderedText(metrics);
    expect(text).toContain('gatehouse_edge_up{site="site-100",edge="site-100-edge-4"} 1');
    expect(text).not.toContain('gatehouse_edge_up{site="site-100",edge="site-100-edge-5"}');
    expect(made.looks()).toBe(1);
  });

  it('leaves out a site that is gone when its turn comes, with its counts', async () => {
    const { metrics } = open({ sites: 60, edgesPerSite: 5 }, ({ made: { sites } }) => sites.delete('site-60'));
    metrics.observer.onDenied('site-60', 'full');
    metrics.observer.onDecision('site-60', 1, 'deny');
    const text = await renderedText(metrics);
    expect(text).toContain('gatehouse_capacity{site="site-59"}');
    expect(text).not.toContain('gatehouse_capacity{site="site-60"}');
    expect(text).not.toContain('gatehouse_denials_total{site="site-60"');
    expect(text).not.toContain('gatehouse_decision_duration_seconds_count{site="site-60"');
  });
});

describe('counts', () => {
  it('of a site or an edge that is gone are forgotten: one that comes back begins at 0', async () => {
    const { metrics, made } = open({ sites: 2, edgesPerSite: 1 });
    const { observer } = metrics;
    const ofSite = (siteId: string): void => {
      observer.onDenied(siteId, 'full');
      observer.onDecision(siteId, 1, 'deny');
    };
    const told = async (): Promise<string[]> =>
      (await renderedText(metrics))
        .split('\n')
        .filter((line) => /_(denials|lost_events|decision_duration_seconds_count).*[1-9]$/.test(line));
    for (const siteId of ['site-1', 'site-2']) ofSite(siteId);
    for (const edgeId of ['site-1-edge-1', 'site-2-edge-1']) observer.onEventsLost(edgeId.slice(0, 6), edgeId, 3);
    expect(await told()).toHaveLength(6);
    const [site, edge] = [made.sites.get('site-1'), made.edges.get('site-2-edge-1')];
    if (site === undefined || edge === undefined) throw new Error('not made up');
    made.sites.delete('site-1');
    made.edges.set(edge.edgeId, { ...edge, revokedAtMs: 1 });
    await told();
    made.sites.set('site-1', site);
    made.edges.set(edge.edgeId, edge);
    expect((await told()).sort()).toEqual(
      [
        'gatehouse_lost_events_total{site="site-1",edge="site-1-edge-1"} 3',
        'gatehouse_denials_total{site="site-2",reason="full"} 1',
        'gatehouse_decision_duration_seconds_count{site="site-2",outcome="deny"} 1',
      ].sort(),
    );
  });
});

describe('scrapes at the same time', () => {
  it('share one page, and the next has a new one', async () => {
    const { metrics, made } = open({ sites: 2, edgesPerSite: 2 });
    const pages = await Promise.all(Array.from({ length: 100 }, () => metrics.render()));
    expect(new Set(pages).size).toBe(1);
    expect(made.looks()).toBe(1);
    expect(await metrics.render()).not.toBe(pages[0]);
    expect(made.looks()).toBe(2);
  });

  it('fail together, and the next one does not', async () => {
    const { metrics, made } = open({ sites: 1, edgesPerSite: 1 });
    made.failNext(new Error('nothing to see'));
    const results = await Promise.allSettled([metrics.render(), metrics.render()]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await renderedText(metrics)).toContain('gatehouse_edge_up{');
  });
});

/** Characters that mean something in the format, and others. */
const anyText = fc.oneof(
  fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'n', '{', '}', '=', ',', ' ', '#', 'é', '\u{1f697}') }),
  fc.string({ unit: 'binary' }),
);
const labelNames = ['alpha', 'beta'] as const;
const anyValue = fc.oneof(
  fc.double(),
  fc.integer({ min: -5, max: 1_100 }),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e21, 5e-324),
);
const anySeries = <V>(value: fc.Arbitrary<V>) =>
  fc.uniqueArray(fc.record({ alpha: anyText, beta: anyText, value }), {
    selector: ({ alpha, beta }) => JSON.stringify([alpha, beta]),
    maxLength: 6,
  });
const finite = fc.double({ min: 0, max: 1e12, noNaN: true });

interface MadeUpFamily {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly help: string;
  readonly series: readonly { readonly alpha: string; readonly beta: string; readonly value: number | number[] }[];
}

const anyFamily: fc.Arbitrary<MadeUpFamily> = fc
  .constantFrom('gauge' as const, 'counter' as const, 'histogram' as const)
  .chain((type) =>
    fc.record({
      type: fc.constant(type),
      help: anyText.filter((text) => text !== ''),
      series: anySeries<number | number[]>(
        { gauge: anyValue, counter: finite, histogram: fc.array(finite, { maxLength: 5 }) }[type],
      ),
    }),
  );

describe('the text', () => {
  const buckets = createBuckets([0.5, 1, 100, 1e9]);

  it('says what the library would say, whatever the labels and values are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyFamily, { maxLength: 5 }), async (all) => {
        const registry = new Registry();
        const families = createFamilies(registry, () => undefined);
        for (const [index, { type, help, series }] of all.entries()) {
          families.define('program', {
            name: `family_${String(index)}`,
            help,
            type,
            labelNames,
            ...(type === 'histogram' ? { buckets: buckets.bounds } : {}),
            each(_program, put) {
              for (const { alpha, beta, value } of series) {
                const head = labelHead({ alpha });
                if (typeof value === 'number') {
                  put(head, labelTail({ beta }), value);
                } else {
                  const observed = buckets.empty();
                  for (const one of value) buckets.observe(observed, one);
                  putHistogram(put, head, histogramTails(buckets, { beta }), observed);
                }
              }
            },
          });
        }
        const render = createExposition({
          registry,
          families,
          look: async () => Promise.resolve(undefined),
          pause: nextTurn,
        });
        const { pieces, contentType, sizeBytes } = await render();
        const text = Buffer.concat([...pieces]).toString();
        expect(Buffer.byteLength(text)).toBe(sizeBytes);
        expect(contentType).toBe(registry.contentType);
        expect(all.length === 0 ? new Map() : parseFamilies(text)).toEqual(
          all.length === 0 ? new Map() : parseFamilies(await registry.metrics()),
        );
        for (const [index, { type, help, series }] of all.entries()) {
          const family = parseFamilies(text).get(`family_${String(index)}`);
          expect(family).toMatchObject({ type, help });
          expect(family?.series.size).toBe(series.length * (type === 'histogram' ? 7 : 1));
        }
      }),
    );
  });

  it('says of all families what the library would say', async () => {
    const made = madeUpAggregator({ sites: 3, edgesPerSite: 4 });
    const registry = new Registry();
    const metrics = createMetrics({ version: '1', processMetrics: false, registry });
    metrics.attach(made.aggregator, made.clocks);
    const { observer } = metrics;
    observer.onDecision('site-1', 30, 'admit');
    observer.onSessionClosed('site-2', 7_000_000, 'inferred');
    observer.onEvent('site-3', 'vehicle-passed', 'applied', 17);
    observer.onPassage('site-1', 'site-1-edge-1-entry', 'exit');
    observer.onQuarantine(null, 'unreadable');
    observer.onQuarantine('site-1', 'unreadable');
    observer.onEventsLost('site-1', 'site-1-edge-2', 5);
    observer.onLogLines('site-1', 'site-1-edge-3', 'warn', 2);
    metrics.onRequest('GET', '/healthz', 200, 0.003);
    const told = parseFamilies(await renderedText(metrics));
    expect(told).toEqual(parseFamilies(await registry.metrics()));
    const values = [...told.values()].flatMap(({ series }) => [...series.values()]);
    expect(values.length).toBeGreaterThan(1_000);
    expect(values).toEqual(expect.arrayContaining([17, 5, 7_000, 0.03]));
  });
});
