import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { summaryOf } from '../../src/domain/engine.js';
import { AllowanceStory } from './allowance-story.js';
import { checkInvariants } from './site.js';

const pick = fc.nat({ max: 99 });
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('plan' as const), isShort: fc.boolean(), staleBy: fc.nat({ max: 2 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick, which: fc.nat({ max: 3 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('admit-alone' as const), pick }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('admit-online' as const), pick }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('finish' as const), pick, passes: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('leave' as const), pick }) },
  { weight: 7, arbitrary: fc.record({ do: fc.constant('sync' as const), pick, count: fc.nat({ max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('service' as const), pick, isOut: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace-epoch' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('save' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function play(story: AllowanceStory, now: Step): void {
  switch (now.do) {
    case 'plan':
      story.plan(now.isShort, now.staleBy);
      return;
    case 'deliver':
      story.deliver(now.pick, now.which);
      return;
    case 'admit-alone':
      story.admitAlone(now.pick);
      return;
    case 'admit-online':
      story.admitOnline(now.pick);
      return;
    case 'finish':
      story.finish(now.pick, now.passes);
      return;
    case 'leave':
      story.leave(now.pick);
      return;
    case 'sync':
      story.sync(now.pick, now.count);
      return;
    case 'service':
      story.service(now.pick, now.isOut);
      return;
    case 'replace-epoch':
      story.replaceEpoch(now.pick);
      return;
    case 'save':
      story.save();
      return;
    case 'restore':
      story.restore();
  }
}

const shares = fc.constantFrom(20, 50, 100);

describe('edges that give out slots by themselves', () => {
  it('never have a slot that somebody else has, whatever is lost, late, repeated, replaced or restored', () => {
    fc.assert(
      fc.property(shares, fc.array(step, { maxLength: 160, size: 'max' }), (sharePercent, steps) => {
        const story = new AllowanceStory(8, sharePercent);
        for (const now of steps) {
          play(story, now);
          story.check();
          checkInvariants(story.site.state);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('come to agree with the site about what they hold once everything gets through', () => {
    fc.assert(
      fc.property(shares, fc.array(step, { maxLength: 120, size: 'max' }), (sharePercent, steps) => {
        const story = new AllowanceStory(8, sharePercent);
        for (const now of steps) play(story, now);
        story.heal();
        story.check();
        expect(summaryOf(story.site.state).recovering).toBe(false);
        for (const edge of story.edges) {
          const row = story.site.state.allowances.get(edge.edgeId);
          expect({ settled: row?.settled ?? true, mustReport: row?.mustReport ?? false }).toEqual({
            settled: true,
            mustReport: false,
          });
          expect([...edge.hands].sort()).toEqual([...(row?.slotIds ?? [])].sort());
          const unfrozen = [...story.site.state.slots.values()].filter(
            (slot) => slot.state === 'held' && slot.heldBy === edge.edgeId && !slot.frozen,
          );
          expect(unfrozen.map(({ slotId }) => slotId).sort()).toEqual([...edge.hands].sort());
        }
      }),
      { numRuns: 100 },
    );
  });
});
