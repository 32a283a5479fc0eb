/** `simulate check-allowance`: every state of a small world of slots that are set aside. */
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { checkInThreads } from '../allowance-model/check-threads.js';
import { checks } from '../allowance-model/check.js';
import type { CheckLine } from '../allowance-model/check.js';

/** There is not more to share out. */
const maxThreads = 4;

interface CommandOptions {
  readonly json?: boolean;
  readonly stories?: boolean;
}

export function checkAllowanceCommand(): Command {
  return new Command('check-allowance')
    .description(
      'Enumerate all states of a small world of edges, slots, lost and late messages, crashes and restores: no slot is owned twice, none is lost. Each rule of the protocol is then left out, and must be missed.',
    )
    .option('--json', 'print one line of JSON for each exploration')
    .option('--stories', 'print the shortest story that goes wrong without a rule')
    .action(async (options: CommandOptions) => {
      let states = 0;
      let transitions = 0;
      const failed: CheckLine[] = [];
      const onLine = (line: CheckLine): void => {
        states += line.states;
        transitions += line.transitions;
        if (!line.ok) failed.push(line);
        print(options.json === true ? JSON.stringify(line) : describe(line, options.stories === true));
      };
      await checkInThreads({ threads: Math.min(availableParallelism(), maxThreads), lines: checks.length, onLine });
      if (options.json !== true) {
        print(`${String(states)} states, ${String(transitions)} transitions; ${String(failed.length)} surprises`);
      }
      if (failed.length > 0) process.exitCode = 1;
    });
}

function describe(line: CheckLine, withStory: boolean): string {
  const { counterexample, ok, mustFail } = line;
  const size = `${String(line.states)} states, ${String(line.transitions)} transitions, ${String(line.deepest)} steps deep`;
  const outcome = counterexample === null ? (line.complete ? 'holds' : 'not seen to the end') : counterexample.wrong;
  const head = `${ok ? 'ok ' : 'NOT OK '} ${line.what}\n     ${outcome} (${size})`;
  const isTold = counterexample !== null && (withStory || !mustFail || line.without === null);
  if (!isTold) return head;
  return [head, ...counterexample.story.map((step, index) => `       ${String(index + 1)}. ${step}`)].join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
