/** `world`: production edges and aggregator in virtual time, with everything going wrong, and an auditor that looks on. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { createAuditor } from '../world/auditor/index.js';
import { runCampaign } from '../world/campaign.js';
import { faultKinds } from '../world/happenings.js';
import type { FaultKind } from '../world/happenings.js';
import { createPeople } from '../world/people/people.js';
import { failureLines, totalsJson, totalsLines } from '../world/report.js';
import type { ScenarioOverrides } from '../world/scenario-of.js';
import { createStreet } from '../world/street/street.js';

interface WorldCommandOptions {
  readonly seed: number;
  readonly seeds: number;
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
    .option('--seeds <m>', 'how many seeds, one after the other', wholeNumber, 1)
    .option('--minutes <t>', 'length of the trouble in simulated minutes; by default the seed says', wholeNumber)
    .option('--only <kinds>', 'only these faults of those the seed draws, with commas; none: no faults', toKinds)
    .option('--without <kinds>', 'without these faults', toKinds)
    .option('--with <kinds>', 'with these faults, whatever the seed draws', toKinds)
    .option('--acts <n>', 'what people do in an hour, whatever the seed draws', wholeNumber)
    .option('--until-broken', 'end with the first seed in which a promise is broken')
    .option('--trace <file>', 'write every happening to this file')
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
  const bar = progressBar(options);
  const trace = options.trace === undefined ? undefined : openSync(options.trace, 'w');
  const before = process.cpuUsage();
  const totals = await runCampaign(
    {
      firstSeed: options.seed,
      seeds: options.seeds,
      overrides,
      ...(options.untilBroken === true ? { maxFailures: 1 } : {}),
    },
    { createStreet, createPeople, createAuditor: () => createAuditor() },
    {
      onRun(_seed, _result, { seeds, passages, failures }) {
        bar?.update(seeds, { passages, failures: failures.length });
      },
      ...(trace === undefined
        ? {}
        : {
            writeTrace(text: string) {
              writeSync(trace, text);
            },
          }),
    },
  );
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  bar?.stop();
  if (trace !== undefined) closeSync(trace);
  const lines =
    options.json === true
      ? [totalsJson(totals, cpuSeconds, overrides)]
      : [
          ...totals.failures.flatMap((failure) => [...failureLines(failure, overrides), '']),
          ...totalsLines(totals, cpuSeconds),
        ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (totals.failures.length > 0) process.exitCode = 1;
}

/** On a terminal only. */
function progressBar({ seeds, json }: WorldCommandOptions): SingleBar | undefined {
  if (!process.stderr.isTTY || seeds < 2 || json === true) return undefined;
  const bar = new SingleBar({
    format: '{bar} {value}/{total} seeds, {passages} passages, {failures} with broken promises, {eta_formatted} left',
    stream: process.stderr,
    hideCursor: true,
  });
  bar.start(seeds, 0, { passages: 0, failures: 0 });
  return bar;
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
