/**
 * A registered edge that has gone mad. It sends bursts of valid, nearly valid and hostile messages, each burst ended by a batch
 * that must be taken: when that one is acknowledged, everything before it has been dealt with.
 */
import { Buffer } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import { ackSchema, canonicalJson, edgeTopic, nextHash, parsePayload, stateSchema } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { bookBatch, bookLog, bookState, count, newHistory } from './account.js';
import type { History, Tally } from './account.js';
import type { Dice } from './dice.js';
import { hostileString } from './hostile.js';
import { malformedBytes } from './malformed-mqtt.js';
import { connectClient } from '../bare-mqtt/client.js';
import type { Account, BareClient, Target } from '../bare-mqtt/client.js';
import { intentOf, payloadOf, wireValue } from './wire-values.js';
import type { Meaning } from './wire-values.js';

export interface HostileEdgeOptions {
  readonly target: Target;
  readonly siteId: string;
  readonly edgeId: string;
  readonly password: string;
  readonly gateIds: readonly string[];
  /** Slots of the site, so that events can name them. */
  readonly slotIds: readonly string[];
  readonly dice: Dice;
  readonly tally: Tally;
  /** Without any: it never changes its epoch and sends nothing that is taken for another. */
  readonly epochChanges: boolean;
}

export interface HostileEdge {
  readonly edgeId: string;
  start(): Promise<void>;
  /** Sends a burst and waits until it has been dealt with; answers how many messages it was. */
  burst(): Promise<number>;
  /** Sends what ends the connection, and connects again. Answers how many messages that was. */
  breakConnection(): Promise<number>;
  stop(): void;
}

/** Messages of one burst at most, with the last one: as many as the aggregator's inbox of one edge takes. */
const maxBurst = 8;
const ackTimeoutMs = 60_000;
const maxEpochs = 40;

