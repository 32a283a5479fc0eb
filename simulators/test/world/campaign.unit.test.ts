import { describe, expect, it } from '@jest/globals';
import { CampaignError, runCampaignOn } from '../../src/world/campaign.js';
import type { SeedRunner } from '../../src/world/campaign.js';
import type { WorldResult } from '../../src/world/run-world.js';

const resultOf = (seed: number, isBroken: boolean): WorldResult => ({
  findings: isBroken ? [{ promise: 'test-promise', atMs: seed, detail: '' }] : [],
  passages: seed,
  simulatedMs: 1_000,
  happenings: 10,
  steps: 20,
  faults: seed % 2 === 0 ? { 'link-cut': 1 } : {},
  lastLines: [],
});

/** Seeds that are run until somebody says that they are done, by as many runners as one likes. */
function createStage(isBroken: (seed: number) => boolean = () => false) {
  const running = new Map<
    number,
    { readonly resolve: (result: WorldResult) => void; readonly reject: (error: Error) => void }
  >();
  const given: number[] = [];
  const runner = (): SeedRunner => ({
    run: (seed, signal) =>
      new Promise((resolve, reject) => {
        given.push(seed);
        running.set(seed, { resolve, reject });
        signal.addEventListener('abort', () => {
          running.delete(seed);
          reject(new Error('given up'));
        });
      }),
  });
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return {
    runner,
    given,
    running,
    async finish(...seeds: number[]) {
      for (const seed of seeds) {
        await settled();
        const run = running.get(seed);
        if (run === undefined) throw new Error(`seed ${String(seed)} does not run`);
        running.delete(seed);
        run.resolve(resultOf(seed, isBroken(seed)));
      }
      await settled();
    },
    async fail(seed: number, message: string) {
      await settled();
      running.get(seed)?.reject(new Error(message));
      await settled();
    },
  };
}

const campaign = { firstSeed: 1, seeds: 5, overrides: {} };

describe('a campaign on several runners', () => {
  it('adds up in the order of the seeds, whoever is ready first', async () => {
    const stage = createStage();
    const seen: number[] = [];
    const totals = runCampaignOn([stage.runner(), stage.runner()], campaign, { onRun: (seed) => seen.push(seed) });
    await stage.finish(2, 3);
    expect(stage.given).toEqual([1, 2, 3, 4]);
    expect(seen).toEqual([]);
    await stage.finish(1, 4, 5);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect(await totals).toMatchObject({ seeds: 5, passages: 15, faults: { 'link-cut': 2 }, interrupted: false });
  });

  it('ends with the first failing seed, not with the first failure', async () => {
    const stage = createStage((seed) => seed === 2 || seed === 3);
    const totals = runCampaignOn([stage.runner(), stage.runner(), stage.runner()], { ...campaign, maxFailures: 1 });
    await stage.finish(3, 1, 2);
    const { failures, seeds } = await totals;
    expect(failures.map(({ seed, scenario }) => [seed, scenario.seed])).toEqual([[2, 2]]);
    expect(seeds).toBe(2);
    expect(stage.running.size).toBe(0);
  });

  it('gives up what runs when it is interrupted, and keeps what is done, also out of order', async () => {
    const stage = createStage((seed) => seed === 3);
    const interrupt = new AbortController();
    const totals = runCampaignOn([stage.runner(), stage.runner()], campaign, { signal: interrupt.signal });
    await stage.finish(2, 3);
    interrupt.abort();
    expect(await totals).toMatchObject({ seeds: 2, passages: 5, interrupted: true, failures: [{ seed: 3 }] });
  });

  it('takes a runner that dies for an error, and tells what was found until then', async () => {
    const stage = createStage((seed) => seed === 1);
    const totals = runCampaignOn([stage.runner(), stage.runner()], campaign);
    const caught = totals.catch((error: unknown) => error);
    await stage.finish(1);
    await stage.fail(3, 'its thread ended with 9');
    const error = await caught;
    if (!(error instanceof CampaignError)) throw new Error('it did not fail as it should');
    expect(error.message).toBe('the world of seed 3 could not be run: its thread ended with 9');
    expect(error.totals).toMatchObject({ seeds: 1, failures: [{ seed: 1 }] });
  });
});
