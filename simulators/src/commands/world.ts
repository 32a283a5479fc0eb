/** `world`: production edges and aggregator in virtual time, with everything going wrong, and an auditor that looks on. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { createAuditor } from '../world/auditor/index.js';
import { CampaignError, runCampaign, runCampaignOn } from '../world/campaign.js';
import type { Campaign, CampaignListener, CampaignTotals } from '../world/campaign.js';
import { faultKinds } from '../world/happenings.js';
import type { FaultKind } from '../world/happenings.js';
import { createPeople } from '../world/people/people.js';
import { failureLines, totalsJson, totalsLines } from '../world/report.js';
import type { ScenarioOverrides } from '../world/scenario-of.js';
import { startSeedWorker } from '../world/seed-worker.js';
import { createStreet } from '../world/street/street.js';
import { showProgress } from './world-progress.js';

interface WorldCommandOptions {
  readonly seed: number;
  readonly seeds: number;
  readonly workers: number;
  readonly minutes?: number;
  readonly only?: readonly FaultKind[];
  readonly without?: readonly FaultKind[];
  readonly with?: readonly FaultKind[];
  readonly acts?: number;
  readonly untilBroken?: boolean;
  readonly trace?: string;
  readonly json?: boolean;
}

export function worldCommand(): Command {
  return new Command('world')
    .description(
      'Run edge agents and an aggregator in one process and in virtual time, with a network, disks, clocks, sensors, drivers and operators that go wrong, and check every promise. Everything comes from the seed.',
    )
    .option('--seed <n>', 'the first seed', wholeNumber, 1)
    .option('--seeds <m>', 'how many seeds', wholeNumber, 1)
    .option(
      '--workers <n>',
      'how many worlds run at the same time, each on a core',
      wholeNumber,
      availableParallelism(),
    )
    .option('--minutes <t>', 'length of the trouble in simulated minutes; by default the seed says', wholeNumber)
    .option('--only <kinds>', 'only these faults of those the seed draws, with commas; none: no faults', toKinds)
    .option('--without <kinds>', 'without these faults', toKinds)
    .option('--with <kinds>', 'with these faults, whatever the seed draws', toKinds)
    .option('--acts <n>', 'what people do in an hour, whatever the seed draws', wholeNumber)
    .option('--until-broken', 'end with the first seed in which a promise is broken')
    .option('--trace <file>', 'write every happening to this file; one worker')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', `\nFaults: ${faultKinds.join(', ')}`)
    .action(run);
}

async function run(options: WorldCommandOptions): Promise<void> {
  const overrides: ScenarioOverrides = {
    ...(options.minutes === undefined ? {} : { minutes: options.minutes }),
    ...(options.only === undefined ? {} : { only: options.only }),
    ...(options.without === undefined ? {} : { without: options.without }),
    ...(options.acts === undefined ? {} : { actsPerHour: options.acts }),
    ...(options.with === undefined ? {} : { withFaults: options.with }),
  };
  // A trace is one text: whoever wants it has one world after the other.
  const workers = options.trace === undefined ? Math.min(options.workers, options.seeds) : 1;
  const startedMs = performance.now();
  const before = process.cpuUsage();
  const { totals, error } = await runAll(options, overrides, workers);
  const { user, system } = process.cpuUsage(before);
  const cost = { cpuSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - startedMs) / 1000, workers };
  const lines =
    options.json === true
      ? [totalsJson(totals, cost, overrides)]
      : [
          ...totals.failures.flatMap((failure) => [...failureLines(failure, overrides), '']),
          ...totalsLines(totals, cost),
        ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (error !== undefined) throw error;
  if (totals.failures.length > 0) process.exitCode = 1;
  else if (totals.interrupted) process.exitCode = interruptedCode;
}

/** What was added up when something went wrong is told all the same. */
async function runAll(
  options: WorldCommandOptions,
  overrides: ScenarioOverrides,
  workers: number,
): Promise<{ totals: CampaignTotals; error?: CampaignError }> {
  const campaign: Campaign = {
    firstSeed: options.seed,
    seeds: options.seeds,
    overrides,
    ...(options.untilBroken === true ? { maxFailures: 1 } : {}),
  };
  const interrupt = interruption();
  const progress = showProgress(options.seeds);
  const trace = options.trace === undefined ? undefined : openSync(options.trace, 'w');
  const listener: CampaignListener = {
    signal: interrupt.signal,
    onRun(_seed, _result, totals) {
      progress.update(totals);
    },
    ...(trace === undefined
      ? {}
      : {
          writeTrace(text: string) {
            writeSync(trace, text);
          },
        }),
  };
  const threads = workers === 1 ? [] : Array.from({ length: workers }, () => startSeedWorker(overrides));
  try {
    const totals = await (workers === 1
      ? runCampaign(campaign, { createStreet, createPeople, createAuditor: () => createAuditor() }, listener)
      : runCampaignOn(threads, campaign, listener));
    return { totals };
  } catch (error) {
    if (error instanceof CampaignError) return { totals: error.totals, error };
    throw error;
  } finally {
    progress.stop();
    interrupt.forget();
    await Promise.all(threads.map((thread) => thread.stop()));
    if (trace !== undefined) closeSync(trace);
  }
}

const interruptedCode = 130;
/** A terminal and npm may both hand on the same one. */
const sameSignalMs = 500;

/** Ends a campaign in order with the first Ctrl-C, and the process with the second. */
function interruption(): { readonly signal: AbortSignal; forget(): void } {
  const controller = new AbortController();
  let firstAtMs = 0;
  const onSignal = (): void => {
    if (controller.signal.aborted && performance.now() - firstAtMs >= sameSignalMs) process.exit(interruptedCode);
    if (controller.signal.aborted) return;
    firstAtMs = performance.now();
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    forget() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError('must be a whole number from 1');
  return value;
}

function toKinds(text: string): readonly FaultKind[] {
  if (text === 'none') return [];
  return text.split(',').map((kind) => {
    const known = faultKinds.find((name) => name === kind);
    if (known === undefined) throw new InvalidArgumentError(`"${kind}" is no fault; they are ${faultKinds.join(', ')}`);
    return known;
  });
}
