/** Many worlds one after the other, and what they add up to. */
import type { FaultKind } from './happenings.js';
import { runWorld } from './run-world.js';
import type { WorldParts, WorldResult } from './run-world.js';
import { scenarioOf } from './scenario-of.js';
import type { ScenarioOverrides } from './scenario-of.js';
import type { Scenario } from './scenario.js';

export interface Campaign {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly overrides: ScenarioOverrides;
  /** Ends with so many seeds in which a promise was broken. */
  readonly maxFailures?: number;
}

/** A run in which a promise was broken. */
export interface FailedRun extends WorldResult {
  readonly seed: number;
  readonly scenario: Scenario;
}

export interface CampaignTotals {
  seeds: number;
  passages: number;
  simulatedMs: number;
  happenings: number;
  steps: number;
  readonly faults: Partial<Record<FaultKind, number>>;
  readonly failures: FailedRun[];
}

export interface CampaignListener {
  readonly onRun?: (seed: number, result: WorldResult, totals: CampaignTotals) => void;
  readonly writeTrace?: (text: string) => void;
}

/** Failures are kept whole. */
const defaultMaxFailures = 20;

export async function runCampaign(
  campaign: Campaign,
  parts: WorldParts,
  listener: CampaignListener = {},
): Promise<CampaignTotals> {
  const totals: CampaignTotals = {
    seeds: 0,
    passages: 0,
    simulatedMs: 0,
    happenings: 0,
    steps: 0,
    faults: {},
    failures: [],
  };
  const maxFailures = campaign.maxFailures ?? defaultMaxFailures;
  for (let index = 0; index < campaign.seeds && totals.failures.length < maxFailures; index += 1) {
    const seed = campaign.firstSeed + index;
    const scenario = scenarioOf(seed, campaign.overrides);
    const { writeTrace } = listener;
    const result = await runWorld({
      scenario,
      parts,
      ...(writeTrace === undefined ? {} : { writeTrace }),
    });
    add(totals, result);
    if (result.findings.length > 0) totals.failures.push({ ...result, seed, scenario });
    listener.onRun?.(seed, result, totals);
  }
  return totals;
}

function add(totals: CampaignTotals, result: WorldResult): void {
  totals.seeds += 1;
  totals.passages += result.passages;
  totals.simulatedMs += result.simulatedMs;
  totals.happenings += result.happenings;
  totals.steps += result.steps;
  for (const [kind, count] of Object.entries(result.faults) as [FaultKind, number][]) {
    totals.faults[kind] = (totals.faults[kind] ?? 0) + count;
  }
}
