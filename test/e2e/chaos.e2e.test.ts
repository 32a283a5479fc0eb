/**
 * Real processes under real faults, one after the other on one site: killed, cut off, on full disks, with damaged files, with old
 * copies of their data, running twice, and many at once. Then what physically happened, what the edges committed and what the
 * aggregator has stored agree. `npm run chaos` is the long version.
 */
import { afterAll, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createTidyUp, reportLines, runChaos } from '@gatehouse/simulators';

// Real processes on a machine that may be busy; each wait has a shorter deadline of its own.
jest.setTimeout(900_000);

const seed = process.env.GATEHOUSE_TEST_SEED ?? randomBytes(4).toString('hex');
const kills = 6;
const troubles: string[] = [];
const tidyUp = createTidyUp((sentence) => troubles.push(sentence));

afterAll(() => {
  tidyUp.now();
  expect(troubles).toEqual([]);
});

it(`whatever fails, everything is counted once and every loss is known (seed ${seed})`, async () => {
  const results = await runChaos({
    only: ['medley'],
    brokers: ['embedded'],
    kills,
    seed,
    isShort: true,
    tidyUp,
    say: () => undefined,
  });
  const again = `npm run chaos -- --short --broker embedded --only medley --kills ${String(kills)} --seed ${seed}`;
  const [result] = results;
  if (result?.differences.length !== 0) throw new Error([...reportLines(results), `Again: ${again}`].join('\n'));
  // Full disks need a file system of their own, which root may mount.
  if (process.getuid?.() === 0) expect(result.scenario).toBe('medley');
  expect(Object.values(result.kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(kills);
  expect(result.reconciled?.entries.counted).toBeGreaterThan(0);
  expect(result.reconciled?.exits.counted).toBeGreaterThan(0);
});
