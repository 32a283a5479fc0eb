/** What a campaign says about itself, for people and as JSON. */
import type { CampaignTotals, FailedRun } from './campaign.js';
import { faultKinds } from './happenings.js';
import type { FaultKind } from './happenings.js';
import type { ScenarioOverrides } from './scenario-of.js';

/** What a campaign cost. */
export interface CampaignCost {
  /** Of all threads, user and system. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly workers: number;
}

/** The command that runs one seed again with the same options. */
export function replayCommandOf(seed: number, overrides: ScenarioOverrides): string {
  return [
    `npm run world -- --seed ${String(seed)}`,
    ...(overrides.minutes === undefined ? [] : [`--minutes ${String(overrides.minutes)}`]),
    ...(overrides.only === undefined
      ? []
      : [`--only ${overrides.only.length === 0 ? 'none' : overrides.only.join(',')}`]),
    ...(overrides.without === undefined ? [] : [`--without ${overrides.without.join(',')}`]),
    ...(overrides.actsPerHour === undefined ? [] : [`--acts ${String(overrides.actsPerHour)}`]),
    ...(overrides.withFaults === undefined ? [] : [`--with ${overrides.withFaults.join(',')}`]),
  ].join(' ');
}

export function failureLines(failure: FailedRun, overrides: ScenarioOverrides): string[] {
  const { seed, scenario, findings, lastLines } = failure;
  return [
    `seed ${String(seed)}: ${String(findings.length)} broken promise${findings.length === 1 ? '' : 's'}`,
    ...findings.map(({ promise, atMs, detail }) => `  ${promise} at ${(atMs / 1000).toFixed(3)}s: ${detail}`),
    `scenario: ${JSON.stringify({ ...scenario, sites: scenario.sites.map((site) => ({ ...site, slots: site.slots.length })) })}`,
    'what happened last:',
    ...lastLines.map((line) => line.slice(0, maxLineChars)),
    `again: ${replayCommandOf(seed, overrides)}`,
  ];
}

export function totalsLines(totals: CampaignTotals, cost: CampaignCost): string[] {
  const { seeds, failures } = totals;
  return [
    ...faultLines(totals),
    `${String(seeds)} seeds, ${String(totals.passages)} passages in ${(totals.simulatedMs / 3_600_000).toFixed(1)} simulated hours, ` +
      `${String(totals.happenings)} happenings, ${String(totals.steps)} timers${totals.interrupted ? '; interrupted' : ''}`,
    `${perSecond(totals, cost).toFixed(0)} passages/s of one core (${cost.cpuSeconds.toFixed(1)} s of processor time), ` +
      `${seedsPerMinute(totals, cost).toFixed(0)} seeds a minute with ${String(cost.workers)} worker${cost.workers === 1 ? '' : 's'}`,
    failures.length === 0
      ? 'every promise was kept'
      : `broken promises in ${String(failures.length)} of ${String(seeds)} seeds: ${failures
          .map(({ seed, findings }) => `${String(seed)} (${findings[0]?.promise ?? ''})`)
          .join(', ')}`,
  ];
}

export function totalsJson(totals: CampaignTotals, cost: CampaignCost, overrides: ScenarioOverrides): string {
  return JSON.stringify({
    seeds: totals.seeds,
    interrupted: totals.interrupted,
    seedsWithFindings: totals.failures.length,
    passages: totals.passages,
    simulatedMs: totals.simulatedMs,
    happenings: totals.happenings,
    steps: totals.steps,
    faults: allFaults(totals),
    ...cost,
    passagesPerSecond: Math.round(perSecond(totals, cost)),
    seedsPerMinute: Math.round(seedsPerMinute(totals, cost)),
    failures: totals.failures.map(({ seed, scenario, findings, lastLines }) => ({
      seed,
      replay: replayCommandOf(seed, overrides),
      findings,
      scenario,
      lastLines,
    })),
  });
}

const maxLineChars = 600;
const columns = 3;
const kindWidth = Math.max(...faultKinds.map(({ length }) => length));

/** Every kind, also those that never came. */
function allFaults({ faults }: CampaignTotals): Record<FaultKind, number> {
  return Object.fromEntries(faultKinds.map((kind) => [kind, faults[kind] ?? 0])) as Record<FaultKind, number>;
}

function faultLines(totals: CampaignTotals): string[] {
  const cells = Object.entries(allFaults(totals)).map(
    ([kind, count]) => `${kind.padEnd(kindWidth)} ${String(count).padStart(7)}`,
  );
  const rows = Array.from({ length: Math.ceil(cells.length / columns) }, (_, row) =>
    `  ${cells.slice(row * columns, (row + 1) * columns).join('   ')}`.trimEnd(),
  );
  return ['faults that came:', ...rows];
}

function perSecond({ passages }: CampaignTotals, { cpuSeconds }: CampaignCost): number {
  return passages / Math.max(cpuSeconds, 0.001);
}

function seedsPerMinute({ seeds }: CampaignTotals, { wallSeconds }: CampaignCost): number {
  return (seeds / Math.max(wallSeconds, 0.001)) * 60;
}
