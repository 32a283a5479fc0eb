/** `simulate chaos`: real processes, real faults, and whether the books agree with what physically happened. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemRandom } from '@gatehouse/shared/node';
import { runHerdProcess } from '../chaos/herd/herd-process.js';
import { reportLines } from '../chaos/report.js';
import { runChaos, scenarioNames, separateScenarios } from '../chaos/run.js';
import type { ScenarioName } from '../chaos/run.js';
import { tidyUpAtExit } from '../processes/index.js';

interface Options {
  readonly kills: number;
  readonly seed?: string;
  readonly json?: boolean;
  readonly broker: 'embedded' | 'mosquitto' | 'both';
  readonly only?: readonly ScenarioName[];
  readonly short?: boolean;
}

export function chaosCommand(): Command {
  return new Command('chaos')
    .description('Kill, cut off, fill up, damage and restore real processes under traffic, then check every book.')
    .option('--kills <n>', 'how many processes are killed at random instants', whole, 200)
    .option('--seed <text>', 'the same seed draws the same faults and instants; default: a new one')
    .addOption(new Option('--broker <which>', 'MQTT broker').choices(['embedded', 'mosquitto', 'both']).default('both'))
    .addOption(new Option('--only <scenario...>', 'some scenarios only').choices(scenarioNames))
    .option('--short', 'little of everything')
    .option('--json', 'report as JSON')
    .action(run);
}

/** One of the processes that many edges of the chaos suite live in. */
export function herdCommand(): Command {
  return new Command('herd').argument('<file>').action(async (file: string) => {
    await runHerdProcess(file);
  });
}

async function run(options: Options): Promise<void> {
  const say = (sentence: string): void => {
    process.stderr.write(`${sentence}\n`);
  };
  const tidyUp = tidyUpAtExit(say);
  const seed = options.seed ?? systemRandom.hex(4);
  say(`seed ${seed}`);
  const results = await runChaos({
    only: options.only ?? separateScenarios,
    brokers: options.broker === 'both' ? ['embedded', 'mosquitto'] : [options.broker],
    kills: options.kills,
    seed,
    isShort: options.short === true,
    tidyUp,
    say,
  });
  const text = options.json === true ? JSON.stringify({ seed, results }) : reportLines(results).join('\n');
  process.stdout.write(`${text}\n`);
  process.exitCode = results.some(({ differences }) => differences.length > 0) ? 1 : 0;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('must be a whole number, 0 or more');
  return value;
}
