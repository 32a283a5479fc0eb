import { afterEach, describe, expect, it } from '@jest/globals';
import type { PreparedFigure } from '../../src/bench/figure.js';
import { prepareCrowd } from '../../src/bench/figures/crowd.js';
import { createTidyUp } from '../../src/processes/index.js';

let prepared: PreparedFigure | undefined;
const tidyUp = createTidyUp((sentence) => {
  throw new Error(sentence);
});

afterEach(async () => {
  await prepared?.close();
  tidyUp.now();
});

describe('the figure of many edges', () => {
  it('serves every edge, and every one again after all were cut off, also in a further round', async () => {
    const said: string[] = [];
    const size = { sites: 2, edgesPerSite: 20, idleMs: 500, stateEveryMs: 1_000, givenBackMs: 100 };
    prepared = await prepareCrowd({ tidyUp, say: (text) => said.push(text) }, size);
    for (const round of [1, 2]) {
      const ours = await prepared.measure('ours', round);
      expect(ours.servedS).toBeGreaterThan(0);
      expect(ours.residentMb).toBeGreaterThan(0);
    }
    const floor = await prepared.measure('floor', 1);
    expect(floor.residentMb).toBeGreaterThan(0);
    expect(Object.keys(floor).sort()).toEqual(['perConnectionKb', 'residentMb', 'uncollectedMb']);
    expect(said.filter((text) => text.startsWith('all served'))).toHaveLength(2);
  });
});
