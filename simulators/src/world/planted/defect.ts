/** A defect that is planted in a copy of the production code. */
import type { PromiseName } from '../auditor/index.js';
import type { FaultKind } from '../happenings.js';
import type { ScenarioOverrides } from '../scenario-of.js';

export interface Edit {
  /** Below the project's folder. */
  readonly file: string;
  /** Occurs exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Defect {
  readonly name: string;
  /** What is wrong then, in plain words. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  /** Any of these shows it. */
  readonly promises: readonly PromiseName[];
  /** What has to happen for it to show; besides whatever the seeds draw. */
  readonly focus: Pick<ScenarioOverrides, 'actsPerHour' | 'minutes'> & { readonly withFaults: readonly FaultKind[] };
  /** It must be found within so many seeds, from the first one on. */
  readonly maxSeeds: number;
}
