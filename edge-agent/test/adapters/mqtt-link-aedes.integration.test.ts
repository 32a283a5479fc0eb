import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Aedes } from 'aedes';
import type { AuthenticateError } from 'aedes';
import { edgeTopic } from '@gatehouse/shared';
import type { Clock } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { EdgeLink } from '../../src/app/ports.js';
import { describeEdgeLink, diaryHandlers } from '../conformance/edge-link.js';
import { eventually } from './support/eventually.js';
import { centreAt, edge, linkTo, retainedStateAt } from './support/link-to-broker.js';

interface Broker {
  readonly aedes: Aedes;
  readonly server: Server;
  readonly sockets: Set<Socket>;
  readonly port: number;
  close(): Promise<void>;
}

async function startBroker(port = 0): Promise<Broker> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    aedes,
    server,
    sockets,
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        aedes.close(resolve);
      });
      await closed;
    },
  };
}

describeEdgeLink('MQTT over Aedes', async () => {
  const broker = await startBroker();
  const { received, client } = await centreAt(broker.port);
  return {
    link: linkTo(broker.port),
    received: () => received,
    retainedState: () => retainedStateAt(broker.port),
    deliver: async (channel, payload) => {
      await client.publishAsync(edgeTopic(edge.siteId, edge.edgeId, channel), payload, { qos: 1 });
    },
    breakConnection: () => {
      for (const socket of broker.sockets) {
        const ofEdge = (socket as unknown as { remotePort: number }).remotePort !== localPortOf(client);
        if (ofEdge) socket.destroy();
      }
      return Promise.resolve();
    },
    dispose: async () => {
      await client.endAsync(true);
      await broker.close();
    },
  };
});

function localPortOf(client: { readonly stream: unknown }): number {
  return (client.stream as Socket).localPort ?? 0;
}

