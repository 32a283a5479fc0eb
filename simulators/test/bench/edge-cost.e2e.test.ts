/**
 * Figure 10 at a tiny size: what it counts adds up.
 * @needs strace
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { edgeCost, prepareEdgeCost } from '../../src/bench/figures/edge-cost.js';
import { createTidyUp } from '../../src/processes/index.js';

const sizes = { idle: 1, settleSeconds: 0, idleSeconds: 1, vehicles: 3, starts: 1 };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('what an edge agent takes of its machine', () => {
  it('is measured line by line, beside a floor where there is one', async () => {
    const prepared = await prepareEdgeCost(
      { directory, tidyUp: createTidyUp(() => undefined), say: () => undefined },
      sizes,
    );
    try {
      const floor = await prepared.measure('floor', 1);
      const ours = await prepared.measure('ours', 1);
      for (const { key } of edgeCost.lines) expect([key, ours[key]]).toEqual([key, expect.any(Number)]);
      for (const { key, floor: beside } of edgeCost.lines) {
        if (beside !== null) expect([key, floor[key]]).toEqual([key, expect.any(Number)]);
      }
      // It comes, it is let in, it is through; a note of what was acknowledged may follow.
      expect(ours.events).toBeGreaterThanOrEqual(2);
      expect(ours.commits).toBeGreaterThanOrEqual(2);
      expect(ours.syncs).toBeGreaterThanOrEqual(2);
      expect(ours.written).toBeGreaterThan(ours.kept ?? Infinity);
      // Three commits of one row: each is flushed, and each writes a page at least.
      expect(floor.syncs).toBeGreaterThanOrEqual(3);
      expect(floor.written).toBeGreaterThan(3 * 4.096);
      for (const start of [ours.start, floor.start]) expect(start).toBeGreaterThan(0);
    } finally {
      await prepared.close();
    }
  }, 120_000);
});
