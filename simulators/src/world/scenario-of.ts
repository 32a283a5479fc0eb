/** Draws a scenario from a seed: many runs have few faults, and some have all. */
import type { Random, SlotClass } from '@gatehouse/shared';
import { createSeededRandom, pick, wholeBelow } from '../random.js';
import { faultKinds } from './happenings.js';
import type { FaultKind } from './happenings.js';
import type { EdgePlan, FaultPlan, GatePlan, Habits, Scenario, SitePlan } from './scenario.js';

export interface ScenarioOverrides {
  /** Length of the trouble. */
  readonly minutes?: number;
  /** Only these faults, whatever the seed draws. */
  readonly only?: readonly FaultKind[];
  /** None of these. */
  readonly without?: readonly FaultKind[];
  /** These in any case, whatever the seed draws, and often enough to come a few times. */
  readonly withFaults?: readonly FaultKind[];
  /** What people do in an hour, all together, whatever the seed draws. */
  readonly actsPerHour?: number;
}

const minuteMs = 60_000;
const maxPerHourAndGate = 300;

/** How often each fault comes at full intensity, an hour, and how long it lasts. */
const plans: Readonly<Record<FaultKind, FaultPlan>> = {
  'message-delayed': { perHour: 12, meanMs: 40_000 },
  'message-lost': { perHour: 12, meanMs: 40_000 },
  'message-duplicated': { perHour: 12, meanMs: 60_000 },
  'message-reordered': { perHour: 12, meanMs: 60_000 },
  'link-cut': { perHour: 20, meanMs: 25_000 },
  'link-half-open': { perHour: 15, meanMs: 30_000 },
  partition: { perHour: 6, meanMs: 90_000 },
  'broker-down': { perHour: 6, meanMs: 20_000 },
  'broker-forgets': { perHour: 4, meanMs: 5_000 },
  'outbox-error': { perHour: 12, meanMs: 20_000 },
  'outbox-full': { perHour: 4, meanMs: 60_000 },
  'outbox-slow': { perHour: 6, meanMs: 30_000 },
  'outbox-replaced-by-empty': { perHour: 2, meanMs: 4_000 },
  'outbox-replaced-by-copy': { perHour: 2, meanMs: 4_000 },
  'edge-cloned': { perHour: 1.5, meanMs: 120_000 },
  'store-error': { perHour: 12, meanMs: 10_000 },
  'store-full': { perHour: 3, meanMs: 40_000 },
  'store-slow': { perHour: 6, meanMs: 30_000 },
  'store-stored-but-failed': { perHour: 10, meanMs: 15_000 },
  'store-replaced-by-empty': { perHour: 0.4, meanMs: 5_000 },
  'store-replaced-by-copy': { perHour: 1.2, meanMs: 5_000 },
  'edge-crash': { perHour: 15, meanMs: 5_000 },
  'aggregator-crash': { perHour: 10, meanMs: 4_000 },
  'crash-during-start': { perHour: 6, meanMs: 3_000 },
  'clock-jump': { perHour: 6, meanMs: 1 },
  'clock-drift': { perHour: 4, meanMs: 1 },
  'sensor-bounce': { perHour: 4, meanMs: 60_000 },
  'sensor-stuck': { perHour: 3, meanMs: 60_000 },
  'sensor-dead': { perHour: 3, meanMs: 60_000 },
  'reader-misread': { perHour: 1, meanMs: 1 },
  'vehicle-backs-out': { perHour: 1, meanMs: 1 },
  'vehicle-tailgates': { perHour: 1, meanMs: 1 },
  'vehicle-wrong-way': { perHour: 1, meanMs: 1 },
  flood: { perHour: 4, meanMs: 1 },
  'layout-change': { perHour: 4, meanMs: 1 },
  'edge-revoked': { perHour: 1, meanMs: 60_000 },
};

/** How often a wanted fault comes in one run, on the average and at least. */
const wantedTimes = 3;

export function scenarioOf(seed: number, overrides: ScenarioOverrides = {}): Scenario {
  const random = createSeededRandom('scenario', seed);
  const intensity = 0.2 + random.next() ** 2 * 1.6;
  const faults = drawFaults(random, intensity, overrides);
  const siteCount = random.next() < 0.85 ? 1 : 2;
  const sites = Array.from({ length: siteCount }, (_, index) => drawSite(random, index + 1, faults));
  const acts = random.next() < 0.3 ? 0 : 10 + random.next() * 110;
  return {
    seed,
    sites,
    faults,
    people: {
      actsPerHour: overrides.actsPerHour ?? acts,
      reckless: createSeededRandom('people', seed).next() < 0.15,
      layoutChangesPerHour: faults['layout-change']?.perHour ?? 0,
      revocationsPerHour: faults['edge-revoked']?.perHour ?? 0,
      revokedMeanMs: faults['edge-revoked']?.meanMs ?? 0,
    },
    embeddedBroker: random.next() < 0.5,
    state: {
      coalesceMs: pick(random, [
        [50, 1],
        [500, 2],
        [2_000, 2],
        [8_000, 3],
      ]),
      intervalMs: pick(random, [
        [5_000, 1],
        [10_000, 2],
        [30_000, 2],
      ]),
    },
    warmUpMs: minuteMs,
    troubleMs: (overrides.minutes ?? 10 + wholeBelow(random, 20)) * minuteMs,
    calmMs: 2.5 * minuteMs,
    drainMs: 12 * minuteMs,
  };
}

