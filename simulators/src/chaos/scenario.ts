/** What a scenario is given, and what it answers. */
import { messageOf } from '@gatehouse/shared';
import type { TidyUp } from '../processes/index.js';
import type { Evidence, Reconciled } from './reconcile.js';
import { situationOf } from './situation.js';
import type { BrokerKind, Stage } from './stage.js';

export interface ScenarioContext {
  readonly seed: string;
  readonly broker: BrokerKind;
  readonly tidyUp: TidyUp;
  readonly say: (sentence: string) => void;
  /** Few faults, little traffic: a minute for all scenarios together. */
  readonly isShort: boolean;
  readonly kills: number;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly broker: BrokerKind;
  /** kill -9, by process. */
  readonly kills: Readonly<Record<string, number>>;
  /** undefined where the scenario could not be run here. */
  readonly reconciled: Reconciled | undefined;
  /** What else was done to it, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** What does not agree or was promised and did not happen. */
  readonly differences: readonly string[];
  /** Measurements worth a line. */
  readonly notes: readonly string[];
  readonly durationMs: number;
  /** Why it was not run. */
  readonly notRun: string | undefined;
}

/** What is done to a running stage; answers what the books have to be judged by besides. */
export type Act = (stage: Stage, context: ScenarioContext, findings: Findings) => Promise<Partial<Evidence>>;

export type Scenario = (context: ScenarioContext) => Promise<ScenarioResult>;

/** Collects what a scenario finds while it runs. */
export interface Findings {
  /** Records a difference unless `holds`. */
  expect(holds: boolean, sentence: string): void;
  note(sentence: string): void;
  /** Counts something that was done to the stage. */
  fault(kind: string): void;
  readonly faults: Readonly<Record<string, number>>;
  readonly differences: string[];
  readonly notes: string[];
}

export function createFindings(): Findings {
  const differences: string[] = [];
  const notes: string[] = [];
  const faults: Record<string, number> = {};
  return {
    expect(holds, sentence) {
      if (!holds) differences.push(sentence);
    },
    note(sentence) {
      notes.push(sentence);
    },
    fault(kind) {
      faults[kind] = (faults[kind] ?? 0) + 1;
    },
    faults,
    differences,
    notes,
  };
}

/** Sets the stage, plays, tears it down; whatever is thrown is a difference. */
export async function play(
  scenario: string,
  context: ScenarioContext,
  setStage: () => Promise<Stage>,
  acts: readonly Act[],
): Promise<ScenarioResult> {
  const startedMs = performance.now();
  const findings = createFindings();
  let stage: Stage | undefined;
  let reconciled: Reconciled | undefined;
  try {
    stage = await setStage();
    stage.traffic.start();
    const found: Partial<Evidence>[] = [];
    for (const act of acts) {
      stage.traffic.target = usualTarget;
      for (const edgeId of stage.edgeIds) stage.traffic.resume(edgeId);
      found.push(await act(stage, context, findings));
    }
    reconciled = await stage.settleAndReconcile(together(found));
    findings.differences.push(...reconciled.differences);
  } catch (error) {
    findings.differences.push(`it did not come to its end: ${messageOf(error)}`);
    if (stage !== undefined) findings.notes.push(...(await situationOf(stage)));
  }
  const { kills = {}, troubles = [] } = stage?.supervisor ?? {};
  findings.differences.push(...troubles);
  for (const kept of stage?.traffic.keptIn ?? [])
    findings.differences.push(`an exit did not let a vehicle out: ${kept}`);
  const result: ScenarioResult = {
    scenario,
    broker: context.broker,
    kills: { ...kills },
    faults: findings.faults,
    reconciled,
    differences: findings.differences,
    notes: findings.notes,
    durationMs: performance.now() - startedMs,
    notRun: undefined,
  };
  try {
    await stage?.close();
  } catch (error) {
    findings.differences.push(`it could not be torn down: ${String(error)}`);
  }
  return result;
}

/** Vehicles that should be inside unless an act wants otherwise. */
const usualTarget = 12;

function together(found: readonly Partial<Evidence>[]): Partial<Evidence> {
  const settled = found.map(({ settledPassed }) => settledPassed ?? { entry: 0, exit: 0 });
  return {
    outboxes: found.flatMap(({ outboxes = [] }) => outboxes),
    copies: found.flatMap(({ copies = [] }) => copies),
    destroyed: found.flatMap(({ destroyed = [] }) => destroyed),
    twins: found.flatMap(({ twins = [] }) => twins),
    identityMayBeLost: found.some(({ identityMayBeLost }) => identityMayBeLost === true),
    settledPassed: {
      entry: settled.reduce((sum, { entry }) => sum + entry, 0),
      exit: settled.reduce((sum, { exit }) => sum + exit, 0),
    },
  };
}

export function notRun(scenario: string, { broker }: ScenarioContext, reason: string): ScenarioResult {
  return {
    scenario,
    broker,
    kills: {},
    faults: {},
    reconciled: undefined,
    differences: [],
    notes: [],
    durationMs: 0,
    notRun: reason,
  };
}
