/**
 * Defects to be planted in copies of the production code, to prove that the world and its auditor find them. Each is a change of a
 * line or two, such as somebody might make for a good reason. None of this is part of any program.
 */
import { aggregatorDefects } from './aggregator-defects.js';
import type { Defect } from './defect.js';
import { edgeDefects } from './edge-defects.js';

/** Length of the trouble in a world in which a planted defect is looked for. */
const minutes = 12;

export const defects: readonly Defect[] = [...aggregatorDefects, ...edgeDefects].map((defect) => ({
  ...defect,
  focus: { minutes, ...defect.focus },
}));
