/** Many worlds, and what they add up to. */
import { messageOf } from '@gatehouse/shared';
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
  /** Somebody ended it before its time. */
  interrupted: boolean;
}

export interface CampaignListener {
  /** In the order of the seeds, whoever ran them. */
  readonly onRun?: (seed: number, result: WorldResult, totals: CampaignTotals) => void;
  readonly writeTrace?: (text: string) => void;
  /** Ends it between two moments of the worlds that run. */
  readonly signal?: AbortSignal;
}

/** Runs one world at a time, here or elsewhere. */
export interface SeedRunner {
  /** Rejects when `signal` says so, and when the world could not be run at all. */
  run(seed: number, signal: AbortSignal): Promise<WorldResult>;
}

/** A world that could not be run at all. What was found until then stands in `totals`. */
export class CampaignError extends Error {
  readonly totals: CampaignTotals;

  constructor(seed: number, totals: CampaignTotals, cause: unknown) {
    super(`the world of seed ${String(seed)} could not be run: ${messageOf(cause)}`, { cause });
    this.totals = totals;
  }
}

/** Failures are kept whole. */
const defaultMaxFailures = 20;

/** Here, one world after the other. @throws {CampaignError} */
export function runCampaign(
  campaign: Campaign,
  parts: WorldParts,
  listener: CampaignListener = {},
): Promise<CampaignTotals> {
  const { writeTrace } = listener;
  const here: SeedRunner = {
    run: (seed, signal) =>
      runWorld({
        scenario: scenarioOf(seed, campaign.overrides),
        parts,
        signal,
        ...(writeTrace === undefined ? {} : { writeTrace }),
      }),
  };
  return runCampaignOn([here], campaign, listener);
}

/**
 * Hands each runner a seed whenever it has none. Results are added up in the order of the seeds, and the campaign ends with the same
 * failure, however many runners there are.
 *
 * @throws {CampaignError}
 */
export async function runCampaignOn(
  runners: readonly SeedRunner[],
  campaign: Campaign,
  listener: CampaignListener = {},
): Promise<CampaignTotals> {
  const over = new AbortController();
  const interrupted = listener.signal ?? new AbortController().signal;
  const signal = AbortSignal.any([over.signal, interrupted]);
  const isEnding = (): boolean => signal.aborted;
  const results = createResults(campaign, listener);
  let next = campaign.firstSeed;
  const failed: { readonly seed: number; readonly cause: unknown }[] = [];

  const work = async (runner: SeedRunner): Promise<void> => {
    while (!isEnding() && next < campaign.firstSeed + campaign.seeds) {
      const seed = next;
      next += 1;
      try {
        results.take(seed, await runner.run(seed, signal));
        if (results.isOver) over.abort();
      } catch (cause) {
        if (isEnding()) return;
        failed.push({ seed, cause });
        over.abort();
      }
    }
  };
  await Promise.all(runners.map(work));
  const { totals } = results;
  const [first] = failed;
  if (first !== undefined || interrupted.aborted) results.takeRest();
  totals.interrupted = interrupted.aborted && totals.seeds < campaign.seeds && !results.isOver;
  if (first !== undefined) throw new CampaignError(first.seed, totals, first.cause);
  return totals;
}

interface Results {
  readonly totals: CampaignTotals;
  take(seed: number, result: WorldResult): void;
  /** What waits for seeds that do not come any more. */
  takeRest(): void;
  readonly isOver: boolean;
}

/** Adds up in the order of the seeds. */
function createResults(campaign: Campaign, { onRun }: CampaignListener): Results {
  const totals: CampaignTotals = {
    seeds: 0,
    passages: 0,
    simulatedMs: 0,
    happenings: 0,
    steps: 0,
    faults: {},
    failures: [],
    interrupted: false,
  };
  const maxFailures = campaign.maxFailures ?? defaultMaxFailures;
  const waiting = new Map<number, WorldResult>();
  let due = campaign.firstSeed;

  const isOver = (): boolean => totals.failures.length >= maxFailures;
  const addUp = (seed: number, result: WorldResult): void => {
    waiting.delete(seed);
    add(totals, result);
    if (result.findings.length > 0) {
      totals.failures.push({ ...result, seed, scenario: scenarioOf(seed, campaign.overrides) });
    }
    onRun?.(seed, result, totals);
  };
  return {
    totals,
    take(seed, result) {
      waiting.set(seed, result);
      for (let ready = waiting.get(due); ready !== undefined && !isOver(); ready = waiting.get(due)) {
        addUp(due, ready);
        due += 1;
      }
    },
    takeRest() {
      for (const [seed, result] of [...waiting].sort(([one], [other]) => one - other)) {
        if (!isOver()) addUp(seed, result);
      }
    },
    get isOver() {
      return isOver();
    },
  };
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
