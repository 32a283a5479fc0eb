/** Production agents at the lanes of the street: what they write is what happened, as far as sensors can tell. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EdgeEvent } from '@gatehouse/shared';
import '../../../../test/support/random-tests.js';
import { createRig, sitePlan } from './support/rig.js';
import type { Rig } from './support/rig.js';

const minuteMs = 60_000;

const gates = [
  { gateId: 'in-1', direction: 'entry', hasReader: true },
  { gateId: 'out-1', direction: 'exit', hasReader: false },
  { gateId: 'both-1', direction: 'both', hasReader: true },
] as const;

type Passage = Extract<EdgeEvent, { kind: 'vehicle-passed' | 'vehicle-tailgated' | 'free-flow-passed' | 'wrong-way' }>;

function passagesOf(rig: Rig, gateId: string, direction: string): Passage[] {
  return rig.events('edge-1').flatMap((event) => {
    const { kind } = event;
    const counts =
      kind === 'vehicle-passed' ||
      kind === 'vehicle-tailgated' ||
      kind === 'free-flow-passed' ||
      (kind === 'wrong-way' && event.passed);
    return counts && event.gateId === gateId && event.direction === direction ? [event] : [];
  });
}

/** A passage is told at most so long after its event: the last half metre, and the response of the detector. */
const toldAfterMs = 600;

/** Something happened there that no sensor can tell for sure. */
function wasUnclear(rig: Rig, gateId: string): boolean {
  const ends = [...rig.ofType('vehicle-through'), ...rig.ofType('vehicle-back')];
  return ends.some((end) => end.gateId === gateId && !end.healthy);
}

/** Healthy passages without an event of their own, and events without a passage; the latter only where all was healthy. */
function differences(rig: Rig, isDisturbed: boolean): string[] {
  const found: string[] = [];
  for (const { gateId } of gates) {
    for (const direction of ['entry', 'exit'] as const) {
      const events = passagesOf(rig, gateId, direction);
      const through = rig
        .ofType('vehicle-through')
        .filter((passage) => passage.gateId === gateId && passage.direction === direction);
      for (const { vehicle, atMs, healthy, way } of through) {
        const index = events.findIndex(({ monoMs }) => monoMs <= atMs && monoMs >= atMs - toldAfterMs);
        if (index >= 0) events.splice(index, 1);
        else if (healthy) found.push(`${vehicle} (${way}) at ${gateId} ${String(atMs)} was not counted`);
      }
      if (isDisturbed || wasUnclear(rig, gateId)) continue;
      for (const { kind, monoMs } of events)
        if (monoMs < rig.clock.monoMs() - toldAfterMs)
          found.push(`${kind} at ${gateId} ${String(monoMs)} and nobody passed`);
    }
  }
  return found;
}

const share = fc.constantFrom(0, 0.05, 0.2);
const habits = fc.record({ misread: share, noRead: share, backsOut: share, tailgates: share, wrongWay: share });

async function runningRig(seed: number, drivers: Parameters<typeof sitePlan>[0], admits = true): Promise<Rig> {
  const site = sitePlan({ edges: [{ edgeId: 'edge-1', gates }], ...drivers });
  const rig = createRig({ seed, sites: [site], admits: () => admits });
  await rig.start('edge-1');
  rig.street.open();
  return rig;
}

describe('a production agent at lanes of the street', () => {
  it('counts each vehicle of a healthy lane once, and nobody who was not there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1 }),
        habits,
        fc.constantFrom(60, 200, 600),
        fc.boolean(),
        async (seed, drivers, vehiclesPerHour, admits) => {
          const rig = await runningRig(seed, { habits: drivers, vehiclesPerHour }, admits);
          await rig.advance(20 * minuteMs);
          expect(differences(rig, false)).toEqual([]);
        },
      ),
      { numRuns: 4 },
    );
  });

  it('goes on counting once sensors that bounced, stuck or died are well again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1 }),
        habits,
        fc.array(
          fc.record({
            gateId: fc.constantFrom('in-1', 'out-1', 'both-1'),
            fault: fc.constantFrom(
              ...(['arming-stuck', 'arming-dead', 'arming-chatter', 'safety-stuck', 'safety-dead'] as const),
              ...(['safety-chatter', 'arm-stuck', 'limits-lost', 'reader-silent', 'fire'] as const),
            ),
            forMs: fc.integer({ min: 100, max: 4 * minuteMs }),
          }),
          { minLength: 1, maxLength: 5 },
        ),
        async (seed, drivers, faults) => {
          const rig = await runningRig(seed, { habits: drivers, vehiclesPerHour: 400 });
          await rig.advance(2 * minuteMs);
          for (const { gateId, fault, forMs } of faults) {
            rig.fault(gateId, fault, true);
            await rig.advance(forMs);
            rig.fault(gateId, fault, false);
            await rig.advance(minuteMs);
          }
          await rig.advance(10 * minuteMs);
          expect(differences(rig, true)).toEqual([]);
        },
      ),
      { numRuns: 4 },
    );
  });

  it('takes up a lane that lived on while no agent was there, and counts from then on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1 }),
        habits,
        fc.array(
          fc.record({ upMs: fc.integer({ min: 1, max: 90_000 }), downMs: fc.integer({ min: 1, max: 60_000 }) }),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        async (seed, drivers, crashes) => {
          const rig = await runningRig(seed, { habits: drivers, vehiclesPerHour: 400 });
          for (const { upMs, downMs } of crashes) {
            await rig.advance(upMs);
            rig.crash('edge-1');
            await rig.advance(downMs);
            await rig.start('edge-1');
          }
          await rig.advance(5 * minuteMs);
          expect(differences(rig, true)).toEqual([]);
        },
      ),
      { numRuns: 4 },
    );
  });

  it('counts whoever passes while an operator opens, holds open, locks and closes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1 }),
        habits,
        fc.array(
          fc.record({
            gateId: fc.constantFrom('in-1', 'out-1', 'both-1'),
            kind: fc.constantFrom('open', 'close', 'hold-open', 'lock', 'automatic'),
            afterMs: fc.integer({ min: 1, max: 30_000 }),
          }),
          { minLength: 1, maxLength: 30 },
        ),
        async (seed, drivers, commands) => {
          const rig = await runningRig(seed, { habits: drivers, vehiclesPerHour: 400 });
          for (const { gateId, kind, afterMs } of commands) {
            rig.command('edge-1', gateId, kind);
            await rig.advance(afterMs);
          }
          await rig.advance(2 * minuteMs);
          expect(differences(rig, false)).toEqual([]);
        },
      ),
      { numRuns: 4 },
    );
  });
});
