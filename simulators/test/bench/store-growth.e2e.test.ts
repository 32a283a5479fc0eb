import { describe, expect, it } from '@jest/globals';
import { measureStoreGrowth } from '../../src/bench/growth/store-growth.js';
import { createTidyUp } from '../../src/processes/index.js';

describe('what a stay takes of the store', () => {
  it('is counted from the rows that real events leave', async () => {
    const quiet = { say: () => undefined, tidyUp: createTidyUp(() => undefined) };
    const options = { stays: 200, acts: 60, sites: 1, edgesPerSite: 2, eventsPerMessage: 4, ...quiet };
    const growth = await measureStoreGrowth(options);
    expect(growth.events).toBeGreaterThanOrEqual(800);
    const rowsPerStay = new Map(growth.tables.map(({ table, rowsPerStay: rows }) => [table, rows]));
    // Whoever is inside in the end has half of a stay behind it.
    expect(rowsPerStay.get('sessions')).toBe(1);
    expect(rowsPerStay.get('events')).toBeCloseTo(4, 0);
    expect(rowsPerStay.get('arrivals')).toBeCloseTo(2, 0);
    expect(growth.tables.find(({ table }) => table === 'audit')?.bytesPerRow).toBeGreaterThan(0);
  }, 60_000);
});
