/** The outcome of a chaos run, for people and for programs. */
import type { Tally } from './reconcile.js';
import type { ScenarioResult } from './scenario.js';

const head = [
  'scenario',
  'broker',
  'faults',
  'in',
  'counted',
  'out',
  'counted',
  'unresolved',
  'lost',
  'vanished',
  'events',
  'reviews',
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

function rowOf({ scenario, broker, kills, faults, reconciled, differences, durationMs }: ScenarioResult): string[] {
  const count = (of: (tally: Tally) => number): string =>
    reconciled === undefined ? '-' : String(of(reconciled.entries) + of(reconciled.exits));
  return [
    scenario,
    broker,
    String(totalOf(kills) + totalOf(faults)),
    String(reconciled?.entries.physical ?? '-'),
    String(reconciled?.entries.counted ?? '-'),
    String(reconciled?.exits.physical ?? '-'),
    String(reconciled?.exits.counted ?? '-'),
    count(({ underReview }) => underReview),
    count(({ reportedLost, destroyed }) => reportedLost + destroyed),
    String(reconciled?.vanished ?? '-'),
    String(reconciled?.events.stored ?? '-'),
    reconciled === undefined ? '-' : String(totalOf(reconciled.reviews)),
    String(differences.length),
    (durationMs / 1000).toFixed(0),
  ];
}

export function detailsOf(result: ScenarioResult): string[] {
  const { scenario, broker, kills, faults, reconciled, notes, differences, notRun } = result;
  if (notRun !== undefined) return [`not run: ${scenario} (${broker}): ${notRun}`];
  const head = `${scenario} (${broker}):`;
  const killed = Object.entries(kills).map(([name, count]) => [`kill -9 of ${name}`, count] as const);
  return [
    `${head} faults: ${listOf([...killed, ...Object.entries(faults)])}`,
    ...(reconciled === undefined ? [] : [`${head} reviews: ${listOf(Object.entries(reconciled.reviews))}`]),
    ...notes.map((note) => `${head} ${note}`),
    ...differences.map((difference) => `DIFFERENCE ${head} ${difference}`),
  ];
}

function listOf(counts: readonly (readonly [string, number])[]): string {
  return counts.length === 0 ? 'none' : counts.map(([name, count]) => `${name} ${String(count)}`).join(', ');
}

function verdict(results: readonly ScenarioResult[]): string {
  const run = results.filter((result) => result.notRun === undefined);
  const kills = run.reduce((sum, result) => sum + totalOf(result.kills), 0);
  const differences = run.reduce((sum, result) => sum + result.differences.length, 0);
  const faults = run.reduce((sum, result) => sum + totalOf(result.faults), 0);
  return `${String(run.length)} scenarios, ${String(kills)} kills, ${String(faults)} other faults, ${String(differences)} differences`;
}

function totalOf(kills: Readonly<Record<string, number>>): number {
  return Object.values(kills).reduce((sum, count) => sum + count, 0);
}
