/** `simulate fuzz`: hostile input at volume, against real processes. */
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { runFuzz } from '../fuzz/run-fuzz.js';
import type { FuzzReport } from '../fuzz/run-fuzz.js';

interface Options {
  readonly messages: number;
  readonly requests: number;
  readonly seed?: string;
  readonly json?: boolean;
}

export function fuzzCommand(): Command {
  return new Command('fuzz')
    .description(
      'Send valid, nearly valid and hostile messages and requests, and sockets that only cost, to an aggregator and an edge agent started for it, while a well-behaved edge works beside them.',
    )
    .option('--messages <n>', 'MQTT messages to the aggregator; a tenth as many go to an edge', toCount, 100_000)
    .option('--requests <n>', 'HTTP requests', toCount, 100_000)
    .option('--seed <text>', 'the same seed sends the same input; by default a new one')
    .option('--json', 'print the report as JSON')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const seed = options.seed ?? String(Date.now());
  const bar = progressBar(options.json === true);
  const { messages, requests } = options;
  const report = await runFuzz({ messages, requests, seed, onProgress: bar.update }).finally(bar.stop);
  process.stdout.write(`${options.json === true ? JSON.stringify(report) : describe(report).join('\n')}\n`);
  if (report.problems.length > 0) process.exitCode = 1;
}

interface Progress {
  readonly update: (phase: string, done: number, of: number) => void;
  readonly stop: () => void;
}

function progressBar(quiet: boolean): Progress {
  if (quiet || !process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: ' {phase} {bar} {percentage}% | {value}/{total} | {duration_formatted}',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    fps: 5,
  });
  let current = '';
  return {
    update(phase: string, done: number, of: number) {
      if (phase !== current) bar.start(of, done, { phase: phase.padEnd(10) });
      else bar.update(Math.min(done, of));
      current = phase;
    },
    stop() {
      bar.stop();
    },
  };
}

function describe(report: FuzzReport): string[] {
  const { mqtt, http, centre, sockets, memory, witness } = report;
  const counts = (found: Readonly<Record<string, number>>): string =>
    Object.entries(found)
      .map(([name, count]) => `${name} ${String(count)}`)
      .join(', ');
  const rate = (count: number, durationMs: number): string => `${(count / (durationMs / 1_000)).toFixed(0)}/s`;
  const trends = Object.entries(memory).map(
    ([phase, { firstMiB, peakMiB, lastMiB, slopeMiBPerMinute }]) =>
      `  memory, ${phase}: ${firstMiB.toFixed(0)} → ${lastMiB.toFixed(0)} MiB, at most ${peakMiB.toFixed(0)}; ${slopeMiBPerMinute.toFixed(1)} MiB a minute in the second half`,
  );
  return [
    `seed ${report.seed}`,
    `${String(mqtt.sent)} messages (${rate(mqtt.sent, mqtt.durationMs)}): ${counts(mqtt.messages)}`,
    `  their events: ${counts(mqtt.events)}; in quarantine ${String(mqtt.quarantined)}`,
    `${String(http.sent)} requests (${rate(http.sent, http.durationMs)}): ${counts(http.byStatus)}; ${String(http.malformed)} malformed; drawn ${http.drawn}`,
    `${String(centre.sent)} messages to an edge: ${String(centre.refusedByEdge)} refused, ${String(centre.foreign)} for somebody else; ${String(centre.passed)} passages, ${String(centre.stayedOut)} blocked vehicles stayed out`,
    `sockets: ${counts(sockets.tried)}`,
    `  refused: ${counts(sockets.refused)}; streams cut ${String(sockets.streamsCut)}; descriptors ${sockets.descriptors.join(' → ')}`,
    `  slowest good connection: MQTT ${sockets.slowestGoodMqttMs.toFixed(0)} ms, HTTP ${sockets.slowestGoodHttpMs.toFixed(0)} ms`,
    ...trends,
    `the well-behaved edge: ${String(witness.passed)} passages; decision times against the quiet phase: ${Object.entries(
      witness.ratio,
    )
      .map(([phase, ratio]) => `${phase} ×${ratio.toFixed(1)}`)
      .join(', ')}`,
    ...(report.problems.length === 0 ? ['no problems'] : report.problems.map((problem) => `PROBLEM ${problem}`)),
  ];
}

function toCount(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100_000_000) {
    throw new InvalidArgumentError('must be a whole number from 1');
  }
  return value;
}
