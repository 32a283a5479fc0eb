/** The page of metrics is made from a site that is made up: it must leave nothing out that a running aggregator tells. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { openMonitored } from './monitored.js';

const page = readFileSync(fileURLToPath(new URL('../../../docs/reference/metrics.md', import.meta.url)), 'utf8');

/** Name → its row of the page. */
const rows = new Map(
  page.split('\n').flatMap((line) => {
    const [, name = '', type = '', labels = ''] = line.split('|').map((cell) => cell.trim());
    return /^`gatehouse_\w+`$/.test(name) && /^(gauge|counter|histogram)$/.test(type)
      ? [[name.slice(1, -1), { type, labels }] as const]
      : [];
  }),
);

describe('the page of metrics', () => {
  it('has every metric that an aggregator tells, with its type and its labels', async () => {
    const monitored = await openMonitored();
    const edge = monitored.world.edge('edge-1');
    edge.state({ outboxOldestAgeMs: 1, lastDecisionMs: 1 });
    edge.write('vehicle-tailgated', { gateId: 'edge-1-in', direction: 'entry', leader: null });
    edge.send();
    await monitored.world.settle();
    await monitored.scrape();
    const { text, series } = await monitored.scrape();
    const types = [...text.matchAll(/^# TYPE (gatehouse_\w+) (\w+)$/gm)].map(([, name = '', type = '']) => [
      name,
      type,
    ]);
    expect(types.length).toBeGreaterThan(60);
    expect(types).toEqual(types.map(([name = '']) => [name, rows.get(name)?.type]));
    for (const key of series.keys()) {
      const [, name = '', labels = ''] = /^(gatehouse_\w+?)(?:_bucket|_sum|_count)?(?:[{](.*)[}])?$/.exec(key) ?? [];
      for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) {
        if (label !== 'le')
          expect({ name, labels: rows.get(name)?.labels }).toEqual({
            name,
            labels: expect.stringContaining(`\`${label}\``),
          });
      }
    }
    const told = new Set(types.map(([name]) => name));
    const aggregators = [...rows.keys()].filter((name) => !name.startsWith('gatehouse_agent_'));
    expect(aggregators.filter((name) => !told.has(name))).toEqual([]);
    await monitored.stop();
  });

  it('has those of edge agents too', () => {
    const edges = [...rows.keys()].filter((name) => name.startsWith('gatehouse_agent_'));
    expect(edges.length).toBeGreaterThan(20);
  });
});
