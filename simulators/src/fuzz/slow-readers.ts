/** Who asks for everything and reads nothing: of MQTT, and of the event stream. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ackSchema, edgeTopic, parsePayload } from '@gatehouse/shared';
import { bookBatch, createTally, newHistory } from './account.js';
import { createDice } from './dice.js';
import { sumOfSamples } from './exposition.js';
import { connectClient, openSocket } from '../bare-mqtt/client.js';
import type { PreparedEdge } from './mqtt-phase.js';
import { until } from './programs.js';
import { accountOf, madEdge, slowSiteId } from './socket-attacks.js';
import type { Attack } from './socket-attacks.js';

/** Asks for everything of every site and reads nothing, while there is much to read. */
export async function ignoreMessages(attack: Attack): Promise<void> {
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
    talker.publish(edgeTopic(slowSiteId, mad.edgeId, 'state'), large);
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
export async function ignoreStream(attack: Attack): Promise<void> {
  const { aggregator } = attack;
  const cut = async (): Promise<number> => sumOfSamples(await aggregator.metrics(), 'gatehouse_streams_cut_total');
  const before = await cut();
  const sockets: Socket[] = [];
  try {
    await ignoreNews(attack, sockets, async () => (await cut()) > before);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

async function ignoreNews(attack: Attack, sockets: Socket[], isCut: () => Promise<boolean>): Promise<void> {
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
  const endMs = performance.now() + newsLimitMs;
  try {
    while (!(await isCut()) && performance.now() < endMs) await news.tell();
  } finally {
    news.stop();
  }
}

const newsPerBatch = 100;
/** As many as the aggregator's inbox of one edge takes at a time. */
const batchesOfNews = 6;
const newsLimitMs = 90_000;
/** As every edge does: neither what is sent nor its acknowledgement is sure to come through. */
const newsResendMs = 2_000;
const newsAckMs = 20_000;

/** An edge whose lane changes its mode without end, with long reasons. */
async function startNews(attack: Attack, mad: PreparedEdge): Promise<{ tell(): Promise<void>; stop(): void }> {
  let acked = 0;
  const target = { host: attack.mqtt.host, port: attack.mqtt.port };
  const topic = edgeTopic(slowSiteId, mad.edgeId, 'events');
  const acks = [edgeTopic(slowSiteId, mad.edgeId, 'acks')];
  const client = await connectClient(target, accountOf(mad), acks, (_topic, payload) => {
    const ack = parsePayload(ackSchema, payload);
    if (ack.ok) acked = Math.max(acked, ack.value.upTo);
  });
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
    async tell() {
      const told: { readonly upTo: number; readonly payload: Buffer }[] = [];
      for (let batch = 0; batch < batchesOfNews; batch += 1) {
        const { epoch, upTo, hash: prevHash } = history;
        const events = Array.from({ length: newsPerBatch }, () => event);
        const payload = Buffer.from(
          JSON.stringify({ instance, epoch, first: upTo + 1, prevHash, waiting: [], events }),
        );
        history = bookBatch(payload, history, new Set(mad.gateIds), createTally());
        told.push({ upTo: history.upTo, payload });
      }
      const send = (): void => {
        for (const { upTo, payload } of told) if (upTo > acked) client.publish(topic, payload);
      };
      send();
      const again = setInterval(send, newsResendMs);
      await until('the news are stored', () => acked >= history.upTo, newsAckMs).finally(() => {
        clearInterval(again);
      });
    },
    stop() {
      client.end();
    },
  };
}
