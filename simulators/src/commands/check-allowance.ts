/** `simulate check-allowance`: every state of a small world of slots that are set aside. */
import { Command } from 'commander';
import { checkAllowance } from '../allowance-model/check.js';
import type { CheckLine } from '../allowance-model/check.js';

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
    .action((options: CommandOptions) => {
      let states = 0;
      let transitions = 0;
      const failed: CheckLine[] = [];
      for (const line of checkAllowance()) {
        states += line.states;
        transitions += line.transitions;
        if (!line.ok) failed.push(line);
        print(options.json === true ? JSON.stringify(line) : describe(line, options.stories === true));
      }
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