describe('the MQTT link', () => {
  let broker: Broker;
  let link: EdgeLink;
  let diary: { entries: string[] };
  let reasons: string[];
  const handlers = () => ({
    ...diaryHandlers(diary),
    onDown: (reason: string) => {
      reasons.push(reason);
    },
  });

  beforeEach(async () => {
    broker = await startBroker();
    diary = { entries: [] };
    reasons = [];
  });
  afterEach(async () => {
    await link.stop('{}');
    await broker.close();
  });

  it('stays up at a broker that refuses to let its log be asked for', async () => {
    const asked: string[] = [];
    broker.aedes.authorizeSubscribe = (_client, subscription, done) => {
      asked.push(subscription.topic);
      done(null, subscription.topic.endsWith('/log-requests') ? null : subscription);
    };
    link = linkTo(broker.port);
    await link.start(handlers(), '{}');
    await eventually(() => link.isUp && asked.length === 5, 'up');
    await link.publish('events', '{}');
    expect(asked.filter((topic) => topic.endsWith('/log-requests'))).toHaveLength(1);
    expect([diary.entries, reasons]).toEqual([['up'], []]);
  });

  it('does not come up at a broker that refuses anything else', async () => {
    broker.aedes.authorizeSubscribe = (_client, subscription, done) => {
      done(null, subscription.topic.endsWith('/decisions') ? null : subscription);
    };
    link = linkTo(broker.port);
    await link.start(handlers(), '{}');
    await eventually(() => reasons.length > 0, 'the refusal');
    expect(diary.entries).toEqual([]);
    expect(reasons[0]).toMatch(/^the broker refuses the subscription to \S+\/decisions$/);
  });

  it('stays stopped although the connection breaks during its farewell', async () => {
    const pending = new Set<() => void>();
    const clock: Clock = {
      ...systemClock,
      setTimer(delayMs, callback) {
        const cancel = systemClock.setTimer(delayMs, () => {
          pending.delete(cancel);
          callback();
        });
        pending.add(cancel);
        return () => {
          pending.delete(cancel);
          cancel();
        };
      },
    };
    broker.aedes.authorizePublish = () => {
      for (const socket of broker.sockets) socket.destroy();
    };
    link = linkTo(broker.port, { reconnectMinMs: 60_000, reconnectMaxMs: 60_000 }, {}, clock);
    await link.start(handlers(), '{}');
    await eventually(() => link.isUp, 'up');
    await link.stop('{"presence":"offline"}');
    expect(reasons).toHaveLength(1);
    expect(pending.size).toBe(0);
  });

  it('connects as MQTT 3.1.1 with a clean session, its own id and its credential, and sets no delay on the socket', async () => {
    const seen: unknown[] = [];
    broker.aedes.preConnect = (_client, packet, done) => {
      seen.push({ ...packet, password: packet.password?.toString(), will: undefined });
      done(null, true);
    };
    link = linkTo(broker.port);
    await link.start(handlers(), '{}');
    await eventually(() => link.isUp, 'up');
    expect(seen).toMatchObject([
      { protocolVersion: 4, clean: true, clientId: 'edge-1', username: 'edge-1', password: 'secret', keepalive: 15 },
    ]);
  });

  it('comes back after the broker was away, and says why it was down once', async () => {
    link = linkTo(broker.port);
    await link.start(handlers(), '{}');
    await eventually(() => link.isUp, 'up');
    const { port } = broker;
    await broker.close();
    await eventually(() => reasons.some((reason) => reason.includes('ECONNREFUSED')), 'refused connections noticed');
    expect(link.isUp).toBe(false);
    expect(reasons.filter((reason) => reason.includes('ECONNREFUSED'))).toHaveLength(1);
    broker = await startBroker(port);
    await eventually(() => link.isUp, 'up again');
    expect(diary.entries).toEqual(['up', 'up']);
  });

  it.each([
    [4, 'credential refused or revoked'],
    [5, 'credential refused or revoked'],
    [2, 'refuses this client id'],
  ])('says clearly what a refusal with code %i means, and tries again slowly', async (returnCode, sentence) => {
    let attempts = 0;
    broker.aedes.authenticate = (_client, _username, _password, done) => {
      attempts += 1;
      const refusal: unknown = Object.assign(new Error('no'), { returnCode });
      done(refusal as AuthenticateError, false);
    };
    link = linkTo(broker.port, { refusedRetryMs: 300 });
    await link.start(handlers(), '{}');
    await eventually(() => reasons.length > 0, 'refused');
    expect(reasons[0]).toContain(sentence);
    expect(attempts).toBe(1);
    broker.aedes.authenticate = (_client, _username, _password, done) => {
      done(null, true);
    };
    await eventually(() => link.isUp, 'up once the credential is accepted');
  });

  it('keeps trying when the broker answers nothing, and stops at once when told to', async () => {
    await broker.close();
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    link = linkTo((silent.address() as AddressInfo).port, { connectTimeoutMs: 100 });
    await link.start(handlers(), '{}');
    await eventually(() => reasons.some((reason) => reason.includes('no answer within 100 ms')), 'timed out');
    await link.stop('{}');
    await new Promise<void>((resolve) => silent.close(() => resolve()));
    broker = await startBroker();
  });

  it('rejects a message the broker does not take in time, and bounds how many wait', async () => {
    link = linkTo(broker.port, { publishTimeoutMs: 150, maxPublishesInFlight: 2 });
    await link.start(handlers(), '{}');
    await eventually(() => link.isUp, 'up');
    broker.aedes.authorizePublish = () => undefined;
    const waiting = [link.publish('events', '{}'), link.publish('events', '{}')];
    await expect(link.publish('events', '{}')).rejects.toThrow('2 messages wait for the broker already');
    for (const one of waiting) await expect(one).rejects.toThrow('did not take the message within 150 ms');
  });

  it('goes down when its subscriptions are refused', async () => {
    broker.aedes.authorizeSubscribe = (_client, _subscription, done) => {
      done(null, null);
    };
    link = linkTo(broker.port);
    await link.start(handlers(), '{}');
    await eventually(() => reasons.length > 0, 'refused');
    expect(link.isUp).toBe(false);
  });

  it('does not fall over when a handler throws', async () => {
    link = linkTo(broker.port);
    const got: string[] = [];
    await link.start(
      {
        ...handlers(),
        onMessage: (channel) => {
          got.push(channel);
          throw new Error('a bug');
        },
      },
      '{}',
    );
    await eventually(() => link.isUp, 'up');
    const { client } = await centreAt(broker.port);
    await client.publishAsync(edgeTopic(edge.siteId, edge.edgeId, 'acks'), 'one', { qos: 1 });
    await client.publishAsync(edgeTopic(edge.siteId, edge.edgeId, 'acks'), 'two', { qos: 1 });
    await eventually(() => got.length === 2, 'both arrived');
    await client.endAsync(true);
  });
});
