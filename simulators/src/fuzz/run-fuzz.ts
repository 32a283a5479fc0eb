/** The whole run: processes, phases one after the other, and what became of everything. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestedAggregator } from './aggregator.js';
import type { TestedAggregator } from './aggregator.js';
import { runCentrePhase } from './centre-phase.js';
import type { CentreReport } from './centre-phase.js';
import { differencesInBooks } from './consistency.js';
import { sumOfSamples } from './exposition.js';
import type { Exposition } from './exposition.js';
import { runHttpPhase } from './http-phase.js';
import type { HttpReport } from './http-phase.js';
import { runMqttPhase } from './mqtt-phase.js';
import type { MqttReport } from './mqtt-phase.js';
import { runSocketsPhase } from './sockets-phase.js';
import type { SocketsReport } from './sockets-phase.js';
import { createWatch, memoryTrend } from './watch.js';
import type { MemoryTrend } from './watch.js';
import { createWitness } from './witness.js';

export interface FuzzOptions {
  readonly messages: number;
  readonly requests: number;
  readonly seed: string;
  readonly onProgress: (phase: string, done: number, of: number) => void;
}

export interface FuzzReport {
  readonly seed: string;
  readonly mqtt: MqttReport;
  readonly http: HttpReport;
  readonly centre: CentreReport;
  readonly sockets: SocketsReport;
  readonly memory: { readonly mqtt: MemoryTrend; readonly http: MemoryTrend; readonly sockets: MemoryTrend };
  readonly witness: {
    readonly passed: number;
    /** Mean time from arrival to decision at the aggregator, ms, by phase. */
    readonly decisionMs: Readonly<Record<string, number>>;
    /** The busy phases against the quiet one. */
    readonly ratio: Readonly<Record<string, number>>;
  };
  /** Slowest answer to monitoring, ms. */
  readonly slowestLookMs: number;
  readonly problems: readonly string[];
}

const witnessSiteId = 'witness';
/** Passages of the quiet phase, to compare with. */
const quietPassages = 6;
/** Below these the run is a short one: time-outs of sockets are shortened, so that they can be waited for. */
const longRun = 20_000;
const shortBounds = {
  http: {
    headersTimeoutMs: 1_500,
    requestTimeoutMs: 3_000,
    stream: { maxStallMs: 1_000, maxBufferedBytes: 16_384 },
  },
  mqtt: { limits: { authenticationTimeoutMs: 1_500, maxQueuedBytesPerClient: 256 * 1024 } },
};
/** The most that memory may grow from the second to the last quarter of a phase, MiB. */
const maxGrowthMiB = 300;

