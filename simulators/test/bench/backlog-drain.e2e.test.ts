import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { PreparedFigure } from '../../src/bench/figure.js';
import { prepareBacklogDrain } from '../../src/bench/figures/backlog-drain.js';
import { createTidyUp } from '../../src/processes/index.js';

let prepared: PreparedFigure | undefined;
const tidyUp = createTidyUp((sentence) => {
  throw new Error(sentence);
});
const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-bench-'));

afterEach(async () => {
  await prepared?.close();
  tidyUp.now();
  rmSync(directory, { recursive: true, force: true });
});

describe('the figure of draining backlogs', () => {
  it('stores every event once on each side, and tells how many a second', async () => {
    const size = { sites: 2, edgesPerSite: 2, eventsPerEdge: 600 };
    prepared = await prepareBacklogDrain({ directory, tidyUp, say: () => undefined }, size);
    for (const side of ['floor', 'ours', 'ours'] as const) {
      const { events } = await prepared.measure(side, 1);
      expect(events).toBeGreaterThan(0);
    }
  });
});
