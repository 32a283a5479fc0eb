import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Aedes } from 'aedes';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { edgeTopic, silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { createEmbeddedBroker, embeddedBrokerSettingsSchema } from '../../src/adapters/broker/embedded/index.js';
import type { EmbeddedBroker } from '../../src/adapters/broker/embedded/index.js';
import { createExternalLink, externalBrokerSettingsSchema } from '../../src/adapters/broker/external/index.js';
import type { CentreLink } from '../../src/app/ports.js';
import { until } from '../conformance/waiting.js';
import { authenticator, createTestBroker, urlOf } from './broker-harness.js';

// Real processes and sockets on a machine that may be busy; each wait has a shorter deadline of its own.
jest.setTimeout(60_000);

describe('the link to an external broker', () => {
  const stoppables: { stop(): Promise<void> }[] = [];
  const linkTo = (url: string, username = 'auditor'): CentreLink => {
    const link = createExternalLink({
      settings: externalBrokerSettingsSchema.parse({ url, username, password: 'secret-auditor', reconnectMaxMs: 200 }),
      logger: silentLogger,
      clock: systemClock,
      random: { next: () => 0.1, hex: () => '' },
    });
    stoppables.push(link);
    return link;
  };
  const brokerOn = async (port: number): Promise<EmbeddedBroker> => {
    const broker = createEmbeddedBroker({
      settings: embeddedBrokerSettingsSchema.parse({ port }),
      // Lets the link subscribe as one that may read every site.
      authenticator: {
        authenticate: (username, password) =>
          username === 'auditor' && password === 'secret-auditor'
            ? { kind: 'auditor', siteId: null }
            : authenticator.authenticate(username, password),
      },
      logger: silentLogger,
      clock: systemClock,
    });
    stoppables.push(broker);
    await broker.start(() => undefined);
    return broker;
  };
  afterEach(async () => {
    for (const each of stoppables.splice(0).reverse()) await each.stop();
  });

  it('connects and subscribes again by itself after the broker was away', async () => {
    const first = await brokerOn(0);
    const port = first.address()?.port ?? 0;
    const link = linkTo(urlOf(first));
    const heard: string[] = [];
    await link.start(({ topic }) => heard.push(topic));
    expect(link.status()).toEqual({ connected: true, clients: null });
    await first.stop();
    await until('the link notices', () => !link.status().connected);
    await expect(link.publish('gatehouse/v1/a/occupancy', '{}', { retain: true })).rejects.toThrow('not connected');
    const second = await brokerOn(port);
    await until('the link is back', () => link.status().connected);
    await second.publish(edgeTopic('site-a', 'edge-1', 'events'), '{}', { retain: false });
    await until('it hears again', () => heard.length === 1);
  });

  it('starts although nobody answers, and is there once somebody does', async () => {
    const probe = createTestBroker();
    await probe.start(() => undefined);
    const url = urlOf(probe);
    const port = probe.address()?.port ?? 0;
    await probe.stop();
    const link = linkTo(url);
    const started = link.start(() => undefined);
    expect(link.status().connected).toBe(false);
    await brokerOn(port);
    await started;
    await until('connected', () => link.status().connected);
  });

  it('goes on trying when it is refused, and stops when told', async () => {
    const broker = await brokerOn(0);
    const link = linkTo(urlOf(broker), 'nobody');
    const started = link.start(() => undefined);
    await until('several attempts', () => broker.counters().refusedTotal.credentials >= 3);
    expect(link.status().connected).toBe(false);
    await link.stop();
    await started;
    const attempts = broker.counters().connectionsTotal;
    await broker.publish('gatehouse/v1/a/occupancy', '{}', { retain: false });
    expect(broker.counters().connectionsTotal).toBe(attempts);
  });

  it('rejects what the broker cuts it off for, instead of waiting', async () => {
    // This broker lets its readers publish nothing, and disconnects for it.
    const broker = await brokerOn(0);
    const link = linkTo(urlOf(broker));
    await link.start(() => undefined);
    await expect(link.publish('gatehouse/v1/a/occupancy', '{}', { retain: false })).rejects.toThrow('not delivered');
  });

  it.each([
    ['log', true],
    ['events', false],
  ])('at a broker that does not let it read %s: is connected: %s', async (channel, isConnected) => {
    const aedes = await Aedes.createBroker({
      authorizeSubscribe: (_client, subscription, done) => {
        done(null, subscription.topic.endsWith(`/${channel}`) ? null : subscription);
      },
    });
    const server = createServer((socket) => {
      aedes.handle(socket);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    let connections = 0;
    server.on('connection', () => (connections += 1));
    const link = linkTo(`mqtt://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
    stoppables.unshift({
      stop: () =>
        new Promise((resolve) => {
          aedes.close(() =>
            server.close(() => {
              resolve();
            }),
          );
        }),
    });
    const started = link.start(() => undefined);
    if (isConnected) await started;
    else await until('it tries again', () => connections > 1);
    expect(link.status().connected).toBe(isConnected);
    await link.stop();
    await started;
  });

  it.each(['http://host', 'mqtt://user:pass@host', 'mqtt://host/path', 'mqtt://'])('refuses the address %s', (url) => {
    expect(externalBrokerSettingsSchema.safeParse({ url, username: 'u', password: 'p' }).success).toBe(false);
  });
});
