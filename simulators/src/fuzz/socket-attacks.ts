/** What connections do that cost the other side more than this one. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { edgeTopic } from '@gatehouse/shared';
import type { TestedAggregator } from './aggregator.js';
import { createDice } from './dice.js';
import { malformedBytes, malformedConnect } from './malformed-mqtt.js';
import { connectPacket, publishPacket } from '../bare-mqtt/packets.js';
import { connectClient, openSocket } from '../bare-mqtt/client.js';
import type { Account, Target } from '../bare-mqtt/client.js';
import type { PreparedEdge } from './mqtt-phase.js';

/** The site of the edges that are mad. */
export const slowSiteId = 'slow';
const dripEveryMs = 250;

export interface Attack {
  readonly aggregator: TestedAggregator;
  readonly seed: string;
  /** Sockets at a time that say nothing, and malformed streams in all. */
  readonly sockets: number;
  readonly malformed: number;
  /** How long dripping and silent sockets are held. */
  readonly holdMs: number;
  readonly mqtt: Target;
  readonly http: Target;
  /** One for each way of being mad: two connections of one edge would end each other. */
  readonly mad: readonly PreparedEdge[];
  readonly key: { readonly keyId: string; readonly key: string };
  readonly tried: Record<string, number>;
  readonly problems: string[];
}

export interface Held {
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
export async function holdSilent(attack: Attack): Promise<Held> {
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
export async function startDripping(attack: Attack): Promise<Held> {
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
export async function sendMalformed(attack: Attack): Promise<void> {
  const dice = createDice(attack.seed, 'malformed');
  const mad = madEdge(attack, 1);
  const topic = edgeTopic(slowSiteId, mad.edgeId, 'state');
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
  attack.tried['that are malformed'] = (attack.tried['that are malformed'] ?? 0) + attack.malformed;
}

/** Somebody whom nobody knows. */
export async function signInWrongly({ mqtt, problems }: Attack): Promise<void> {
  const account = { clientId: 'nobody', username: 'nobody', password: 'nothing' };
  const client = await connectClient(mqtt, account).catch(() => undefined);
  if (client === undefined) return;
  problems.push('somebody unknown was let in');
  client.end();
}

/** Lengths beyond every bound, with as much of the body as is taken. */
export async function sendGiants(attack: Attack): Promise<void> {
  const mad = madEdge(attack, 3);
  for (let count = 0; count < 10; count += 1) {
    const socket = await opened(attack.mqtt);
    socket.resume();
    socket.write(connectPacket(accountOf(mad)));
    socket.write(publishPacket(edgeTopic(slowSiteId, mad.edgeId, 'events'), Buffer.alloc(4 * 1024 * 1024), 1));
    await Promise.race([new Promise((resolve) => socket.once('close', resolve)), delay(10_000)]);
    if (!socket.destroyed) attack.problems.push('a packet of 4 MiB did not end its connection');
    socket.destroy();
  }
  attack.tried['that send 4 MiB at once'] = 10;
}

/** As many messages as the socket takes, without waiting for anything. */
export async function flood(attack: Attack): Promise<void> {
  const mad = madEdge(attack, 4);
  const client = await connectClient({ host: attack.mqtt.host, port: attack.mqtt.port }, accountOf(mad));
  const topic = edgeTopic(slowSiteId, mad.edgeId, 'events');
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

export function accountOf({ edgeId, password }: PreparedEdge): Account {
  return { clientId: edgeId, username: edgeId, password };
}

export function madEdge({ mad }: Attack, index: number): PreparedEdge {
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
