/** `simulate replay`: a recording through gates, broker and aggregator, with a reconciliation at the end. */
import { resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import { describeProblem } from '../replay/recording.js';
import { columnRoles, defaultFormat, readRecording } from '../replay/read-recording.js';
import type { ColumnRole, RecordingFormat } from '../replay/read-recording.js';
import { replayRecording } from '../replay/replay-recording.js';
import type { ReplayOptions } from '../replay/replay-recording.js';
import { reportJson, reportLines } from '../replay/report.js';

interface CommandOptions {
  /** undefined: as fast as it goes. */
  readonly speed?: number;
  readonly form: RecordingFormat['form'];
  readonly separator: string;
  readonly timeFormat: string;
  readonly timeZone: string;
  readonly decimal: '.' | ',';
  readonly empty?: readonly string[];
  readonly where?: RecordingFormat['where'];
  readonly skipBadRows?: boolean;
  readonly slots?: number;
  readonly entryLanes?: number;
  readonly exitLanes?: number;
  readonly antiPassback: ReplayOptions['antiPassback'];
  readonly seed: string;
  readonly data?: string;
  readonly json?: boolean;
}

const columnHelp: Readonly<Record<ColumnRole, string>> = {
  entry: 'time of entry (visits)',
  exit: 'time of exit; empty: never left (visits)',
  plate: 'plate or other identity (visits)',
  class: 'class of slot (visits)',
  at: 'time (passages)',
  passage: 'entry, exit or set:N (passages)',
};

export function replayCommand(): Command {
  const command = new Command('replay')
    .description(
      'Drive a recording of a car park through simulated gates, MQTT and an aggregator with a database, all started for it, and compare what passed with the books.',
    )
    .argument('<file.csv>', 'the recording')
    .option('--speed <n>', 'how many times as fast as real time; by default "max", as fast as it goes', toSpeed)
    .addOption(
      new Option(
        '--form <form>',
        'visits: one row a stay (entry_at,exit_at[,plate][,class]); passages: one row a vehicle through a gate (at,passage with entry, exit, or set:N for a correction of the count)',
      )
        .choices(['auto', 'visits', 'passages'])
        .default('auto'),
    )
    .option('--separator <text>', 'what separates fields; "tab" for a tab', toSeparator, ',')
    .option('--time-format <format>', 'iso, unix (seconds), unix-ms, or a pattern such as "dd.MM.yyyy HH:mm"', 'iso')
    .option('--time-zone <zone>', 'IANA zone of times that carry no offset', 'UTC')
    .addOption(new Option('--decimal <sign>', 'decimal sign of unix times').choices(['.', ',']).default('.'))
    .option('--empty <text>', 'a text that means nothing is there, such as NA; may be repeated', collect)
    .option('--where <column=value>', 'only rows with this value; may be repeated', toFilter)
    .option('--skip-bad-rows', 'leave out rows that cannot be read, and count them')
    .option('--slots <n>', 'size of the site; by default as many as the recording needs', toCount)
    .option('--entry-lanes <n>', 'by default as many as keep the queues short', toLanes)
    .option('--exit-lanes <n>', 'by default as many as keep the queues short', toLanes)
    .addOption(
      new Option('--anti-passback <mode>', 'what the site does about a plate that is inside already')
        .choices(['off', 'soft', 'hard'])
        .default('soft'),
    )
    .option('--seed <text>', 'seed of how the vehicles drive', 'replay')
    .option('--data <directory>', 'keep the databases here; by default they are deleted afterwards')
    .option('--json', 'print the reconciliation as JSON');
  for (const role of columnRoles) {
    command.option(`--${role}-column <name>`, `column: ${columnHelp[role]}`, defaultFormat.columns[role]);
  }
  return command.addHelpText('after', examples).action(run);
}

const examples = `
Examples:
  simulate replay visits.csv --where garage=Bl2
  simulate replay passages.csv --where car_park=P1 --slots 121 --speed 5000
  simulate replay sessions.csv --separator ";" --time-format "dd.MM.yyyy HH:mm" --time-zone Europe/Oslo --empty NA \\
    --entry-column Start_plugin --exit-column End_plugout --plate-column User_ID --where Garage_ID=Bl2`;

async function run(file: string, options: CommandOptions & Readonly<Record<string, unknown>>): Promise<void> {
  const recording = await readRecording(file, formatOf(options));
  for (const problem of recording.skipped.slice(0, 10)) {
    process.stderr.write(`left out: ${describeProblem(problem)}\n`);
  }
  const bar = progressBar(options.json === true);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted.abort(new Error('stopped before the end of the recording; there is no reconciliation'));
    });
  }
  const report = await replayRecording(file, recording, {
    speed: options.speed ?? Infinity,
    slots: options.slots,
    entryLanes: options.entryLanes,
    exitLanes: options.exitLanes,
    antiPassback: options.antiPassback,
    seed: options.seed,
    dataDirectory: options.data === undefined ? undefined : resolve(options.data),
    clock: systemClock,
    random: systemRandom,
    onProgress: bar.update,
    signal: interrupted.signal,
  }).finally(bar.stop);
  process.stdout.write(`${options.json === true ? reportJson(report) : reportLines(report).join('\n')}\n`);
  if (!report.reconciliation.agrees) process.exitCode = 1;
}

function formatOf(options: CommandOptions & Readonly<Record<string, unknown>>): RecordingFormat {
  const columns = Object.fromEntries(columnRoles.map((role) => [role, String(options[`${role}Column`])]));
  return {
    form: options.form,
    separator: options.separator,
    columns: columns as Record<ColumnRole, string>,
    time: { pattern: options.timeFormat, timeZone: options.timeZone, decimal: options.decimal },
    emptyTexts: options.empty ?? [],
    where: options.where ?? [],
    skipBadRows: options.skipBadRows === true,
  };
}

interface Progress {
  readonly update: NonNullable<ReplayOptions['onProgress']>;
  readonly stop: () => void;
}

/** On a terminal only; never in the way of JSON. */
function progressBar(quiet: boolean): Progress {
  if (quiet || !process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: ' {bar} {percentage}% | {value}/{total} | {at} | {eta_formatted} left',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    fps: 5,
  });
  let started = false;
  return {
    update({ stepsDone, steps, simulatedMs }) {
      const payload = { at: new Date(simulatedMs).toISOString().slice(0, 16).replace('T', ' ') };
      if (!started) bar.start(steps, stepsDone, payload);
      started = true;
      bar.update(stepsDone, payload);
    },
    stop() {
      if (started) bar.stop();
    },
  };
}

// ---------------------------------------------------------------- options

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

function toSpeed(text: string): number {
  if (text === 'max') return Infinity;
  const speed = Number(text);
  if (!(speed > 0) || speed > 1e9) throw new InvalidArgumentError('must be above 0, or "max"');
  return speed;
}

function toSeparator(text: string): string {
  const separator = text === 'tab' || text === '\\t' ? '\t' : text;
  if (separator.length !== 1 || separator === '"') throw new InvalidArgumentError('must be one character, or "tab"');
  return separator;
}

function toFilter(text: string, before: RecordingFormat['where'] = []): RecordingFormat['where'] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('must be COLUMN=VALUE');
  return [...before, { column: text.slice(0, at), value: text.slice(at + 1) }];
}

function toCount(text: string): number {
  return wholeWithin(text, 1, 200_000);
}

function toLanes(text: string): number {
  return wholeWithin(text, 1, 16);
}

function wholeWithin(text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new InvalidArgumentError(`must be a whole number from ${String(min)} to ${String(max)}`);
  }
  return value;
}
