import { describe, expect, it } from '@jest/globals';
import { runCampaign } from '../../src/world/campaign.js';
import type { Auditor, Finding } from '../../src/world/happenings.js';
import { createPeople } from '../../src/world/people/people.js';
import { failureLines, replayCommandOf, totalsJson, totalsLines } from '../../src/world/report.js';
import type { WorldParts } from '../../src/world/run-world.js';
import { createStreet } from '../../src/world/street/street.js';
import { watchPrograms } from '../../src/world/watch-programs.js';

/** Finds a broken promise with the so manieth happening. */
function findsAfter(happenings: number): Auditor {
  const findings: Finding[] = [];
  return {
    onHappening({ seq, atMs }) {
      if (seq === happenings) findings.push({ promise: 'test-promise', atMs, detail: 'as the test wants it' });
    },
    onDrained: () => undefined,
    findings,
  };
}

const partsWith = (createAuditor: () => Auditor): WorldParts => ({ createStreet, createPeople, createAuditor });
const overrides = { minutes: 1, only: [] };
const cost = { cpuSeconds: 2, wallSeconds: 1, workers: 2 };

describe('a campaign of worlds', () => {
  it('ends a run with its first finding, and says how to see it again', async () => {
    const totals = await runCampaign(
      { firstSeed: 7, seeds: 1, overrides },
      partsWith(() => findsAfter(100)),
    );
    const [failure] = totals.failures;
    if (failure === undefined) throw new Error('nothing was found');
    expect(failure.happenings).toBe(100);
    const lines = failureLines(failure, overrides);
    expect(lines[0]).toBe('seed 7: 1 broken promise');
    expect(lines[1]).toMatch(/^ {2}test-promise at \d+\.\d{3}s: as the test wants it$/);
    expect(lines.at(-1)).toBe('again: npm run world -- --seed 7 --minutes 1 --only none');
    expect(failure.lastLines).toHaveLength(60);
    expect(totalsLines(totals, cost).at(-1)).toBe('broken promises in 1 of 1 seeds: 7 (test-promise)');
    expect(JSON.parse(totalsJson(totals, cost, overrides))).toMatchObject({
      seeds: 1,
      seedsWithFindings: 1,
      failures: [{ seed: 7, replay: 'npm run world -- --seed 7 --minutes 1 --only none' }],
    });
  }, 60_000);

  it('adds up what happened, and says that every promise was kept', async () => {
    const seen: number[] = [];
    const totals = await runCampaign(
      { firstSeed: 1, seeds: 2, overrides },
      partsWith(() => findsAfter(Infinity)),
      { onRun: (seed) => seen.push(seed) },
    );
    expect(seen).toEqual([1, 2]);
    expect(totals.passages).toBeGreaterThan(0);
    expect(totalsLines(totals, cost).at(-1)).toBe('every promise was kept');
  }, 60_000);

  it('takes for a finding what a program throws in a timer', async () => {
    const parts: WorldParts = {
      ...partsWith(() => findsAfter(Infinity)),
      createStreet: (ports) => {
        ports.clock.setTimer(20_000, () => {
          throw new Error('a mistake of the street');
        });
        return createStreet(ports);
      },
    };
    const totals = await runCampaign({ firstSeed: 7, seeds: 1, overrides }, parts);
    expect(totals.failures[0]?.findings[0]).toMatchObject({ promise: 'program-failed', atMs: 20_000 });
  }, 60_000);
});

describe('the watch over programs', () => {
  it('hears what production logs when it is itself at fault, and nothing else', () => {
    const heard: string[] = [];
    const { logger } = watchPrograms((detail) => heard.push(detail));
    logger.error({}, 'the store fails; nothing is acknowledged');
    logger.child({ part: 'turns' }).error({ err: 'broken' }, 'the turn loop failed');
    expect(heard).toEqual(['the turn loop failed: broken']);
  });
});

describe('the command that replays', () => {
  it('says everything that the run was told', () => {
    expect(replayCommandOf(5, {})).toBe('npm run world -- --seed 5');
    expect(replayCommandOf(5, { minutes: 3, without: ['flood', 'link-cut'], only: ['flood'] })).toBe(
      'npm run world -- --seed 5 --minutes 3 --only flood --without flood,link-cut',
    );
  });
});
