/** What a campaign says about itself, for people and as JSON. */
import type { CampaignTotals, FailedRun } from './campaign.js';
import type { ScenarioOverrides } from './scenario-of.js';

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

export function totalsLines(totals: CampaignTotals, cpuSeconds: number): string[] {
  const kinds = Object.entries(totals.faults).sort(([one], [other]) => (one < other ? -1 : 1));
  return [
    `${String(totals.seeds)} seeds, ${String(totals.passages)} passages in ${(totals.simulatedMs / 3_600_000).toFixed(1)} simulated hours, ` +
      `${String(totals.happenings)} happenings`,
    kinds.length === 0 ? 'no faults' : `faults: ${kinds.map(([kind, count]) => `${kind} ${String(count)}`).join(', ')}`,
    `${perSecond(totals.passages, cpuSeconds)} passages/s of one core (${cpuSeconds.toFixed(1)} s of processor time), ` +
      `${((totals.seeds / cpuSeconds) * 60).toFixed(0)} seeds a minute`,
    totals.failures.length === 0
      ? 'every promise was kept'
      : `broken promises in ${String(totals.failures.length)} of ${String(totals.seeds)} seeds: ${totals.failures
          .map(({ seed, findings }) => `${String(seed)} (${findings[0]?.promise ?? ''})`)
          .join(', ')}`,
  ];
}

export function totalsJson(totals: CampaignTotals, cpuSeconds: number, overrides: ScenarioOverrides): string {
  return JSON.stringify({
    seeds: totals.seeds,
    passages: totals.passages,
    simulatedMs: totals.simulatedMs,
    happenings: totals.happenings,
    faults: totals.faults,
    cpuSeconds,
    passagesPerSecond: Number(perSecond(totals.passages, cpuSeconds)),
    failures: totals.failures.map(({ seed, scenario, findings, fingerprint, lastLines }) => ({
      seed,
      replay: replayCommandOf(seed, overrides),
      fingerprint,
      findings,
      scenario,
      lastLines,
    })),
  });
}

const maxLineChars = 600;

function perSecond(passages: number, cpuSeconds: number): string {
  return (passages / Math.max(cpuSeconds, 0.001)).toFixed(0);
}
