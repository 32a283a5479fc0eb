#!/usr/bin/env node
/** `chaos`: real processes, real faults, and whether the books agree with what physically happened. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { reportFatal, systemRandom } from '@gatehouse/shared/node';
import { createTidyUp } from '../processes/index.js';
import { reportLines } from './report.js';
import { runChaos, scenarioNames } from './run.js';
import type { ScenarioName } from './run.js';

interface Options {
  readonly kills: number;
  readonly seed?: string;
  readonly json?: boolean;
  readonly broker: 'embedded' | 'mosquitto' | 'both';
  readonly only?: readonly ScenarioName[];
  readonly short?: boolean;
}

const program = new Command('chaos')
  .description('Kills, cuts off, fills up, damages and restores real processes under traffic, then checks every book.')
  .option('--kills <n>', 'how many processes are killed at random instants', whole, 200)
  .option('--seed <text>', 'the same seed draws the same faults at the same instants; default: a new one')
  .addOption(new Option('--broker <which>', 'MQTT broker').choices(['embedded', 'mosquitto', 'both']).default('both'))
  .addOption(new Option('--only <scenario...>', 'some scenarios only').choices(scenarioNames))
  .option('--short', 'little of everything')
  .option('--json', 'report as JSON')
  .showHelpAfterError('(--help lists options)')
  .action(run);

async function run(options: Options): Promise<void> {
  const say = (sentence: string): void => {
    process.stderr.write(`${sentence}\n`);
  };
  const tidyUp = createTidyUp(say);
  process.on('exit', () => {
    tidyUp.now();
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      process.exit(code);
    });
  }
  const seed = options.seed ?? systemRandom.hex(4);
  say(`seed ${seed}`);
  const results = await runChaos({
    only: options.only ?? scenarioNames,
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

try {
  await program.parseAsync();
  process.exit();
} catch (error) {
  reportFatal(error);
  process.exit(1);
}
