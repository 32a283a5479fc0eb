/**
 * Connections that cost the other side more than this one: readers that never read, senders of one byte a minute, thousands that
 * never say who they are, packets that are not. All come from an address of their own, and while they are there a caller and an edge
 * from another one must be served; when they are gone, so must be what they cost.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { TestedAggregator } from './aggregator.js';
import { changesBy } from './exposition.js';
import type { Exposition } from './exposition.js';
import { connectClient } from '../bare-mqtt/client.js';
import type { Target } from '../bare-mqtt/client.js';
import { prepareEdges } from './mqtt-phase.js';
import type { PreparedEdge } from './mqtt-phase.js';
import { ignoreMessages, ignoreStream } from './slow-readers.js';
import {
  accountOf,
  flood,
  holdSilent,
  sendGiants,
  sendMalformed,
  signInWrongly,
  slowSiteId,
  startDripping,
} from './socket-attacks.js';

export interface SocketsReport {
  readonly durationMs: number;
  /** Connections that were tried, by what they did. */
  readonly tried: Readonly<Record<string, number>>;
  /** What the broker refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly streamsCut: number;
  /** Descriptors of the aggregator before, at most, and after. */
  readonly descriptors: readonly [number, number, number];
  /** Slowest connection of a good client while the others were there, ms. */
  readonly slowestGoodMqttMs: number;
  readonly slowestGoodHttpMs: number;
  readonly problems: readonly string[];
}

export interface SocketsPhaseOptions {
  readonly aggregator: TestedAggregator;
  readonly seed: string;
  /** Sockets at a time that say nothing, and malformed streams in all. */
  readonly sockets: number;
  readonly malformed: number;
  /** How long dripping and silent sockets are held. */
  readonly holdMs: number;
  /** Within this the aggregator must have ended what never comes to an end. */
  readonly endsWithinMs: number;
}

/** Where the machine has no such address, everything comes from one. */
const attackerAddress = process.platform === 'linux' ? '127.0.0.66' : undefined;
const goodTriesEveryMs = 250;
const goodLimitMs = 20_000;

export async function runSocketsPhase(options: SocketsPhaseOptions): Promise<SocketsReport> {
  const { aggregator } = options;
  const problems: string[] = [];
  const tried: Record<string, number> = {};
  const from = attackerAddress === undefined ? {} : { from: attackerAddress };
  const mqtt: Target = { host: '127.0.0.1', port: aggregator.mqttPort, ...from };
  const http: Target = { host: '127.0.0.1', port: aggregator.httpPort, ...from };
  const [good, ...mad] = await prepareEdges(aggregator, { siteId: slowSiteId, count: 7, slots: 5 });
  if (good === undefined) throw new Error('no edges');
  const key = await observerKey(aggregator);
  const before = await aggregator.metrics();
  const descriptorsBefore = valueOf(before, 'process_open_fds');
  const startedMs = performance.now();
  const service = watchService(aggregator, good, problems);
  const attack = { ...options, mqtt, http, mad, key, tried, problems };

  const silent = await holdSilent(attack);
  const dripping = await startDripping(attack);
  await Promise.all([
    sendMalformed(attack),
    ignoreMessages(attack),
    ignoreStream(attack),
    sendGiants(attack),
    flood(attack),
    delay(options.holdMs),
  ]);
  await silent.endedBy(options.endsWithinMs);
  await dripping.endedBy(options.endsWithinMs);
  silent.close();
  dripping.close();
  // Among silent sockets most are turned away unheard. Now there is room, and the broker must answer for what it hears.
  await sendMalformed(attack);
  await signInWrongly(attack);
  const found = await service.stop();
  const after = await settled(aggregator, descriptorsBefore);
  const descriptorsAfter = valueOf(after, 'process_open_fds');
  if (descriptorsAfter > descriptorsBefore + 40) {
    problems.push(
      `${String(descriptorsBefore)} descriptors before, ${String(descriptorsAfter)} after all sockets had gone`,
    );
  }
  const refused = changesBy(before, after, 'gatehouse_broker_refused_total', 'reason');
  const streamsCut = valueOf(after, 'gatehouse_streams_cut_total') - valueOf(before, 'gatehouse_streams_cut_total');
  for (const reason of ['not-mqtt', 'packet-too-long', 'slow-reader', 'authentication-timeout', 'credentials']) {
    if (refused[reason] === undefined) problems.push(`nothing was refused as ${reason}`);
  }
  if (streamsCut === 0) problems.push('a stream that nobody reads was not cut');
  return {
    durationMs: performance.now() - startedMs,
    tried,
    refused,
    streamsCut,
    descriptors: [descriptorsBefore, found.mostDescriptors, descriptorsAfter],
    slowestGoodMqttMs: found.slowestMqttMs,
    slowestGoodHttpMs: found.slowestHttpMs,
    problems,
  };
}

/** A good edge connects again and again, and a good caller asks on a new connection each time. */
function watchService(aggregator: TestedAggregator, good: PreparedEdge, problems: string[]) {
  let isOver = false;
  let slowestMqttMs = 0;
  let slowestHttpMs = 0;
  let mostDescriptors = 0;
  const target: Target = { host: '127.0.0.1', port: aggregator.mqttPort };
  const account = accountOf(good);
  const timed = async (what: string, work: () => Promise<void>): Promise<number> => {
    const startedMs = performance.now();
    let last: unknown;
    while (performance.now() < startedMs + goodLimitMs) {
      try {
        await work();
        return performance.now() - startedMs;
      } catch (error) {
        last = error;
        await delay(100);
      }
    }
    problems.push(`${what} was not served within ${String(goodLimitMs)} ms: ${String(last)}`);
    return goodLimitMs;
  };
  const tries = async (): Promise<void> => {
    while (!isOver) {
      const mqttMs = await timed('a good edge', async () => {
        (await connectClient(target, account)).end();
      });
      const httpMs = await timed('a good caller', async () => {
        const response = await fetch(`${aggregator.url}/healthz`, {
          headers: { connection: 'close' },
          signal: AbortSignal.timeout(5_000),
        });
        await response.text();
      });
      slowestMqttMs = Math.max(slowestMqttMs, mqttMs);
      slowestHttpMs = Math.max(slowestHttpMs, httpMs);
      mostDescriptors = Math.max(mostDescriptors, valueOf(await aggregator.metrics(), 'process_open_fds'));
      await delay(goodTriesEveryMs);
    }
  };
  const trying = tries().catch((error: unknown) => {
    problems.push(`the good caller: ${String(error)}`);
  });
  return {
    async stop() {
      isOver = true;
      await trying;
      return { slowestMqttMs, slowestHttpMs, mostDescriptors };
    },
  };
}

async function observerKey(aggregator: TestedAggregator): Promise<{ keyId: string; key: string }> {
  return aggregator.api('POST', '/api/v1/keys', { label: 'reader', role: 'auditor' });
}

/** Waits until descriptors have come back, or some time has passed. */
async function settled(aggregator: TestedAggregator, descriptors: number): Promise<Exposition> {
  const endMs = performance.now() + 30_000;
  for (;;) {
    const metrics = await aggregator.metrics();
    if (valueOf(metrics, 'process_open_fds') <= descriptors + 10 || performance.now() > endMs) return metrics;
    await delay(500);
  }
}

function valueOf(metrics: Exposition, name: string): number {
  return metrics.get(name)?.[0]?.value ?? 0;
}