function drawFaults(random: Random, intensity: number, overrides: ScenarioOverrides): Scenario['faults'] {
  // In one run few kinds, in another all.
  const share = random.next() < 0.1 ? 1 : random.next() ** 1.5;
  const faults: Partial<Record<FaultKind, FaultPlan>> = {};
  for (const kind of faultKinds) {
    const drawn = random.next() < share;
    const strength = intensity * (0.5 + random.next());
    const { only, without, withFaults } = overrides;
    const isLeftOut = !drawn || (only !== undefined && !only.includes(kind)) || without?.includes(kind) === true;
    const isWanted = withFaults?.includes(kind) === true;
    if (isLeftOut && !isWanted) continue;
    const { perHour, meanMs } = plans[kind];
    const leastPerHour = isWanted ? (wantedTimes * 60) / (overrides.minutes ?? 20) : 0;
    faults[kind] = { perHour: Math.max(perHour * strength, leastPerHour), meanMs };
  }
  return faults;
}

function drawSite(random: Random, number: number, faults: Scenario['faults']): SitePlan {
  const siteId = `site-${String(number)}`;
  const hasReaders = pick(random, [
    ['all', 6],
    ['none', 2],
    ['mixed', 2],
  ]);
  const gate = (gateId: string, direction: GatePlan['direction']): GatePlan => ({
    gateId,
    direction,
    hasReader: hasReaders === 'all' || (hasReaders === 'mixed' && random.next() < 0.5),
  });
  const edgeCount = 1 + wholeBelow(random, 3);
  const edges: EdgePlan[] = Array.from({ length: edgeCount }, (_, index) => {
    const name = `${String(number)}-${String(index + 1)}`;
    const entries = index === 0 ? 1 + wholeBelow(random, 2) : wholeBelow(random, 3);
    const exits = index === 0 || entries === 0 ? 1 : wholeBelow(random, 2);
    const both = random.next() < 0.1;
    return {
      edgeId: `edge-${name}`,
      gates: [
        ...Array.from({ length: entries }, (_unused, at) => gate(`in-${name}-${String(at + 1)}`, 'entry')),
        ...Array.from({ length: exits }, (_unused, at) => gate(`out-${name}-${String(at + 1)}`, 'exit')),
        ...(both ? [gate(`both-${name}`, 'both')] : []),
      ],
    };
  });
  const slotCount = 3 + wholeBelow(random, 38);
  const stayMinutes = 0.8 + random.next() * 4;
  // From half empty to more than it can take, as far as the entry gates can serve.
  const wantedPerHour = (0.35 + random.next() * 0.75) * slotCount * (60 / stayMinutes);
  const entryGates = edges.flatMap(({ gates }) => gates).filter(({ direction }) => direction !== 'exit').length;
  // Drawn in any case, so that leaving out a fault changes nothing else.
  const habit = (kind: FaultKind, most: number): number => {
    const share = random.next() * most;
    return faults[kind] === undefined ? 0 : share;
  };
  const habits: Habits = {
    misread: habit('reader-misread', 0.15),
    noRead: habit('reader-misread', 0.1),
    backsOut: habit('vehicle-backs-out', 0.1),
    tailgates: habit('vehicle-tailgates', 0.1),
    wrongWay: habit('vehicle-wrong-way', 0.05),
  };
  return {
    siteId,
    slots: Array.from({ length: slotCount }, (_, index) => ({
      slotId: `s-${String(index + 1)}`,
      slotClass: pick<SlotClass>(random, [
        ['standard', 16],
        ['large', 2],
        ['ev', 1],
        ['motorcycle', 1],
      ]),
    })),
    edges,
    vehiclesPerHour: Math.round(Math.min(wantedPerHour, entryGates * maxPerHourAndGate)),
    stayMinutes,
    plateless: hasReaders === 'none' ? 0 : random.next() * 0.05,
    habits,
    allowance: {
      sharePercent: pick(random, [
        [0, 1],
        [20, 3],
        [50, 3],
        [100, 2],
      ]),
      maxSlotsPerEdge: 1 + wholeBelow(random, 12),
    },
    openWhenNoAllowance: random.next() < 0.08,
  };
}
