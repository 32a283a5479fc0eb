/** `simulate bench`: what Gatehouse takes, beside what the same machine and libraries need at least. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { figures } from '../bench/figures/index.js';
import { checkLine, markdownReport, resultLine, withReport } from '../bench/report.js';
import { isUnalarming, runBench } from '../bench/run-bench.js';
import type { FigureResult } from '../bench/run-bench.js';
import { projectRoot, tidyUpAtExit } from '../processes/index.js';
import type { TidyUp } from '../processes/index.js';

interface Options {
  readonly only?: readonly number[];
  readonly rounds?: number;
  readonly short?: boolean;
  readonly check?: boolean;
  readonly json?: boolean;
}

const page = path.join(projectRoot, 'docs/benchmarks.md');

export function benchCommand(): Command {
  const list = figures.map(({ number, title }) => `  ${String(number).padStart(2)}  ${title}`);
  return new Command('bench')
    .description(
      'Measure this machine: each figure of Gatehouse beside its floor, in turn, several times. The whole of it, without options, takes about an hour and writes docs/benchmarks.md.',
    )
    .option('--only <numbers>', 'some figures, e.g. 1,3', numbers)
    .option('--rounds <number>', 'measurements of each side; default: what each figure needs', atLeastOne)
    .option('--short', 'smaller sizes, fewer rounds')
    .addOption(
      new Option('--check', 'about a minute: find out whether anything became many times slower').conflicts([
        'only',
        'rounds',
        'short',
        'json',
      ]),
    )
    .option('--json', 'print everything that was measured as JSON')
    .addHelpText('after', `\nFigures:\n${list.join('\n')}`)
    .action(run);
}

async function run(options: Options): Promise<void> {
  const tidyUp = tidyUpAtExit(say);
  if (options.check === true) {
    await check(tidyUp);
    return;
  }
  const { only, rounds } = options;
  const results = await runBench(
    figures.filter(({ number }) => only?.includes(number) ?? true),
    {
      scale: options.short === true ? 'short' : 'full',
      tidyUp,
      say,
      onResult({ lines }) {
        for (const line of lines) say(`  ${resultLine(line)}`);
      },
      ...(rounds === undefined ? {} : { rounds }),
    },
  );
  const text = markdownReport(results, commandOf(options), new Date().toISOString().slice(0, 10));
  process.stdout.write(options.json === true ? `${JSON.stringify(results, null, 2)}\n` : `${text}\n`);
  const isWhole = only === undefined && rounds === undefined && options.short !== true;
  if (isWhole && results.every(({ failure }) => failure === null)) {
    writeFileSync(page, withReport(readFileSync(page, 'utf8'), text));
    say(`written into ${path.relative(process.cwd(), page)}`);
  }
  process.exitCode = results.some(isBad) ? 1 : 0;
}

/** Figures that noise does not reach, against bounds that only a change for the much worse breaks. */
async function check(tidyUp: TidyUp): Promise<void> {
  const checked = figures.filter(({ lines }) => lines.some(({ alarm }) => alarm !== undefined));
  const count = { passed: 0, failed: 0 };
  const tell = (line: string, isOk: boolean): void => {
    count[isOk ? 'passed' : 'failed'] += 1;
    process.stdout.write(`${line}\n`);
  };
  for (const { number, title, lines, failure } of await runBench(checked, { scale: 'short', tidyUp, say })) {
    if (failure !== null) tell(`FAIL figure ${String(number)}, ${title}: ${failure}`, false);
    for (const line of lines) {
      if (line.alarm !== undefined) tell(checkLine(number, line, isUnalarming(line)), isUnalarming(line));
    }
  }
  process.stdout.write(`${String(count.passed)} passed, ${String(count.failed)} failed\n`);
  process.exitCode = count.failed === 0 && count.passed > 0 ? 0 : 1;
}

function isBad({ failure, lines }: FigureResult): boolean {
  return failure !== null || lines.some(({ verdict }) => verdict === 'short');
}

function commandOf({ only, rounds, short }: Options): string {
  const given = [
    ...(only === undefined ? [] : [`--only ${only.join(',')}`]),
    ...(rounds === undefined ? [] : [`--rounds ${String(rounds)}`]),
    ...(short === true ? ['--short'] : []),
  ];
  return ['npm run bench', ...(given.length === 0 ? [] : ['--', ...given])].join(' ');
}

function numbers(text: string): readonly number[] {
  const known = figures.map(({ number }) => String(number));
  const asked = text.split(',').map((part) => part.trim());
  const unknown = asked.find((part) => !known.includes(part));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`There is no figure "${unknown}"; there are ${known.join(', ')}.`);
  }
  return asked.map(Number);
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return value;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
