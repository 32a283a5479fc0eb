/** `simulate lane-replay`: what the state machine of a lane makes of recorded inputs. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { laneSettingsSchema } from '@gatehouse/edge-agent';
import type { LaneRules } from '@gatehouse/edge-agent';
import { parseValue } from '@gatehouse/shared';
import { readLaneRecording } from '../lane-replay/read-recording.js';
import type { RecordedRun } from '../lane-replay/read-recording.js';
import { replayLane } from '../lane-replay/replay-lane.js';
import { timelineLine } from '../lane-replay/timeline.js';

interface CommandOptions {
  readonly gate?: string;
  readonly set?: readonly string[];
  readonly answer?: 'admit' | 'deny';
  readonly json?: boolean;
}

export function laneReplayCommand(): Command {
  return new Command('lane-replay')
    .description(
      'Run the state machine of the edge agent over recorded inputs of a lane, in virtual time, and print what it saw, what it made of it, and what it asked of the barrier. Times count from the first line.',
    )
    .argument('<file>', 'a recording: JSON Lines, as an edge agent writes them where recording.file is set')
    .option('--gate <id>', 'only this gate; by default each gate of the file')
    .option('--set <key=value>', 'try another setting of the lane, e.g. loopGapMs=6000; may be repeated', collect)
    .addOption(
      new Option('--answer <outcome>', 'answer every arrival so, at once, instead of what was recorded').choices([
        'admit',
        'deny',
      ]),
    )
    .option('--json', 'print one line of JSON for each line of the timeline')
    .action(async (file: string, options: CommandOptions) => {
      const { runs, cutOff } = await readLaneRecording(file);
      const { gate: only } = options;
      const known = new Set(runs.flatMap(({ header }) => header.gates.map((gate) => gate.gateId)));
      if (only !== undefined && !known.has(only)) {
        throw new Error(`${file} has no gate ${only}; it has ${[...known].join(', ')}`);
      }
      const tried = settingsToTry(options.set ?? []);
      for (const [index, run] of runs.entries()) {
        for (const { gateId } of run.header.gates) {
          if (only === undefined || gateId === only) printReplay(run, index + 1, gateId, tried, options);
        }
      }
      if (cutOff) process.stderr.write('The last line is cut off, as a killed agent leaves it; it was left out.\n');
    });
}

function printReplay(
  run: RecordedRun,
  runNumber: number,
  gateId: string,
  lane: Partial<LaneRules>,
  { answer, json }: CommandOptions,
): void {
  const { moments } = replayLane(run, gateId, { lane, ...(answer === undefined ? {} : { answer }) });
  if (json === true) {
    for (const moment of moments) print(JSON.stringify({ run: runNumber, gateId, ...moment }, mapsAsObjects));
    return;
  }
  const { origin, agentVersion, note } = run.header;
  print(
    `gate ${gateId}, run ${String(runNumber)}: ${origin}, agent ${agentVersion}${note === undefined ? '' : `. ${note}`}`,
  );
  for (const moment of moments) print(timelineLine(moment));
  print('');
}

/** A setting that is not one is refused; numbers and words are told apart by their look. */
function settingsToTry(pairs: readonly string[]): Partial<LaneRules> {
  const settings: Record<string, unknown> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw new InvalidArgumentError('--set takes KEY=VALUE');
    settings[pair.slice(0, at)] = valueOf(pair.slice(at + 1));
  }
  const parsed = parseValue(laneSettingsSchema, settings);
  if (!parsed.ok) throw new InvalidArgumentError(`--set: ${parsed.error}`);
  return Object.fromEntries(Object.entries(parsed.value).filter(([key]) => Object.hasOwn(settings, key)));
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function mapsAsObjects(_key: string, value: unknown): unknown {
  return value instanceof Map ? (Object.fromEntries(value) as unknown) : value;
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
