/** The dashboards, each with the name of its file. */
import { aggregator } from './aggregator/index.js';
import type { Document } from './build/classic.js';
import { edges } from './edges/index.js';
import { operations } from './operations/index.js';
import { runbookDashboard, runbookOf, sectionsOf } from './runbook.js';

/** File name without its ending → dashboard.
 * @param runbookText monitoring/runbook.md
 */
export function dashboards(
  runbookText: string,
): Readonly<Record<'operations' | 'edges' | 'aggregator' | 'runbook', Document>> {
  const sections = sectionsOf(runbookText);
  const runbook = runbookOf(sections);
  return {
    operations: operations(runbook),
    edges: edges(runbook),
    aggregator: aggregator(runbook),
    runbook: runbookDashboard(sections),
  };
}
