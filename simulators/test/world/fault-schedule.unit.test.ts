import { describe, expect, it } from '@jest/globals';
import { createSeededRandom } from '../../src/random.js';
import { createFaultSchedule } from '../../src/world/faults/schedule.js';
import { faultKinds } from '../../src/world/happenings.js';
import type { FaultKind, Happening } from '../../src/world/happenings.js';
import { scenarioOf } from '../../src/world/scenario-of.js';
import { createTimeline } from '../../src/world/timeline.js';

describe('the schedule of faults', () => {
  it('ends every fault it began, by itself or when the trouble is over', async () => {
    const timeline = createTimeline();
    const told: Happening[] = [];
    let wrong = 0;
    const schedule = createFaultSchedule(
      { 'link-cut': { perHour: 400, meanMs: 20_000 } },
      {
        timeline,
        random: (name) => createSeededRandom('schedule', name),
        tell: (happening) => told.push(happening),
        injectors: {
          'link-cut': () => {
            wrong += 1;
            return { target: 'edge-1', detail: '', end: () => (wrong -= 1) };
          },
        },
      },
    );
    schedule.begin();
    await timeline.run(600_000);
    schedule.end();
    expect(wrong).toBe(0);
    const begun = told.filter(({ type }) => type === 'fault').length;
    expect(begun).toBeGreaterThan(20);
    expect(told.at(-1)?.type).toBe('fault-over');
    await timeline.run(1_200_000);
    expect(told.filter(({ type }) => type === 'fault')).toHaveLength(begun);
  });
});

describe('scenarios', () => {
  const seeds = Array.from({ length: 300 }, (_, index) => index + 1);

  it('are the same for the same seed, and plain', () => {
    expect(scenarioOf(7)).toEqual(JSON.parse(JSON.stringify(scenarioOf(7))));
  });

  it('have few faults in many runs, and all of them in some', () => {
    const counts = seeds.map((seed) => Object.keys(scenarioOf(seed).faults).length);
    expect(Math.max(...counts)).toBe(faultKinds.length);
    expect(counts.filter((count) => count <= faultKinds.length / 3).length).toBeGreaterThan(seeds.length / 5);
  });

  it('can be narrowed without changing anything else', () => {
    const whole = scenarioOf(11);
    const kinds = Object.keys(whole.faults) as FaultKind[];
    expect(kinds.length).toBeGreaterThan(2);
    const [first, ...others] = kinds;
    const narrowed = scenarioOf(11, { only: first === undefined ? [] : [first] });
    expect(narrowed.faults).toEqual({ [first ?? '']: whole.faults[first ?? 'flood'] });
    expect(scenarioOf(11, { without: others }).faults).toEqual(narrowed.faults);
    expect(narrowed.sites.map(({ edges, slots }) => ({ edges, slots }))).toEqual(
      whole.sites.map(({ edges, slots }) => ({ edges, slots })),
    );
  });
});
