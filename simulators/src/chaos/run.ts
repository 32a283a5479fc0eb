/** Plays scenarios one after the other. */
import type { TidyUp } from '../processes/index.js';
import { mosquittoProblem } from './mosquitto.js';
import { detailsOf } from './report.js';
import { notRun } from './scenario.js';
import type { Scenario, ScenarioResult } from './scenario.js';
import { outboxDamageScenario, storeDamageScenario } from './scenarios/damage.js';
import { aggregatorDiskScenario, edgeDiskScenario } from './scenarios/disks.js';
import { herdScenario } from './scenarios/herd.js';
import { killsScenario } from './scenarios/kills.js';
import { linkScenario } from './scenarios/link.js';
import { medleyScenario } from './scenarios/medley.js';
import { cloneScenario, edgeRestoreScenario, storeRestoreScenario } from './scenarios/restore.js';
import type { BrokerKind } from './stage.js';

export const scenarios = {
  kills: killsScenario,
  link: linkScenario,
  'edge-disk': edgeDiskScenario,
  'aggregator-disk': aggregatorDiskScenario,
  'outbox-damage': outboxDamageScenario,
  'store-damage': storeDamageScenario,
  'edge-restore': edgeRestoreScenario,
  'store-restore': storeRestoreScenario,
  clone: cloneScenario,
  herd: herdScenario,
  medley: medleyScenario,
} as const satisfies Readonly<Record<string, Scenario>>;
export type ScenarioName = keyof typeof scenarios;
export const scenarioNames = Object.keys(scenarios) as ScenarioName[];
/** Those that together are everything. */
export const separateScenarios = scenarioNames.filter((name) => name !== 'medley');

export interface ChaosOptions {
  readonly only: readonly ScenarioName[];
  readonly brokers: readonly BrokerKind[];
  readonly kills: number;
  readonly seed: string;
  readonly isShort: boolean;
  readonly tidyUp: TidyUp;
  readonly say: (sentence: string) => void;
}

/** Scenarios in which the broker plays no part of its own run with the first one only. */
const withEveryBroker: readonly ScenarioName[] = ['kills', 'link'];

export async function runChaos(options: ChaosOptions): Promise<ScenarioResult[]> {
  const { brokers, kills, seed, isShort, tidyUp, say } = options;
  const results: ScenarioResult[] = [];
  for (const name of options.only) {
    const used = withEveryBroker.includes(name) ? brokers : brokers.slice(0, 1);
    for (const [index, broker] of used.entries()) {
      // Those asked for are shared out among the brokers.
      const share = Math.floor(kills / used.length) + (index < kills % used.length ? 1 : 0);
      const context = { seed, broker, tidyUp, isShort, kills: share, say };
      const missing = broker === 'mosquitto' ? await mosquittoProblem() : undefined;
      say(`── ${name} (${broker})`);
      const result = missing === undefined ? await scenarios[name](context) : notRun(name, context, missing);
      results.push(result);
      // The table comes at the end; whoever stops it before has seen this much.
      for (const line of detailsOf(result)) say(line);
    }
  }
  return results;
}
