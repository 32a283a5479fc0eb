/** What the lanes of the world are like: no two need be built alike, and within what the rules for lanes can tell apart. */
import { simulatedLaneSettingsSchema } from '@gatehouse/edge-agent';
import type { SimulatedLaneSettings } from '@gatehouse/edge-agent';
import type { Random } from '@gatehouse/shared';
import { pick, wholeBelow } from '../../random.js';
import type { Habits } from '../scenario.js';

/** Two vehicles further apart than a loop is long are told apart by that loop; by so much further here. */
const tellingApartM = 0.4;

/** A loop that is covered again later than this is covered by another vehicle: longer than a lane waits for one between its loops. */
const clearlyApartMs = 5_000;

export function drawLaneSettings(random: Random, habits: Pick<Habits, 'misread' | 'noRead'>): SimulatedLaneSettings {
  const armingLoopM = pick(random, [
    [1, 1],
    [1.5, 3],
    [2, 1],
  ] as const);
  const safetyLoopM = pick(random, [
    [1.2, 1],
    [1.5, 2],
    [2, 2],
  ] as const);
  const latestMs = pick(random, [
    [500, 6],
    [1_500, 2],
    [3_000, 1],
  ] as const);
  return simulatedLaneSettingsSchema.parse({
    armingLoopM,
    safetyLoopM,
    loopGapM: pick(random, [
      [0.5, 1],
      [1.5, 3],
      [2.5, 2],
    ] as const),
    armOpenMs: 900 + wholeBelow(random, 3_000),
    armCloseMs: 900 + wholeBelow(random, 3_000),
    detectorResponseMs: 40 + wholeBelow(random, 120),
    closesUp: random.next() < 0.7,
    tailgateGapM: Math.max(armingLoopM, safetyLoopM) + tellingApartM + random.next() * 3,
    patienceMs: 20_000 + wholeBelow(random, 40_000),
    signPatienceMs: 1_000 + wholeBelow(random, 10_000),
    turnAwayMs: clearlyApartMs,
    reader: {
      earliestMs: pick(random, [
        [-300, 3],
        [-1_500, 1],
      ] as const),
      latestMs,
      readsPerVehicle: 1 + wholeBelow(random, 3),
      noReadRate: habits.noRead,
      misreadRate: habits.misread,
    },
  });
}

/** Readers read right from now on. */
export function mendReader(settings: SimulatedLaneSettings): void {
  settings.reader.noReadRate = 0;
  settings.reader.misreadRate = 0;
}
