/**
 * Messages from the centre to an edge that the centre never sent: those that cannot be read must be refused and counted, those that
 * are for another instance, epoch, arrival or time must change nothing. Vehicles go on passing, and the blocked one stays out.
 */
import { join } from 'node:path';
import {
  ackSchema,
  allowanceSchema,
  commandSchema,
  decisionSchema,
  edgeTopic,
  eventBatchSchema,
  logRequestSchema,
  parsePayload,
  stateSchema,
} from '@gatehouse/shared';
import type { TestedAggregator } from './aggregator.js';
import { createDice } from './dice.js';
import type { Dice } from './dice.js';
import { startInjectingProxy } from './injecting-proxy.js';
import { until } from './programs.js';
import { payloadOf, wireValue } from './wire-values.js';
import { createWitness } from './witness.js';

export interface CentreReport {
  readonly sent: number;
  readonly refused: number;
  /** Refusals that the edge logged. */
  readonly refusedByEdge: number;
  /** Readable, and for somebody or something else. */
  readonly foreign: number;
  readonly passed: number;
  readonly stayedOut: number;
  readonly problems: readonly string[];
}

export interface CentrePhaseOptions {
  readonly aggregator: TestedAggregator;
  readonly directory: string;
  readonly seed: string;
  readonly messages: number;
  readonly onProgress: (sent: number) => void;
}

const siteId = 'guarded';
const schemas = {
  acks: ackSchema,
  decisions: decisionSchema,
  commands: commandSchema,
  allowance: allowanceSchema,
  'log-requests': logRequestSchema,
} as const;
const channels = ['acks', 'decisions', 'commands', 'allowance', 'log-requests'] as const;
type Channel = (typeof channels)[number];
/** What the edge writes to its log for each message that it refuses. */
const refusalText = 'a message was refused';
/** Vehicles that must have come while the messages did. */
const wantedBlocked = 2;
const wantedPassed = 4;
const maxToldChars = 4_000;

export async function runCentrePhase(options: CentrePhaseOptions): Promise<CentreReport> {
  const { aggregator, directory } = options;
  const edge = { instance: '', epoch: '', next: 1 };
  const proxy = await startInjectingProxy({ host: '127.0.0.1', port: aggregator.mqttPort }, (topic, payload) => {
    learn(edge, topic, payload);
  });
  const witness = createWitness(join(directory, siteId), aggregator, {
    siteId,
    brokerUrl: proxy.url,
    withBlocked: true,
    countedText: refusalText,
  });
  const dice = createDice(options.seed, 'centre');
  let sent = 0;
  let refused = 0;
  try {
    await witness.start();
    await until('the edge has told its state', () => edge.epoch !== '', 30_000);
    witness.drive();
    const isDone = (): boolean =>
      sent >= options.messages && witness.stayedOut >= wantedBlocked && witness.passedOut >= wantedPassed;
    const endMs = performance.now() + 300_000;
    while (!isDone() && performance.now() < endMs && witness.program.end === undefined) {
      const { channel, payload, isReadable } = messageFor(edge, dice);
      if (!proxy.inject(edgeTopic(siteId, `${siteId}-edge`, channel), payload)) {
        await until(
          'the edge is connected',
          () => proxy.inject(edgeTopic(siteId, `${siteId}-edge`, channel), payload),
          60_000,
        );
      }
      sent += 1;
      if (!isReadable) refused += 1;
      options.onProgress(Math.min(sent, options.messages));
      await proxy.drained();
    }
    await witness.halt();
    const problems = [...witness.complaints, ...(await witness.reconcile())];
    if (problems.length > 0) {
      const events = await aggregator.list(`/api/v1/events?siteId=${siteId}&gateId=${siteId}-guarded`);
      problems.push(`at the guarded gate: ${JSON.stringify(events).slice(0, maxToldChars)}`);
    }
    if (witness.program.end !== undefined) problems.push(`the guarded edge ended with ${witness.program.end}`);
    if (!isDone()) {
      problems.push(`the gates wedged: ${String(witness.passedOut)} passed, ${String(witness.stayedOut)} stayed out`);
    }
    await until('the edge has counted', () => witness.program.countedLines >= refused, 10_000).catch(() => undefined);
    const refusedByEdge = witness.program.countedLines;
    if (refusedByEdge !== refused) {
      problems.push(`${String(refused)} messages could not be read, the edge refused ${String(refusedByEdge)}`);
    }
    const { passedIn, passedOut, stayedOut } = witness;
    return { sent, refused, refusedByEdge, foreign: sent - refused, passed: passedIn + passedOut, stayedOut, problems };
  } finally {
    await witness.stop();
    proxy.stop();
  }
}