export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-fuzz-'));
  const isLong = options.messages >= longRun;
  const aggregator = createTestedAggregator(directory, 'f'.repeat(48), isLong ? {} : shortBounds);
  const witness = createWitness(join(directory, witnessSiteId), aggregator, {
    siteId: witnessSiteId,
    withBlocked: false,
  });
  const watch = createWatch(aggregator);
  const problems: string[] = [];
  const decisions = createDecisionTimes(aggregator);
  try {
    await aggregator.start();
    await witness.start();
    witness.drive();
    watch.start();
    const phase = async <T>(name: string, total: number, work: (onProgress: (done: number) => void) => Promise<T>) => {
      const firstLook = watch.looks.length;
      const before = await aggregator.metrics();
      options.onProgress(name, 0, total);
      const result = await work((done) => {
        options.onProgress(name, done, total);
      });
      await decisions.note(name, before);
      return { result, memory: memoryTrend(watch.looks.slice(firstLook)) };
    };
    await phase('quiet', quietPassages, async (onProgress) => {
      const start = witness.passedOut;
      while (witness.passedOut < start + quietPassages && witness.complaints.length === 0) {
        onProgress(witness.passedOut - start);
        await delay(100);
      }
    });
    const { seed } = options;
    const mqtt = await phase('messages', options.messages, (onProgress) =>
      runMqttPhase({ aggregator, seed, messages: options.messages, onProgress }),
    );
    const http = await phase('requests', options.requests, (onProgress) =>
      runHttpPhase({ aggregator, seed, requests: options.requests, onProgress }),
    );
    const centreMessages = Math.max(500, Math.round(options.messages / 10));
    const centre = await phase('to an edge', centreMessages, (onProgress) =>
      runCentrePhase({ aggregator, directory, seed, messages: centreMessages, onProgress }),
    );
    const sockets = await phase('sockets', 1, () =>
      runSocketsPhase({
        aggregator,
        seed,
        sockets: isLong ? 3_000 : 400,
        malformed: isLong ? 5_000 : 200,
        holdMs: isLong ? 30_000 : 3_000,
        endsWithinMs: isLong ? 60_000 : 15_000,
      }),
    );
    await watch.stop();
    await witness.halt();
    problems.push(
      ...witness.complaints,
      ...(await witness.reconcile()),
      ...watch.failures,
      ...mqtt.result.problems,
      ...http.result.problems,
      ...centre.result.problems,
      ...sockets.result.problems,
    );
    // An edge that is there may be given slots at any time, also between two looks at the books.
    await witness.leave();
    problems.push(...(await checkAfterwards(aggregator)));
    const memory = { mqtt: mqtt.memory, http: http.memory, sockets: sockets.memory };
    for (const [name, { growthMiB }] of Object.entries(memory)) {
      if (growthMiB > maxGrowthMiB) problems.push(`memory grew by ${growthMiB.toFixed(0)} MiB in the phase ${name}`);
    }
    return {
      seed,
      mqtt: mqtt.result,
      http: http.result,
      centre: centre.result,
      sockets: sockets.result,
      memory,
      witness: { passed: witness.passedIn + witness.passedOut, ...decisions.report() },
      slowestLookMs: Math.max(0, ...watch.looks.map(({ answerMs }) => answerMs)),
      problems,
    };
  } catch (error) {
    const { end, output } = aggregator.program;
    if (end === undefined) throw error;
    throw new Error(`the aggregator died (${end}):\n${output.slice(-4_000)}`, { cause: error });
  } finally {
    await watch.stop();
    await witness.halt();
    await witness.stop();
    await aggregator.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The audit chain, both ledgers and all lists agree, and do so still when everything has been read from the store again. */
async function checkAfterwards(aggregator: TestedAggregator): Promise<string[]> {
  const problems: string[] = [];
  const audit = await aggregator.verifyAudit();
  if (audit.end !== '0' || !audit.output.includes('intact'))
    problems.push(`the audit chain: ${audit.output.slice(0, 500)}`);
  const before = await differencesInBooks(aggregator);
  problems.push(...before.problems);
  const end = await aggregator.stop();
  if (end !== '0') problems.push(`the aggregator ended with ${end} when asked to stop`);
  await aggregator.start();
  const after = await differencesInBooks(aggregator);
  problems.push(...after.problems.map((problem) => `after a restart: ${problem}`));
  for (const [siteId, books] of before.books) {
    const again = after.books.get(siteId);
    if (again !== books) problems.push(`${siteId}: ${books} before a restart, ${again ?? 'nothing'} after it`);
  }
  return problems;
}

/** Mean decision times of the witness's site, by phase. */
function createDecisionTimes(aggregator: TestedAggregator) {
  const means: Record<string, number> = {};
  const read = (metrics: Exposition, part: 'sum' | 'count'): number =>
    sumOfSamples(metrics, `gatehouse_decision_duration_seconds_${part}`, { site: witnessSiteId });
  return {
    async note(phase: string, before: Exposition): Promise<void> {
      const after = await aggregator.metrics();
      const count = read(after, 'count') - read(before, 'count');
      if (count > 0) means[phase] = ((read(after, 'sum') - read(before, 'sum')) / count) * 1_000;
    },
    report() {
      const quiet = means.quiet ?? Number.NaN;
      const busy = Object.entries(means).filter(([phase]) => phase !== 'quiet');
      return { decisionMs: means, ratio: Object.fromEntries(busy.map(([phase, mean]) => [phase, mean / quiet])) };
    },
  };
}
