/**
 * Real processes under real faults, shortly: after each scenario what physically happened, what the edges committed and what the
 * aggregator has stored agree. `npm run chaos` is the long version.
 */
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createTidyUp, reportLines, runChaos } from '@gatehouse/simulators';
import type { ScenarioName } from '@gatehouse/simulators';

// Real processes on a machine that may be busy; each wait has a shorter deadline of its own.
jest.setTimeout(400_000);

const seed = process.env.GATEHOUSE_TEST_SEED ?? randomBytes(4).toString('hex');

describe(`with real processes (seed ${seed})`, () => {
  const troubles: string[] = [];
  const tidyUp = createTidyUp((sentence) => troubles.push(sentence));
  afterAll(() => {
    tidyUp.now();
    expect(troubles).toEqual([]);
  });

  const play = async (name: ScenarioName, kills = 0): Promise<void> => {
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
    const differences = results.flatMap((result) => result.differences);
    if (differences.length > 0) throw new Error([...reportLines(results), `Again: ${again}`].join('\n'));
    expect(results.map(({ notRun }) => notRun)).toEqual([undefined]);
    expect(Object.values(results[0]?.kills ?? {}).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(kills);
    expect(results[0]?.reconciled?.entries.counted).toBeGreaterThan(0);
    expect(results[0]?.reconciled?.exits.counted).toBeGreaterThan(0);
  };

  it('killed at random instants, everything is counted once', () => play('kills', 8));
  it('cut off, half cut off and slowed down, everything is counted once', () => play('link'));
  it('with a full disk at the edge, exits open, and passages are counted or reported lost', () => play('edge-disk'));
  it('with a full disk under the aggregator, nothing is lost', () => play('aggregator-disk'));
  it('with a damaged outbox, what is lost is known and alarmed', () => play('outbox-damage'));
  it('with a damaged store, it refuses to open, and a copy makes good', () => play('store-damage'));
  it('with an edge restored from an old copy, everything is counted once', () => play('edge-restore'));
  it('with a store restored from an old copy, everything is counted once', () => play('store-restore'));
  it('with an edge running twice, everything is counted once', () => play('clone'));
  it('with many edges coming back at once, all are served and nothing is lost', () => play('herd'));
});
