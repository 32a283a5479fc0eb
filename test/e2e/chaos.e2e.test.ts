/**
 * Real processes under real faults, shortly: after each scenario what physically happened, what the edges committed and what the
 * aggregator has stored agree. `npm run chaos` is the long version.
 */
import { afterAll, expect, it, jest } from '@jest/globals';
import { createTidyUp, reportLines, runChaos } from '@gatehouse/simulators';
import type { ScenarioName } from '@gatehouse/simulators';

// Real processes on a machine that may be busy; each wait has a shorter deadline of its own.
jest.setTimeout(600_000);

// The same faults each time, so that a change shows what it changes; `npm run chaos` draws a new seed.
const seed = process.env.GATEHOUSE_TEST_SEED ?? 'short';
const troubles: string[] = [];
const tidyUp = createTidyUp((sentence) => troubles.push(sentence));

afterAll(() => {
  tidyUp.now();
  expect(troubles).toEqual([]);
});

it.each<[string, ScenarioName, number]>([
  ['killed at random instants, everything is counted once', 'kills', 6],
  ['cut off, half cut off and slowed down, everything is counted once', 'link', 0],
  ['with a full disk, exits open, and passages are counted or reported lost', 'edge-disk', 0],
  ['with a store restored from an old copy, everything is counted once', 'store-restore', 0],
])(`%s (seed ${seed})`, async (_what, name, kills) => {
  const results = await runChaos({
    only: [name],
    brokers: ['embedded'],
    kills,
    seed,
    isShort: true,
    tidyUp,
    say: () => undefined,
  });
  const again = `npm run chaos -- --short --broker embedded --only ${name} --kills ${String(kills)} --seed ${seed}`;
  const [result] = results;
  if (result?.differences.length !== 0) throw new Error([...reportLines(results), `Again: ${again}`].join('\n'));
  // Without the right to mount there is no small disk, and the whole suite must say so.
  if (result.notRun !== undefined) {
    process.stderr.write(`not run: chaos scenario ${name}: ${result.notRun}\n`);
    return;
  }
  expect(Object.values(result.kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(kills);
  expect(result.reconciled?.entries.counted).toBeGreaterThan(0);
  expect(result.reconciled?.exits.counted).toBeGreaterThan(0);
});