interface KnownEdge {
  instance: string;
  epoch: string;
  next: number;
}

/** What a listener on the wire knows of the edge. */
function learn(edge: KnownEdge, topic: string, payload: Buffer): void {
  if (topic.endsWith('/state')) {
    const state = parsePayload(stateSchema, payload);
    if (state.ok && state.value.presence === 'online') {
      edge.instance = state.value.instance;
      edge.epoch = state.value.epoch;
      edge.next = Math.max(edge.next, state.value.next);
    }
    return;
  }
  const batch = parsePayload(eventBatchSchema, payload);
  if (batch.ok) edge.next = Math.max(edge.next, batch.value.first + batch.value.events.length);
}

/** A message that cannot be read, made from one that nearly fits; or one that can be, and must change nothing. */
function messageFor(edge: KnownEdge, dice: Dice): { channel: Channel; payload: Buffer; isReadable: boolean } {
  for (;;) {
    const channel = dice.oneOf(channels);
    const fitting = {
      ...wireValue(channel, dice, { gateId: () => dice.oneOf([`${siteId}-guarded`, `${siteId}-in`]) }),
      ...live(channel, edge, dice),
    };
    if (dice.happens(0.3)) {
      const payload = payloadOf({ ...fitting, ...misplaced(channel, edge, dice) }, 'valid', dice);
      if (parsePayload<unknown>(schemas[channel], payload).ok) return { channel, payload, isReadable: true };
      continue;
    }
    const payload = payloadOf(fitting, dice.happens(0.6) ? 'nearly' : 'hostile', dice);
    if (!parsePayload<unknown>(schemas[channel], payload).ok) return { channel, payload, isReadable: false };
  }
}

/** What would open a gate, if only it could be read. */
function live(channel: Channel, { instance, epoch, next }: KnownEdge, dice: Dice): object {
  switch (channel) {
    case 'decisions':
      return {
        instance,
        epoch,
        arrival: Math.max(1, next - dice.below(3)),
        outcome: 'admit',
        basis: 'operator',
        ttlMs: 60_000,
      };
    case 'commands':
      return { instance, kind: dice.oneOf(['open', 'hold-open']), deadlineMono: Number.MAX_SAFE_INTEGER };
    case 'acks':
      return { instance, epoch, upTo: Math.max(0, next - dice.below(3)) };
    case 'allowance':
      return { epoch, version: 1_000 + dice.below(1_000), asOf: Math.max(0, next - 1) };
    case 'log-requests':
      return { instance };
  }
}

/** For another instance, another epoch, no arrival, or a time that has passed. */
function misplaced(channel: Channel, { next }: KnownEdge, dice: Dice): object {
  switch (channel) {
    case 'decisions':
      return dice.oneOf<object>([{ instance: dice.hex(16) }, { epoch: dice.hex(16) }, { arrival: next + 100_000 }]);
    case 'commands':
      return dice.oneOf<object>([{ instance: dice.hex(16) }, { deadlineMono: 0 }]);
    case 'acks':
      return dice.oneOf<object>([{ instance: dice.hex(16) }, { epoch: dice.hex(16), conflict: 'epoch-retired' }]);
    case 'allowance':
      return { epoch: dice.hex(16) };
    case 'log-requests':
      return { instance: dice.hex(16) };
  }
}
