/** A running aggregator over memory parts with all its metrics, scraped as Prometheus would. */
import { silentLogger, siteLayoutSchema } from '@gatehouse/shared';
import type { SiteLayout } from '@gatehouse/shared';
import { sha256, systemClock, systemRandom } from '@gatehouse/shared/node';
import { createKey } from '../../src/app/operations/keys.js';
import { createMetrics } from '../../src/http/metrics.js';
import type { Metrics } from '../../src/http/metrics.js';
import { createHttpServer } from '../../src/http/server.js';
import type { HttpServer } from '../../src/http/server.js';
import { httpSettingsSchema } from '../../src/http/settings.js';
import { openWorld, siteId } from '../app/support.js';
import type { World, WorldOptions } from '../app/support.js';

export interface Monitored {
  readonly world: World;
  readonly metrics: Metrics;
  readonly http: HttpServer;
  /** Asks the API with an admin's key; answers the status. */
  ask(method: string, url: string): Promise<number>;
  scrape(): Promise<Exposition>;
  putLayout(layout: SiteLayout): Promise<void>;
  stop(): Promise<void>;
}

export interface Exposition {
  readonly text: string;
  /** `name{label="value",…}` → value. */
  readonly series: ReadonlyMap<string, number>;
  /** Every label of every series. */
  readonly labels: readonly { readonly name: string; readonly value: string }[];
  /** Of the series with this name, those of `filter`: what stands in their braces → value. */
  of(name: string, filter?: string): Readonly<Record<string, number>>;
}

export async function openMonitored(options: WorldOptions = {}): Promise<Monitored> {
  const metrics = createMetrics({ version: '1.2.3', processMetrics: true });
  const world = await openWorld({ ...options, observer: metrics.observer });
  const { aggregator, clock } = world;
  metrics.attach(aggregator, { clock, systemClock: clock });
  metrics.attachBroker(() => ({
    clients: 1,
    unauthenticated: 0,
    connectionsTotal: 1,
    messagesInTotal: 1,
    messagesOutTotal: 1,
    refusedTotal: { credentials: 0 },
  }));
  metrics.attachMachine({
    storage: async () =>
      Promise.resolve({
        volumeFreeBytes: 3,
        volumeSizeBytes: 4,
        storeBytes: 1,
        storeLogBytes: 1,
        storeFreeBytes: 1,
        storeBehindMs: 0,
      }),
    certificates: [{ listener: 'http', endSeconds: Date.UTC(2030, 0, 1) / 1000 }],
  });
  const http = await createHttpServer(
    {
      aggregator,
      clock,
      systemClock,
      random: systemRandom,
      sha256,
      logger: silentLogger,
      metrics,
      version: '1.2.3',
      disconnectEdge: async () => Promise.resolve(),
      mqttUrl: (host) => `mqtt://${host}:1883`,
    },
    httpSettingsSchema.parse({ rate: { requestsPerKeyPerMinute: 100_000, requestsPerAddressPerMinute: 100_000 } }),
  );
  const key = systemRandom.hex(32);
  await aggregator.committer.execute((turn) => {
    const tester = { keyId: 'test', label: 'test', role: 'admin', siteId: null } as const;
    createKey(turn, tester, { label: 'admin', role: 'admin', siteId: null, keyHash: sha256(key) });
  });
  return {
    world,
    metrics,
    http,
    async ask(method, url) {
      const headers = { authorization: `Bearer ${key}` };
      return (await http.app.inject({ method: method as 'GET', url, headers })).statusCode;
    },
    scrape: async () => parseExposition((await http.app.inject({ method: 'GET', url: '/metrics' })).body),
    async putLayout(layout) {
      await aggregator.committer.execute((turn) =>
        turn.apply(siteId, { type: 'put-layout', layout, by: 'test', reason: 'test' }),
      );
      await world.settle();
    },
    async stop() {
      await http.close();
      await aggregator.stop();
    },
  };
}

export interface LayoutSize {
  readonly zones?: readonly string[];
  readonly slots?: number;
  /** Gate → what it is for. */
  readonly gates?: Readonly<Record<string, 'entry' | 'exit' | 'both'>>;
  readonly edgeId?: string;
}

/** A layout of the site of `openWorld`: by default as that one is made. */
export function sizedLayout(size: LayoutSize = {}): SiteLayout {
  const { zones = ['a'], slots = 20, edgeId = 'edge-1' } = size;
  const gates = size.gates ?? { 'edge-1-in': 'entry', 'edge-1-out': 'exit' };
  return siteLayoutSchema.parse({
    siteId,
    name: 'North',
    zones: zones.map((zoneId) => ({ zoneId, name: zoneId.toUpperCase() })),
    slots: Array.from({ length: slots }, (_, index) => ({
      slotId: `a-${String(index + 1)}`,
      zoneId: zones[index % zones.length],
      label: `A${String(index + 1)}`,
    })),
    gates: Object.entries(gates).map(([gateId, direction]) => ({ gateId, edgeId, name: gateId, direction })),
  });
}

function parseExposition(text: string): Exposition {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const end = line.lastIndexOf(' ');
    series.set(line.slice(0, end), Number(line.slice(end + 1)));
  }
  const labels = [...series.keys()].flatMap((name) =>
    [...name.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', value = '']) => ({ name: label, value })),
  );
  return {
    text,
    series,
    labels,
    of(name, filter = '') {
      const found = [...series].flatMap(([key, value]) => {
        const [head = '', rest = ''] = key.split('{');
        return head === name && rest.includes(filter) ? [[rest.slice(0, -1), value] as const] : [];
      });
      return Object.fromEntries(found);
    },
  };
}
