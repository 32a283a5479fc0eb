/** An edge agent on a virtual clock, with its metrics. */
import { createEdgeMetrics } from '../../../src/http/metrics.js';
import type { EdgeMetricsOptions } from '../../../src/http/metrics.js';
import { createHarness } from '../../app/harness.js';
import type { Harness, HarnessOptions } from '../../app/harness.js';

export interface WatchedEdge {
  readonly edge: Harness;
  readonly metrics: ReturnType<typeof createEdgeMetrics>;
  /** Every series of a scrape with its value; `site` and `edge` are left out of the names. */
  scrape(): Promise<ReadonlyMap<string, number>>;
  text(): Promise<string>;
}

export const gibibyte = 2 ** 30;

export function watchEdge(options: HarnessOptions = {}, change: Partial<EdgeMetricsOptions> = {}): WatchedEdge {
  const metrics = createEdgeMetrics({
    ...{ siteId: 'site', edgeId: 'edge', version: '1.2.3', outboxLimitBytes: 512 * 2 ** 20, processMetrics: false },
    volume: () => Promise.resolve({ freeBytes: 3 * gibibyte, sizeBytes: 8 * gibibyte }),
    certificateEnd: null,
    ...change,
  });
  const edge = createHarness({ ...options, observer: metrics.observer });
  metrics.attach(() => edge.agent.status());
  const text = async (): Promise<string> => (await metrics.render()).text;
  return {
    edge,
    metrics,
    text,
    scrape: async () => new Map(seriesOf(await text())),
  };
}

/** @throws Error for a series without the labels of its edge */
export function seriesOf(text: string): (readonly [name: string, value: number])[] {
  return text.split('\n').flatMap((line) => {
    if (line === '' || line.startsWith('#')) return [];
    const [, name = '', labels = '', value = ''] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    const own = labels.split(',').filter((label) => label !== 'site="site"' && label !== 'edge="edge"');
    if (labels.split(',').length - own.length !== 2) throw new Error(`not labelled with its edge: ${line}`);
    return [[own.length === 0 ? name : `${name}{${own.join(',')}}`, Number(value)] as const];
  });
}