export function createHostileEdge(options: HostileEdgeOptions): HostileEdge {
  const { siteId, edgeId, dice, tally } = options;
  const gateIds = new Set(options.gateIds);
  const topic = (channel: 'state' | 'events' | 'log' | 'acks'): string => edgeTopic(siteId, edgeId, channel);
  const account: Account = { clientId: edgeId, username: edgeId, password: options.password };
  const instance = dice.hex(16);
  let client: BareClient | undefined;
  let history: History = newHistory(dice.hex(16));
  /** What has been dealt with for certain: the history at the end of the last burst. */
  let settled: History = history;
  let acked = { epoch: '', upTo: 0 };
  let onAck = (): void => undefined;
  let stateMonoMs = 1;
  let messagesSent = 0;

  const meaning: Meaning = {
    gateId: () => (dice.happens(0.97) ? dice.oneOf(options.gateIds) : undefined),
    slotId: () => (dice.happens(0.9) ? dice.oneOf([...options.slotIds, null]) : undefined),
    arrival: () => (dice.happens(0.8) ? Math.max(1, history.upTo - dice.below(20)) : undefined),
    supersedes: () => (dice.happens(0.8) ? null : undefined),
    atMs: () => (dice.happens(0.7) ? Date.now() - dice.below(60_000) : undefined),
    origin: () => (dice.happens(0.05) ? undefined : { epoch: dice.hex(16), seq: 1, hash: dice.hex(32) }),
  };

  const someEvents = (): Record<string, unknown>[] =>
    Array.from({ length: dice.happens(0.7) ? 1 : dice.between(2, 12) }, () => {
      const event = wireValue('event', dice, meaning);
      if (dice.happens(0.9)) delete event.origin;
      return event;
    });

  /** A batch that follows what was sent, or one that stands somewhere else. */
  const batch = (events: Record<string, unknown>[], displaced: boolean): Record<string, unknown> => {
    const next = {
      instance,
      epoch: history.epoch,
      first: history.upTo + 1,
      prevHash: history.hash,
      waiting: [],
      events,
    };
    const arrivals = events.flatMap(({ kind }, index) => (kind === 'vehicle-arrived' ? [next.first + index] : []));
    const whole = { ...next, waiting: arrivals.slice(0, 16) };
    if (!displaced) return whole;
    const epochs = [...history.retired].slice(-3);
    return {
      ...whole,
      ...dice.oneOf<object>([
        { first: Math.max(1, history.upTo - dice.below(4)) },
        { first: history.upTo + 2 + dice.below(1_000) },
        { first: Number.MAX_SAFE_INTEGER },
        { prevHash: dice.hex(32) },
        { epoch: dice.hex(16) },
        { epoch: epochs.length === 0 ? dice.hex(16) : dice.oneOf(epochs) },
        { waiting: [history.upTo + 1, 1, 2, 3] },
      ]),
    };
  };

  const sendBatch = (payload: Buffer): void => {
    history = bookBatch(payload, history, gateIds, tally);
    messagesSent += 1;
    client?.publish(topic('events'), payload);
  };

  const oneBatch = (): void => {
    const intent = intentOf(dice);
    const value = batch(someEvents(), intent === 'valid' && dice.happens(0.4));
    sendBatch(payloadOf(value, intent, dice));
  };

  const resentBatch = (): void => {
    // Taken already, or never: the same bytes twice.
    const payload = Buffer.from(JSON.stringify(batch(someEvents(), false)));
    sendBatch(payload);
    sendBatch(payload);
  };

  const oneState = (): void => {
    stateMonoMs += 1;
    const value = {
      ...wireValue('state', dice, { ...meaning, arrival: () => null }),
      ...(dice.happens(0.9) ? accountOfOutbox() : { presence: 'offline', instance }),
    };
    const plain = value.presence === 'offline' ? { presence: 'offline', instance } : value;
    // What is acknowledged by now stands in it: no more than this message may depend on that.
    const payload = payloadOf(plain, intentOf(dice), dice.fork());
    if (tellsOtherHistory(payload)) return;
    bookState(payload, tally);
    messagesSent += 1;
    client?.publish(topic('state'), payload);
  };

  const oneLog = (): void => {
    const value = { ...wireValue('log', dice), ...(dice.happens(0.8) ? { instance } : {}) };
    const payload = payloadOf(value, intentOf(dice), dice);
    bookLog(payload, tally);
    messagesSent += 1;
    client?.publish(topic('log'), payload);
  };

  const accountOfOutbox = (): object => ({
    presence: 'online',
    instance,
    epoch: history.epoch,
    oldest: 1,
    next: history.upTo + 1,
    acked: acked.epoch === history.epoch ? Math.min(acked.upTo, history.upTo) : 0,
    clock: { atMs: Date.now(), monoMs: stateMonoMs, bootId: instance },
  });

  /**
   * A state that would make the aggregator pass over events, or doubt its store: the books of this edge would not know. It overtakes
   * the batches that wait, so that the events of this burst may be ones that it passes over.
   */
  const tellsOtherHistory = (payload: Uint8Array): boolean => {
    const parsed = parsePayload(stateSchema, payload);
    if (!parsed.ok || parsed.value.presence === 'offline') return false;
    const { epoch, oldest, next, acked: told } = parsed.value;
    const stored = settled.epoch === history.epoch ? settled.upTo : 0;
    return epoch !== history.epoch || oldest > stored + 1 || told > history.upTo || next < history.upTo + 1;
  };

  const newEpoch = (): void => {
    if (!options.epochChanges || history.retired.size >= maxEpochs) return;
    const epoch = dice.hex(16);
    const value = { ...batch(someEvents(), false), epoch, first: 1, prevHash: newHistory(epoch).hash, waiting: [] };
    sendBatch(Buffer.from(JSON.stringify(value)));
  };

  /** What must be taken, with an ack that says so. */
  const lastOfBurst = async (): Promise<void> => {
    const event = {
      kind: 'fault-cleared',
      atMs: Date.now(),
      monoMs: 1,
      bootId: instance,
      gateId: null,
      fault: 'tamper',
    };
    const payload = Buffer.from(JSON.stringify(batch([event], false)));
    const wanted = { epoch: history.epoch, upTo: history.upTo + 1, hash: nextHash(sha256, history.hash, event) };
    sendBatch(payload);
    await waitForAck(wanted);
    settled = history;
  };

  const waitForAck = (wanted: { epoch: string; upTo: number }): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${edgeId}: no ack of ${canonicalJson(wanted)} within ${String(ackTimeoutMs)} ms`));
      }, ackTimeoutMs);
      void client?.closed.then(() => {
        clearTimeout(timer);
        reject(new Error(`${edgeId}: the connection was closed`));
      });
      onAck = () => {
        if (acked.epoch !== wanted.epoch || acked.upTo < wanted.upTo) return;
        clearTimeout(timer);
        onAck = () => undefined;
        resolve();
      };
      onAck();
    });

  const onMessage = (channel: string, payload: Buffer): void => {
    if (channel !== topic('acks')) return;
    const ack = parsePayload(ackSchema, payload);
    if (!ack.ok) throw new Error(`${edgeId}: an ack that cannot be read: ${ack.error}`);
    if (ack.value.conflict === null) acked = ack.value;
    onAck();
  };

  const connect = async (): Promise<void> => {
    const filters = [topic('acks'), edgeTopic(siteId, edgeId, 'decisions')];
    client = await connectClient(options.target, account, filters, onMessage);
  };

  const broken = async (send: (client: BareClient) => void, reason: string): Promise<number> => {
    if (client === undefined) throw new Error(`${edgeId} is not connected`);
    const before = client;
    send(before);
    const isClosed = await Promise.race([before.closed.then(() => true), delay(2_000, false)]);
    count(tally.messages, isClosed ? reason : 'connection-kept');
    before.end();
    await before.closed;
    await connect();
    return 1;
  };

  return {
    edgeId,
    start: connect,
    async burst() {
      const before = messagesSent;
      const messages = dice.between(1, maxBurst - 2);
      for (let tries = 0; messagesSent - before < messages && tries < 2 * maxBurst; tries += 1) {
        const chance = dice.random.next();
        // First of all: a state overtakes the batches that wait, and would retire the epoch that they are of.
        if (chance < 0.05 && messagesSent === before) newEpoch();
        else if (chance < 0.05) resentBatch();
        else if (chance < 0.25) oneState();
        else if (chance < 0.3) oneLog();
        else oneBatch();
      }
      await lastOfBurst();
      return messagesSent - before;
    },
    breakConnection: () =>
      dice.happens(0.5)
        ? broken((it) => {
            it.publish(foreignTopic(siteId, edgeId, dice), Buffer.from('{}'));
          }, 'publish-topic')
        : broken((it) => {
            it.send(malformedBytes('not/ours', dice));
          }, 'malformed'),
    stop() {
      client?.end();
    },
  };
}

function foreignTopic(siteId: string, edgeId: string, dice: Dice): string {
  return dice.oneOf([
    edgeTopic(siteId, edgeId, 'acks'),
    edgeTopic(siteId, edgeId, 'decisions'),
    edgeTopic(siteId, `${edgeId}x`, 'events'),
    edgeTopic(siteId, `${edgeId}x`, 'log'),
    edgeTopic(siteId, edgeId, 'log-requests'),
    edgeTopic('witness', 'witness-edge', 'events'),
    edgeTopic('witness', 'witness-edge', 'commands'),
    `gatehouse/v1/${siteId}/occupancy`,
    `gatehouse/v2/${siteId}/${edgeId}/events`,
    `gatehouse/v1/${siteId}/${edgeId}/events/`,
    'a',
    hostileString(dice).replace(/[#+]/g, '').replaceAll('\u0000', '') || 'x',
  ]);
}

export function sumOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const value of counts.values()) sum += value;
  return sum;
}
