/**
 * Connections that cost the other side more than this one: readers that never read, senders of one byte a minute, thousands that
 * never say who they are, packets that are not. All come from an address of their own, and while they are there a caller and an edge
 * from another one must be served; when they are gone, so must be what they cost.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { edgeTopic } from '@gatehouse/shared';
import { bookBatch, createTally, newHistory } from './account.js';
import type { TestedAggregator } from './aggregator.js';
import { createDice } from './dice.js';
import { changesBy } from './exposition.js';
import type { Exposition } from './exposition.js';
import { connectPacket, malformedBytes, malformedConnect, publishPacket } from './mqtt-bytes.js';
import { connectClient, openSocket } from './mqtt-client.js';
import type { Account, Target } from './mqtt-client.js';
import { prepareEdges } from './mqtt-phase.js';
import type { PreparedEdge } from './mqtt-phase.js';

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

const siteId = 'slow';
/** Where the machine has no such address, everything comes from one. */
const attackerAddress = process.platform === 'linux' ? '127.0.0.66' : undefined;
const dripEveryMs = 250;
const goodTriesEveryMs = 250;
const goodLimitMs = 20_000;

export async function runSocketsPhase(options: SocketsPhaseOptions): Promise<SocketsReport> {
  const { aggregator } = options;
  const problems: string[] = [];
  const tried: Record<string, number> = {};
  const from = attackerAddress === undefined ? {} : { from: attackerAddress };
  const mqtt: Target = { host: '127.0.0.1', port: aggregator.mqttPort, ...from };
  const http: Target = { host: '127.0.0.1', port: aggregator.httpPort, ...from };
  const [good, ...mad] = await prepareEdges(aggregator, { siteId, count: 7, slots: 5 });
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

interface Attack extends SocketsPhaseOptions {
  readonly mqtt: Target;
  readonly http: Target;
  /** One for each way of being mad: two connections of one edge would end each other. */
  readonly mad: readonly PreparedEdge[];
  readonly key: { readonly keyId: string; readonly key: string };
  readonly tried: Record<string, number>;
  readonly problems: string[];
}

interface Held {
  /** Complains of those that are still open then. */
  endedBy(limitMs: number): Promise<void>;
  close(): void;
}

function held(name: string, sockets: readonly Socket[], attack: Attack, stop: () => void = () => undefined): Held {
  const open = (): number => sockets.filter((socket) => !socket.destroyed).length;
  return {
    async endedBy(limitMs) {
      const endMs = performance.now() + limitMs;
      while (open() > 0 && performance.now() < endMs) await delay(200);
      if (open() > 0) attack.problems.push(`${String(open())} of ${String(sockets.length)} sockets ${name} were kept`);
    },
    close() {
      stop();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Says nothing at all, on both ports. Those that are turned away at once have got what they deserve. */
async function holdSilent(attack: Attack): Promise<Held> {
  const sockets: Socket[] = [];
  const fill = async (target: Target, number: number): Promise<void> => {
    for (let opened = 0; opened < number; opened += 50) {
      const batch = Array.from({ length: Math.min(50, number - opened) }, () => openSocket(target));
      for (const result of await Promise.allSettled(batch)) {
        if (result.status === 'fulfilled') sockets.push(result.value.resume());
      }
    }
    attack.tried['that say nothing'] = (attack.tried['that say nothing'] ?? 0) + number;
  };
  const targets = [attack.mqtt, attack.http];
  for (const target of targets) await fill(target, attack.sockets);
  const over = new AbortController();
  // Whoever is turned out comes back at once.
  const comingBack = (async () => {
    const endMs = performance.now() + attack.holdMs;
    while (!over.signal.aborted && performance.now() < endMs) {
      await delay(200);
      const gone = sockets.filter((socket) => socket.destroyed).length;
      if (gone === 0) continue;
      sockets.splice(0, sockets.length, ...sockets.filter((socket) => !socket.destroyed));
      for (const target of targets) await fill(target, Math.min(200, Math.ceil(gone / 2)));
    }
  })();
  const all = held('that say nothing', sockets, attack);
  return {
    async endedBy(limitMs) {
      over.abort();
      await comingBack;
      await all.endedBy(limitMs);
    },
    close: () => {
      all.close();
    },
  };
}

/** One byte at a time: of CONNECT, of a publication, of headers and of a body. */
async function startDripping(attack: Attack): Promise<Held> {
  const mad = madEdge(attack, 0);
  const connect = connectPacket(accountOf(mad));
  const body = Buffer.alloc(60_000, 0x20);
  const post = `POST /api/v1/enrolments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${String(body.length)}\r\n\r\n`;
  const kinds: readonly (readonly [Target, Buffer, Buffer])[] = [
    [attack.mqtt, Buffer.alloc(0), connect],
    [attack.http, Buffer.alloc(0), Buffer.from(`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(4_000)}`)],
    [attack.http, Buffer.from(post), body],
  ];
  const sockets: Socket[] = [];
  const drips: (() => void)[] = [];
  for (const [target, atOnce, slowly] of kinds) {
    for (let count = 0; count < 10; count += 1) {
      const socket = await openSocket(target).catch(() => undefined);
      if (socket === undefined) continue;
      socket.resume().write(atOnce);
      sockets.push(socket);
      let at = 0;
      drips.push(() => {
        if (socket.writable && at < slowly.length - 1) socket.write(slowly.subarray(at, (at += 1)));
      });
    }
  }
  const timer = setInterval(() => {
    for (const drip of drips) drip();
  }, dripEveryMs);
  attack.tried['that send one byte at a time'] = sockets.length;
  return held('that send one byte at a time', sockets, attack, () => {
    clearInterval(timer);
  });
}

/** Streams that are no MQTT, before and after a good CONNECT. */
async function sendMalformed(attack: Attack): Promise<void> {
  const dice = createDice(attack.seed, 'malformed');
  const mad = madEdge(attack, 1);
  const topic = edgeTopic(siteId, mad.edgeId, 'state');
  for (let count = 0; count < attack.malformed; count += 1) {
    const socket = await openSocket(attack.mqtt).catch(() => undefined);
    if (socket === undefined) {
      await delay(20);
      continue;
    }
    socket.resume();
    if (dice.happens(0.4)) {
      socket.end(malformedConnect(dice));
    } else {
      socket.write(connectPacket(accountOf(mad)));
      for (let packet = 0; packet < dice.between(1, 4); packet += 1) socket.write(malformedBytes(topic, dice));
      socket.end();
    }
    await Promise.race([new Promise((resolve) => socket.once('close', resolve)), delay(50)]);
    socket.destroy();
  }
  const wrong = await openSocket(attack.mqtt).catch(() => undefined);
  wrong?.resume().write(connectPacket({ clientId: 'nobody', username: 'nobody', password: 'nothing' }));
  await delay(200);
  wrong?.destroy();
  attack.tried['that are malformed'] = attack.malformed;
}

/** Asks for everything of every site and reads nothing, while there is much to read. */
async function ignoreMessages(attack: Attack): Promise<void> {
  const { keyId, key } = attack.key;
  const target = { host: attack.mqtt.host, port: attack.mqtt.port };
  const account = { clientId: 'reader', username: keyId, password: key };
  const reader = await connectClient(target, account, ['gatehouse/v1/#']);
  reader.socket.pause();
  attack.tried['that never read MQTT'] = 1;
  const mad = madEdge(attack, 2);
  const large = Buffer.alloc(120_000, 0x41);
  const talker = await connectClient(target, accountOf(mad));
  for (let sent = 0; sent < 200 && talker.isOpen; sent += 1) {
    talker.publish(edgeTopic(siteId, mad.edgeId, 'state'), large);
    await talker.flushed();
    await delay(10);
  }
  await delay(500);
  talker.end();
  // A paused socket does not see the end of the other side.
  reader.socket.resume();
  await Promise.race([reader.closed, delay(5_000)]);
  reader.end();
}

/** Follows the event stream from the beginning and reads nothing of it, while an edge makes news. */
async function ignoreStream(attack: Attack): Promise<void> {
  const { aggregator } = attack;
  const cut = async (): Promise<number> => valueOf(await aggregator.metrics(), 'gatehouse_streams_cut_total');
  const before = await cut();
  const sockets: Socket[] = [];
  for (let count = 0; count < 4; count += 1) {
    const socket = await openSocket({ host: attack.http.host, port: attack.http.port });
    socket.write(
      `GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${attack.key.key}\r\nLast-Event-ID: 0\r\n\r\n`,
    );
    socket.pause();
    sockets.push(socket);
  }
  attack.tried['that never read the stream'] = sockets.length;
  const news = await startNews(attack, madEdge(attack, 5));
  const endMs = performance.now() + attack.endsWithinMs + attack.holdMs;
  while ((await cut()) === before && performance.now() < endMs) news.tell();
  news.stop();
  for (const socket of sockets) socket.destroy();
}

const newsPerBatch = 100;

/** An edge whose lane changes its mode without end, with long reasons. */
async function startNews(attack: Attack, mad: PreparedEdge): Promise<{ tell(): void; stop(): void }> {
  const client = await connectClient({ host: attack.mqtt.host, port: attack.mqtt.port }, accountOf(mad));
  const instance = '0'.repeat(32);
  const by = 'x'.repeat(200);
  const event = {
    kind: 'mode-changed',
    atMs: Date.now(),
    monoMs: 1,
    bootId: instance,
    gateId: mad.gateIds[0],
    mode: 'locked',
    by,
  };
  let history = newHistory(createDice(attack.seed, 'news').hex(16));
  return {
    tell() {
      const { epoch, upTo, hash: prevHash } = history;
      const events = Array.from({ length: newsPerBatch }, () => event);
      const payload = Buffer.from(JSON.stringify({ instance, epoch, first: upTo + 1, prevHash, waiting: [], events }));
      history = bookBatch(payload, history, new Set(mad.gateIds), createTally());
      client.publish(edgeTopic(siteId, mad.edgeId, 'events'), payload);
    },
    stop() {
      client.end();
    },
  };
}

/** Lengths beyond every bound, with as much of the body as is taken. */
async function sendGiants(attack: Attack): Promise<void> {
  const mad = madEdge(attack, 3);
  for (let count = 0; count < 10; count += 1) {
    const socket = await opened(attack.mqtt);
    socket.resume();
    socket.write(connectPacket(accountOf(mad)));
    socket.write(publishPacket(edgeTopic(siteId, mad.edgeId, 'events'), Buffer.alloc(4 * 1024 * 1024), 1));
    await Promise.race([new Promise((resolve) => socket.once('close', resolve)), delay(10_000)]);
    if (!socket.destroyed) attack.problems.push('a packet of 4 MiB did not end its connection');
    socket.destroy();
  }
  attack.tried['that send 4 MiB at once'] = 10;
}

/** As many messages as the socket takes, without waiting for anything. */
async function flood(attack: Attack): Promise<void> {
  const mad = madEdge(attack, 4);
  const client = await connectClient({ host: attack.mqtt.host, port: attack.mqtt.port }, accountOf(mad));
  const topic = edgeTopic(siteId, mad.edgeId, 'events');
  const endMs = performance.now() + attack.holdMs;
  let sent = 0;
  while (client.isOpen && performance.now() < endMs) {
    for (let count = 0; count < 100; count += 1) client.publish(topic, Buffer.from('{"flood":true}'));
    sent += 100;
    await client.flushed();
    await delay(1);
  }
  client.end();
  attack.tried['messages of a flood'] = sent;
}

function accountOf({ edgeId, password }: PreparedEdge): Account {
  return { clientId: edgeId, username: edgeId, password };
}

function madEdge({ mad }: Attack, index: number): PreparedEdge {
  const edge = mad[index];
  if (edge === undefined) throw new RangeError(`there is no mad edge ${String(index)}`);
  return edge;
}

async function opened(target: Target): Promise<Socket> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await openSocket(target);
    } catch (error) {
      if (tries > 50) throw error;
      await delay(100);
    }
  }
}

/** A good edge connects again and again, and a good caller asks on a new connection each time. */
function watchService(aggregator: TestedAggregator, good: PreparedEdge, problems: string[]) {
  let isOver = false;
  let slowestMqttMs = 0;
  let slowestHttpMs = 0;
  let mostDescriptors = 0;
  const target: Target = { host: '127.0.0.1', port: aggregator.mqttPort };
  const account = { clientId: good.edgeId, username: good.edgeId, password: good.password };
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
