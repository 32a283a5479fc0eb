/**
 * Defects to be planted in copies of the production code, to prove that the world and its auditor find them. Each is a change of a
 * line or two, such as somebody might make for a good reason. None of this is part of any program.
 */
import type { PromiseName } from '../auditor/index.js';
import type { FaultKind } from '../happenings.js';
import type { ScenarioOverrides } from '../scenario-of.js';
import { aggregatorDefects } from './aggregator-defects.js';
import { edgeDefects } from './edge-defects.js';

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
  readonly focus: Pick<ScenarioOverrides, 'actsPerHour'> & { readonly withFaults: readonly FaultKind[] };
  /** It must be found within so many seeds, from the first one on. */
  readonly maxSeeds: number;
}

/** Length of the trouble in a world in which a planted defect is looked for. */
export const plantedMinutes = 12;

export const defects: readonly Defect[] = [...aggregatorDefects, ...edgeDefects];
