/** The outcome of a chaos run, for people and for programs. */
import type { Tally } from './reconcile.js';
import type { ScenarioResult } from './scenario.js';

const head = [
  'scenario',
  'broker',
  'kills',
  'in',
  'counted',
  'out',
  'counted',
  'review',
  'lost',
  'vanished',
  'events',
  'differ',
  'seconds',
];

/** A table, then what it cannot hold. */
export function reportLines(results: readonly ScenarioResult[]): string[] {
  const rows = results.filter((result) => result.notRun === undefined).map(rowOf);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line), '', ...results.flatMap(detailsOf), verdict(results)];
}

function rowOf({ scenario, broker, kills, reconciled, differences, durationMs }: ScenarioResult): string[] {
  const count = (of: (tally: Tally) => number): string =>
    reconciled === undefined ? '-' : String(of(reconciled.entries) + of(reconciled.exits));
  return [
    scenario,
    broker,
    String(totalOf(kills)),
    String(reconciled?.entries.physical ?? '-'),
    String(reconciled?.entries.counted ?? '-'),
    String(reconciled?.exits.physical ?? '-'),
    String(reconciled?.exits.counted ?? '-'),
    count(({ underReview }) => underReview),
    count(({ reportedLost, destroyed }) => reportedLost + destroyed),
    String(reconciled?.vanished ?? '-'),
    String(reconciled?.events.stored ?? '-'),
    String(differences.length),
    (durationMs / 1000).toFixed(0),
  ];
}

function detailsOf({ scenario, broker, kills, notes, differences, notRun }: ScenarioResult): string[] {
  if (notRun !== undefined) return [`not run: ${scenario} (${broker}): ${notRun}`];
  const byTarget = Object.entries(kills).map(([name, count]) => `${name} ${String(count)}`);
  return [
    ...(byTarget.length === 0 ? [] : [`${scenario} (${broker}): killed ${byTarget.join(', ')}`]),
    ...notes.map((note) => `${scenario} (${broker}): ${note}`),
    ...differences.map((difference) => `DIFFERENCE ${scenario} (${broker}): ${difference}`),
  ];
}

function verdict(results: readonly ScenarioResult[]): string {
  const run = results.filter((result) => result.notRun === undefined);
  const kills = run.reduce((sum, result) => sum + totalOf(result.kills), 0);
  const differences = run.reduce((sum, result) => sum + result.differences.length, 0);
  return `${String(run.length)} scenarios, ${String(kills)} kills, ${String(differences)} differences`;
}

function totalOf(kills: Readonly<Record<string, number>>): number {
  return Object.values(kills).reduce((sum, count) => sum + count, 0);
}
