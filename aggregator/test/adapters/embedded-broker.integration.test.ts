import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import mqttPacket from 'mqtt-packet';
import type { Packet } from 'mqtt-packet';
import { createVirtualClock, edgeTopic, silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { createEmbeddedBroker, embeddedBrokerSettingsSchema } from '../../src/adapters/broker/embedded/index.js';
import type { BrokerLimits, EmbeddedBroker, RefusalReason } from '../../src/adapters/broker/embedded/index.js';
import type { TestEnd } from '../conformance/centre-link.js';
import { connectEnd } from '../conformance/mqtt-end.js';
import { until } from '../conformance/waiting.js';
import { authenticator, createTestBroker, urlOf } from './broker-harness.js';

// Real processes and sockets on a machine that may be busy; each wait has a shorter deadline of its own.
jest.setTimeout(60_000);

const eventsOf = (edgeId: string): string => edgeTopic('site-a', edgeId, 'events');
const acksOf = (edgeId: string): string => edgeTopic('site-a', edgeId, 'acks');

describe('a broker among hostile clients', () => {
  let broker: EmbeddedBroker;
  let good: TestEnd;
  /** Topics of what the aggregator was given, and the texts beside them. */
  let received: string[];
  let heard: string[];
  const sockets: Socket[] = [];
  const ends: TestEnd[] = [];

  const start = async (limits: Partial<BrokerLimits> = {}): Promise<void> => {
    broker = createTestBroker(limits);
    received = [];
    heard = [];
    await broker.start(({ topic, payload }) => {
      received.push(topic);
      heard.push(Buffer.from(payload).toString());
    });
    good = await as('edge-2');
    await good.subscribe(acksOf('edge-2'));
  };
  const as = async (username: string, clientId = username, password = `secret-${username}`): Promise<TestEnd> => {
    const end = await connectEnd(urlOf(broker), { username, password, clientId });
    ends.push(end);
    return end;
  };
  /** Publishes what will not be acknowledged. */
  const send = (end: TestEnd, topic: string, payload: string | Uint8Array, retain: boolean): void => {
    end.publish(topic, payload, { retain }).catch(() => undefined);
  };
  const rawSocket = async (): Promise<Socket> => {
    const { port } = broker.address() ?? { port: 0 };
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    sockets.push(socket);
    socket.resume();
    await until('connected', () => !socket.connecting);
    return socket;
  };
  /** An edge whose messages leave in one piece: `state` as its state, everything else as events, the packet ids from 1 on. */
  const rawEdge = async (edgeId: string): Promise<{ write: (payloads: string[]) => void; acknowledged: number[] }> => {
    const socket = await rawSocket();
    const acknowledged: number[] = [];
    const parser = mqttPacket.parser();
    let isIn = false;
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connack') isIn = true;
      if (packet.cmd === 'puback') acknowledged.push(packet.messageId ?? 0);
    });
    socket.on('data', (chunk) => parser.parse(chunk));
    socket.write(
      mqttPacket.generate({
        cmd: 'connect',
        clientId: edgeId,
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        keepalive: 60,
        username: edgeId,
        password: Buffer.from(`secret-${edgeId}`),
      }),
    );
    await until('it is in', () => isIn);
    let messageId = 0;
    const packetOf = (payload: string): Buffer => {
      messageId += 1;
      const isState = payload === 'state';
      const topic = isState ? edgeTopic('site-a', edgeId, 'state') : eventsOf(edgeId);
      return mqttPacket.generate({ cmd: 'publish', topic, payload, qos: 1, retain: isState, dup: false, messageId });
    };
    return { acknowledged, write: (payloads) => void socket.write(Buffer.concat(payloads.map(packetOf))) };
  };
  const refused = (reason: RefusalReason): number => broker.counters().refusedTotal[reason];
  /** The good edge goes on as if nothing were. */
  const expectGoodTraffic = async (): Promise<void> => {
    const before = [received.length, good.received.length];
    await good.publish(eventsOf('edge-2'), '{}', { retain: false });
    await broker.publish(acksOf('edge-2'), '{}', { retain: false });
    await until(
      'good traffic goes on',
      () => received.length > (before[0] ?? 0) && good.received.length > (before[1] ?? 0),
    );
    expect(good.isConnected).toBe(true);
  };

  beforeEach(() => start());
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const end of ends.splice(0)) if (end.isConnected) await end.close();
    await broker.stop();
  });

  it('has its library keep no buffer for every 16-bit number', () => {
    // The same module in both places, or the setting would be of another one.
    const ofAedes = createRequire(createRequire(import.meta.url).resolve('aedes')).resolve('mqtt-packet');
    expect(ofAedes).toBe(createRequire(import.meta.url).resolve('mqtt-packet'));
    expect(mqttPacket.writeToStream.cacheNumbers).toBe(false);
  });

  it('refuses who shows no credential, a wrong one or another edge’s', async () => {
    const url = urlOf(broker);
    const options = { clientId: 'edge-1', username: 'edge-1' };
    await expect(connectEnd(url, { ...options, password: 'wrong' })).rejects.toThrow(/user ?name or password/i);
    await expect(connectEnd(url, { ...options, username: 'nobody', password: 'x' })).rejects.toThrow();
    await expect(connectEnd(url, { ...options, username: '__proto__', password: 'x' })).rejects.toThrow();
    await expect(as('edge-1', 'edge-2')).rejects.toThrow(/authori[sz]ed/i);
    const anonymous = await rawSocket();
    anonymous.write(
      mqttPacket.generate({
        cmd: 'connect',
        clientId: 'x',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        keepalive: 5,
      }),
    );
    await until('the anonymous one is gone', () => anonymous.destroyed);
    expect(refused('credentials')).toBe(4);
    expect(refused('client-id')).toBe(1);
    expect(broker.counters().clients).toBe(1);
    await expectGoodTraffic();
  });

  it('disconnects an edge that publishes for another, for nobody, or retained where it may not', async () => {
    for (const [topic, retain] of [
      [eventsOf('edge-2'), false],
      [edgeTopic('site-a', 'edge-2', 'log'), false],
      [edgeTopic('site-a', 'edge-1', 'log'), true],
      [acksOf('edge-1'), false],
      ['gatehouse/v1/site-a/occupancy', true],
      [eventsOf('edge-1'), true],
    ] as const) {
      const edge = await as('edge-1');
      send(edge, topic, 'x', retain);
      await until(`${topic} costs the connection`, () => !edge.isConnected);
    }
    expect(refused('publish-topic')).toBe(6);
    expect(received).toEqual([]);
    await expectGoodTraffic();
  });

  it('does not disconnect an edge for what a payload holds', async () => {
    const edge = await as('edge-1');
    for (const payload of [
      '',
      'not JSON',
      Uint8Array.from([0xff, 0xfe]),
      '{"__proto__":1}',
      new Uint8Array(128 * 1024),
    ]) {
      await edge.publish(eventsOf('edge-1'), payload, { retain: false });
    }
    await until('all five', () => received.length === 5);
    expect(edge.isConnected).toBe(true);
  });

  it('refuses a last will on another’s topic', async () => {
    const will = { topic: eventsOf('edge-2'), payload: Buffer.from('x'), qos: 1 as const, retain: false };
    await expect(
      connectEnd(urlOf(broker), { username: 'edge-1', password: 'secret-edge-1', clientId: 'edge-1', will }),
    ).rejects.toThrow(/authori[sz]ed/i);
    expect(refused('will-topic')).toBe(1);
  });

  it('refuses filters beyond one’s own, and keeps the connection', async () => {
    const edge = await as('edge-1');
    const auditor = await as('auditor');
    const observer = await as('observer');
    for (const filter of ['#', '+/+/+/+/+', '$SYS/#', acksOf('edge-2'), 'gatehouse/v1/site-a/#']) {
      await expect(edge.subscribe(filter)).rejects.toThrow();
    }
    await expect(auditor.subscribe('gatehouse/v1/site-b/#')).rejects.toThrow();
    await expect(observer.subscribe('gatehouse/v1/site-a/edge-1/events')).rejects.toThrow();
    await edge.subscribe(acksOf('edge-1'));
    await auditor.subscribe('gatehouse/v1/site-a/#');
    await observer.subscribe('gatehouse/v1/site-a/occupancy');
    expect(refused('subscribe-filter')).toBe(7);
    await expectGoodTraffic();
    await until('the auditor hears both', () => auditor.received.length === 2);
    expect(observer.received).toEqual([]);
  });

  it('ends the connections of a key that no longer holds, and no others', async () => {
    const readers = [await as('auditor'), await as('auditor')];
    const edge = await as('edge-1');
    for (const reader of readers) await reader.subscribe('gatehouse/v1/site-a/#');
    await broker.disconnect('auditor');
    await until('both are disconnected', () => readers.every((reader) => !reader.isConnected));
    expect(edge.isConnected).toBe(true);
    await expectGoodTraffic();
    expect(readers.flatMap((reader) => reader.received)).toEqual([]);
  });

  it('bounds the subscriptions of a client', async () => {
    await broker.stop();
    await start({ maxSubscriptionsPerClient: 4 });
    const auditor = await as('auditor');
    for (const n of [1, 2, 3, 4]) await auditor.subscribe(`gatehouse/v1/site-a/e-${String(n)}/#`);
    await auditor.subscribe('gatehouse/v1/site-a/e-1/#');
    await expect(auditor.subscribe('gatehouse/v1/site-a/e-5/#')).rejects.toThrow();
    expect(refused('too-many-subscriptions')).toBe(1);
  });

  it('cuts off a packet of 10 MB by its header, before it is there', async () => {
    const edge = await as('edge-1');
    send(edge, eventsOf('edge-1'), new Uint8Array(10 * 1024 * 1024), false);
    await until('the sender is gone', () => !edge.isConnected);
    expect(refused('packet-too-long')).toBe(1);
    const stranger = await rawSocket();
    stranger.write(Uint8Array.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
    await until('the stranger is gone', () => stranger.destroyed);
    expect(refused('packet-too-long')).toBe(2);
    await expectGoodTraffic();
  });

  it('cuts off what is not MQTT', async () => {
    const socket = await rawSocket();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('it is gone', () => socket.destroyed);
    expect(refused('not-mqtt')).toBe(1);
    const malformed = await rawSocket();
    malformed.write(Uint8Array.from([0x10, 0x04, 0xff, 0xff, 0xff, 0xff]));
    await until('it is gone', () => malformed.destroyed);
    await expectGoodTraffic();
  });

  it('gives a stranger a bounded time, however slowly it speaks', async () => {
    await broker.stop();
    await start({ authenticationTimeoutMs: 1_000 });
    const silent = await rawSocket();
    const slow = await rawSocket();
    const bytes = [0x10, 0x20, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 0x04, 0x02, 0x00, 0x3c];
    const drip = setInterval(() => {
      const next = bytes.shift();
      if (next !== undefined && !slow.destroyed) slow.write(Uint8Array.from([next]));
    }, 50);
    expect(broker.counters().unauthenticated).toBe(2);
    await expectGoodTraffic();
    await until('both are gone', () => silent.destroyed && slow.destroyed);
    clearInterval(drip);
    expect(refused('authentication-timeout')).toBe(2);
    expect(broker.counters().unauthenticated).toBe(0);
    await expectGoodTraffic();
  });

  it('bounds connections in all, from one address, and without a credential', async () => {
    for (const [limits, reason] of [
      [{ maxConnections: 3 }, 'too-many-connections'],
      [{ maxConnectionsPerAddress: 3 }, 'too-many-from-address'],
      [{ maxUnauthenticated: 2 }, 'too-many-unauthenticated'],
    ] as const) {
      await broker.stop();
      await start(limits);
      const kept = [await rawSocket(), await rawSocket()];
      const beyond = await rawSocket();
      await until(`${reason}: the one beyond is gone`, () => beyond.destroyed);
      expect(refused(reason)).toBe(1);
      expect(kept.map((socket) => socket.destroyed)).toEqual([false, false]);
      await expectGoodTraffic();
      for (const socket of kept) socket.destroy();
      await until('room again', () => broker.counters().unauthenticated === 0);
      const after = await as('edge-1');
      expect(after.isConnected).toBe(true);
    }
  });

  it('cuts off a reader that does not read, and holds up nobody for it', async () => {
    await broker.stop();
    await start({ maxQueuedBytesPerClient: 256 * 1024 });
    const { port } = broker.address() ?? { port: 0 };
    const stuck = connect(port, '127.0.0.1');
    sockets.push(stuck);
    stuck.on('error', () => undefined);
    stuck.write(
      mqttPacket.generate({
        cmd: 'connect',
        clientId: 'auditor',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        keepalive: 60,
        username: 'auditor',
        password: Buffer.from('secret-auditor'),
      }),
    );
    stuck.write(
      mqttPacket.generate({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: [{ topic: 'gatehouse/v1/site-a/#', qos: 0 }],
      }),
    );
    stuck.pause();
    await until('the reader is in', () => broker.status().clients === 2);
    const payload = 'x'.repeat(100 * 1024);
    for (let sent = 0; sent < 400 && refused('slow-reader') === 0; sent += 1) {
      await broker.publish(acksOf('edge-2'), payload, { retain: false });
      await until('the good edge hears each', () => good.received.length > sent);
    }
    expect(refused('slow-reader')).toBe(1);
    await until('only the good edge is left', () => broker.status().clients === 1);
    await expectGoodTraffic();
  });

  it('slows down a sender above its rate and loses nothing of it', async () => {
    await broker.stop();
    await start({ maxPacketsPerSecond: 200 });
    const edge = await as('edge-1');
    const startedMs = performance.now();
    await Promise.all(
      Array.from({ length: 300 }, () => edge.publish(eventsOf('edge-1'), 'x'.repeat(4096), { retain: false })),
    );
    await until('all of them', () => received.filter((topic) => topic === eventsOf('edge-1')).length === 300);
    // 300 packets at 200 a second, 200 of them saved up: the rest takes half a second, less the last chunk read.
    expect(performance.now() - startedMs).toBeGreaterThan(300);
    await expectGoodTraffic();
  });

  it('lets the same edge in again at once and ends its former connection', async () => {
    const former = await as('edge-1');
    const latter = await as('edge-1');
    await until('the former is gone', () => !former.isConnected);
    await latter.publish(eventsOf('edge-1'), '{}', { retain: false });
    await latter.subscribe(acksOf('edge-1'));
    await broker.publish(acksOf('edge-1'), '{}', { retain: false });
    await until('the latter works', () => received.length === 1 && latter.received.length === 1);
    expect(broker.status().clients).toBe(2);
    await expectGoodTraffic();
  });

  it('lets a reader that comes and goes hear what edges say and are told meanwhile', async () => {
    const edge = await as('edge-1');
    await edge.subscribe(acksOf('edge-1'));
    const exchange = async (payload: string): Promise<void> => {
      const before = received.length;
      await edge.publish(eventsOf('edge-1'), payload, { retain: false });
      await broker.publish(acksOf('edge-1'), payload, { retain: false });
      await until('it is heard', () => received.length > before && edge.received.length > before);
    };
    await exchange('before');
    const auditor = await as('auditor');
    await auditor.subscribe('gatehouse/v1/site-a/#');
    await exchange('meanwhile');
    await until('the reader has both', () => auditor.received.length === 2);
    await auditor.close();
    await until('the reader is gone', () => broker.status().clients === 2);
    await exchange('after');
    const texts = auditor.received.map(({ topic, payload }) => [topic, Buffer.from(payload).toString()]);
    expect(texts.sort()).toEqual([
      [acksOf('edge-1'), 'meanwhile'],
      [eventsOf('edge-1'), 'meanwhile'],
    ]);
    expect(received).toHaveLength(3);
    expect(edge.received).toHaveLength(3);
  });

  it('keeps the order of what an edge says while readers come and go', async () => {
    const edge = await rawEdge('edge-1');
    const sent: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      const auditor = await as('auditor');
      await auditor.subscribe('gatehouse/v1/site-a/#');
      // More than the broker hands on at a time: the rest waits while the reader leaves.
      const burst = Array.from({ length: 150 }, (_, index) => String(sent.length + index));
      sent.push(...burst);
      edge.write(burst.slice(0, 140));
      auditor.lose();
      // At once, and not when somebody looks next: what the broker still holds is gone soon.
      const endMs = performance.now() + 10_000;
      while (broker.status().clients !== 2 && performance.now() < endMs) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(broker.status().clients).toBe(2);
      edge.write(burst.slice(140));
      await until('all of it is heard', () => heard.length >= sent.length);
    }
    expect(heard).toEqual(sent);
  });

  it('keeps the order of what it hands on and of its PUBACKs when an edge tells its state in between', async () => {
    const edge = await rawEdge('edge-1');
    const sent: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      // More than is read at once, so that what follows is read before the broker has got on with the state.
      const burst = Array.from({ length: 150 }, (_, index) => String(sent.length + index).padEnd(1_000));
      sent.push(...burst);
      edge.write([...burst.slice(0, 10), 'state', ...burst.slice(10)]);
      await until('all of it is heard', () => heard.length >= sent.length + round + 1);
    }
    await until('all of it is acknowledged', () => edge.acknowledged.length === sent.length + 10);
    expect(heard.filter((text) => text !== 'state')).toEqual(sent);
    expect(edge.acknowledged).toEqual(edge.acknowledged.map((_, index) => index + 1));
  });

  it('writes to an edge at once what it alone reads, and leaves the rest to be published', async () => {
    const edge = await as('edge-1');
    expect(broker.deliver?.(acksOf('edge-1'), 'early')).toBe(false);
    await edge.subscribe(acksOf('edge-1'));
    await until('its topic is read', () => broker.deliver?.(acksOf('edge-1'), 'now') === true);
    await until('it is heard', () => edge.received.length === 1);
    const auditor = await as('auditor');
    expect(broker.deliver?.(acksOf('edge-1'), 'watched')).toBe(false);
    await auditor.close();
    await until('the reader is gone', () => broker.status().clients === 2);
    edge.lose();
    await until('the edge is gone', () => broker.status().clients === 1);
    expect(broker.deliver?.(acksOf('edge-1'), 'late')).toBe(false);
    await expectGoodTraffic();
  });

  describe('an edge that reads its topics', () => {
    const connectPacket = {
      cmd: 'connect' as const,
      clientId: 'edge-1',
      protocolId: 'MQTT' as const,
      protocolVersion: 4 as const,
      clean: true,
      keepalive: 60,
      username: 'edge-1',
      password: Buffer.from('secret-edge-1'),
    };
    const subscription = (channel: 'acks' | 'decisions', qos: 0 | 1 | 2) => ({
      topic: edgeTopic('site-a', 'edge-1', channel),
      qos,
    });
    /** What the broker sends to who writes these packets, all in one piece if they come in one array. */
    const rawReader = async (
      ...steps: Packet[][]
    ): Promise<{ heardByEdge: Packet[]; step: (packets: Packet[]) => Promise<void> }> => {
      const socket = await rawSocket();
      const heardByEdge: Packet[] = [];
      const parser = mqttPacket.parser();
      parser.on('packet', (packet) => void heardByEdge.push(packet));
      socket.on('data', (chunk) => parser.parse(chunk));
      const step = async (packets: Packet[]): Promise<void> => {
        const before = heardByEdge.length;
        socket.write(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))));
        await until('all is answered', () => heardByEdge.length >= before + packets.length);
      };
      for (const packets of steps) await step(packets);
      return { heardByEdge, step };
    };
    const payloadsOf = (packets: readonly Packet[]): string[] =>
      packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.payload.toString()] : []));
    const subscribe = (messageId: number, ...subscriptions: ReturnType<typeof subscription>[]) => ({
      cmd: 'subscribe' as const,
      messageId,
      subscriptions,
    });

    it.each([
      ['after it is let in', (own: Packet[][]) => own],
      ['in one piece with its CONNECT', (own: Packet[][]) => [own.flat()]],
    ])('%s hears each message once, whether or not others read', async (_when, steps) => {
      const packets = [[connectPacket], [subscribe(7, subscription('acks', 1), subscription('decisions', 1))]];
      const { heardByEdge } = await rawReader(...steps(packets));
      expect(heardByEdge).toMatchObject([
        { cmd: 'connack', returnCode: 0 },
        { cmd: 'suback', messageId: 7, granted: [1, 1] },
      ]);
      await broker.publish(acksOf('edge-1'), 'alone', { retain: false });
      const auditor = await as('auditor');
      await auditor.subscribe('gatehouse/v1/site-a/#');
      await broker.publish(acksOf('edge-1'), 'watched', { retain: false });
      await broker.publish(acksOf('edge-2'), 'another’s', { retain: false });
      await auditor.close();
      await until('the reader is gone', () => broker.status().clients === 2);
      await broker.publish(acksOf('edge-1'), 'alone again', { retain: false });
      await until('the last is heard', () => payloadsOf(heardByEdge).includes('alone again'));
      expect(payloadsOf(heardByEdge)).toEqual(['alone', 'watched', 'alone again']);
      expect(auditor.received.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['watched', 'another’s']);
    });

    it('hears nothing more of what it does not read any more, and goes on with the rest', async () => {
      const both = [subscription('acks', 1), subscription('decisions', 1)];
      const { heardByEdge } = await rawReader(
        [connectPacket],
        [subscribe(7, ...both)],
        [{ cmd: 'unsubscribe', messageId: 8, unsubscriptions: [acksOf('edge-1')] }],
      );
      expect(heardByEdge[2]).toMatchObject({ cmd: 'unsuback', messageId: 8 });
      await broker.publish(acksOf('edge-1'), 'unread', { retain: false });
      await broker.publish(edgeTopic('site-a', 'edge-1', 'decisions'), 'read', { retain: false });
      await until('the latter is heard', () => payloadsOf(heardByEdge).length > 0);
      expect(payloadsOf(heardByEdge)).toEqual(['read']);
    });

    it('may change the QoS and come back to it, and still hears each message once', async () => {
      const { heardByEdge, step } = await rawReader(
        [connectPacket],
        [subscribe(7, subscription('acks', 1))],
        [subscribe(8, subscription('acks', 0))],
      );
      expect(heardByEdge[2]).toMatchObject({ cmd: 'suback', messageId: 8, granted: [0] });
      await broker.publish(acksOf('edge-1'), 'without receipt', { retain: false });
      await until('it is heard', () => payloadsOf(heardByEdge).length > 0);
      expect(heardByEdge.at(-1)).toMatchObject({ cmd: 'publish', qos: 0 });
      await step([subscribe(9, subscription('acks', 1))]);
      expect(heardByEdge.at(-1)).toMatchObject({ cmd: 'suback', messageId: 9, granted: [1] });
      await broker.publish(acksOf('edge-1'), 'with receipt', { retain: false });
      const auditor = await as('auditor');
      await auditor.subscribe('gatehouse/v1/site-a/#');
      await broker.publish(acksOf('edge-1'), 'watched', { retain: false });
      await broker.publish(edgeTopic('site-a', 'edge-1', 'decisions'), 'unread', { retain: false });
      await broker.publish(acksOf('edge-1'), 'the last', { retain: false });
      await until('the last is heard', () => payloadsOf(heardByEdge).includes('the last'));
      expect(payloadsOf(heardByEdge)).toEqual(['without receipt', 'with receipt', 'watched', 'the last']);
    });

    it('is refused all but its own, in one answer', async () => {
      const other = { topic: acksOf('edge-2'), qos: 1 as const };
      const { heardByEdge } = await rawReader([connectPacket], [subscribe(7, subscription('acks', 1), other)]);
      expect(heardByEdge[1]).toMatchObject({ cmd: 'suback', messageId: 7, granted: [1, 128] });
      expect(refused('subscribe-filter')).toBe(1);
    });
  });

  it('does not let a reader take over an edge by its client id', async () => {
    const thief = await as('auditor', 'edge-2');
    const second = await as('auditor', 'edge-2');
    expect([thief.isConnected, second.isConnected]).toEqual([true, true]);
    await expectGoodTraffic();
  });

  it('keeps nothing for a client that is away', async () => {
    const options = { username: 'edge-1', password: 'secret-edge-1', clientId: 'edge-1', clean: false };
    const edge = await connectEnd(urlOf(broker), options);
    await edge.subscribe(acksOf('edge-1'));
    await edge.close();
    await broker.publish(acksOf('edge-1'), 'missed', { retain: false });
    const again = await connectEnd(urlOf(broker), options);
    ends.push(again);
    await again.subscribe(acksOf('edge-1'));
    await broker.publish(acksOf('edge-1'), 'heard', { retain: false });
    await until('a message', () => again.received.length > 0);
    expect(again.received.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['heard']);
  });
});

describe('a broker and clients that fall silent', () => {
  const clock = createVirtualClock({ wallMs: 0 });
  let broker: EmbeddedBroker;
  const sockets: Socket[] = [];
  /** Says hello, and nothing of its own accord after that. */
  const join = async (username: string, keepalive: number): Promise<Socket> => {
    const socket = connect(broker.address()?.port ?? 0, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.resume();
    const password = Buffer.from(`secret-${username}`);
    const before = broker.status().clients ?? 0;
    socket.write(
      mqttPacket.generate({
        cmd: 'connect',
        clientId: username,
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        keepalive,
        username,
        password,
      }),
    );
    await until('it is in', () => broker.status().clients === before + 1);
    return socket;
  };
  let received: string[];
  beforeEach(async () => {
    received = [];
    const settings = embeddedBrokerSettingsSchema.parse({ port: 0, limits: { maxKeepaliveSeconds: 60 } });
    broker = createEmbeddedBroker({ settings, authenticator, logger: silentLogger, clock });
    await broker.start(({ topic }) => received.push(topic));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await broker.stop();
  });

  it('ends the connection after half as long again as was agreed, and the longest that may be agreed otherwise', async () => {
    const short = await join('edge-1', 20);
    const endless = await join('edge-2', 0);
    clock.advance(29_999);
    expect([short.destroyed, endless.destroyed, broker.status().clients]).toEqual([false, false, 2]);
    clock.advance(1_001);
    await until('the short one is out', () => broker.status().clients === 1 && short.destroyed);
    clock.advance(58_000);
    expect([endless.destroyed, broker.status().clients]).toEqual([false, 1]);
    clock.advance(3_000);
    await until('the other is out', () => broker.status().clients === 0 && endless.destroyed);
  });

  it('takes events for a sign of life', async () => {
    const edge = await join('edge-1', 20);
    for (let round = 1; round <= 5; round += 1) {
      clock.advance(25_000);
      const topic = eventsOf('edge-1');
      edge.write(
        mqttPacket.generate({
          cmd: 'publish',
          topic,
          payload: '{}',
          qos: 1,
          retain: false,
          dup: false,
          messageId: round,
        }),
      );
      await until('it is heard', () => received.length === round);
    }
    expect(broker.status().clients).toBe(1);
  });
});

describe('a broker that is too busy to look who comes', () => {
  it('has everybody wait in its queue who finds room in that of the system', async () => {
    const broker = createTestBroker();
    await broker.start(() => undefined);
    const { port } = broker.address() ?? { port: 0 };
    // More than Node.js has wait by itself; no more than the system allows.
    const crowd = Math.min(800, Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')));
    const counted = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(
      `const { workerData: { port, crowd, counted } } = require('node:worker_threads');
       for (let index = 0; index < crowd; index += 1) {
         const socket = require('node:net').connect(port, '127.0.0.1');
         socket.on('error', () => undefined);
         socket.on('connect', () => {
           if (Atomics.add(counted, 0, 1) + 1 < crowd) return;
           Atomics.store(counted, 1, 1);
           Atomics.notify(counted, 1);
         });
       }`,
      { eval: true, workerData: { port, crowd, counted } },
    );
    await new Promise((resolve) => worker.once('online', resolve));
    // Nothing is accepted meanwhile.
    Atomics.wait(counted, 1, 0, 10_000);
    const connected = Atomics.load(counted, 0);
    await worker.terminate();
    await broker.stop();
    expect(connected).toBe(crowd);
  });
});

describe('a broker that cannot listen', () => {
  it('names the setting when its port is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const broker = createEmbeddedBroker({
      settings: embeddedBrokerSettingsSchema.parse({ port }),
      authenticator,
      logger: silentLogger,
      clock: systemClock,
    });
    await expect(broker.start(() => undefined)).rejects.toThrow(
      new RegExp(`^mqtt\\.port: 127\\.0\\.0\\.1:${String(port)} is in use`),
    );
    expect(broker.status().connected).toBe(false);
    await new Promise((resolve) => other.close(resolve));
    await broker.start(() => undefined);
    await broker.stop();
  });

  it('names the setting when a file of TLS is missing', async () => {
    const tls = { certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem' };
    const broker = createEmbeddedBroker({
      settings: embeddedBrokerSettingsSchema.parse({ port: 0, tls: { ...tls, host: '127.0.0.1', port: 0 } }),
      authenticator,
      logger: silentLogger,
      clock: systemClock,
    });
    await expect(broker.start(() => undefined)).rejects.toThrow(/^mqtt\.tls\.certFile: .*\/nowhere\/cert\.pem/);
    expect(broker.address()).toBeNull();
  });
});
