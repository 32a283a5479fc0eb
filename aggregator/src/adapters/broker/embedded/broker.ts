/** The MQTT broker inside the aggregator: Aedes, with access control and bounds around it. */
import type { Socket } from 'node:net';
import { Aedes } from 'aedes';
import type { AedesOptions, Client, ConnectPacket, PublishPacket } from 'aedes';
import mqttPacket from 'mqtt-packet';
import { centreFilters } from '@gatehouse/shared';
import type { CancelTimer, Clock, Logger } from '@gatehouse/shared';
import type { Authenticator, BrokerIdentity, CentreLink, IncomingMessage } from '../../../app/ports.js';
import { mayPublish, maySubscribe } from './access.js';
import { createBrokerMemory } from './broker-memory.js';
import { createEdgeLanes } from './edge-lanes.js';
import { GuardedConnection } from './guarded-connection.js';
import type { ConnectionKeeper } from './guarded-connection.js';
import { keepMessage } from './kept-message.js';
import { listen } from './listeners.js';
import type { ListenAddress, Listeners } from './listeners.js';
import { createRefusals } from './refusals.js';
import type { RefusalReason } from './refusals.js';
import type { EmbeddedBrokerSettings } from './settings.js';
import { watchSilence } from './silence.js';
import type { Audible } from './silence.js';
import { createWaitingRoom } from './waiting-room.js';

export interface EmbeddedBrokerOptions {
  readonly settings: EmbeddedBrokerSettings;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface BrokerCounters {
  readonly clients: number;
  /** Connections that have not shown a credential yet. */
  readonly unauthenticated: number;
  readonly connectionsTotal: number;
  readonly messagesInTotal: number;
  readonly messagesOutTotal: number;
  readonly refusedTotal: Readonly<Record<RefusalReason, number>>;
}

export interface EmbeddedBroker extends CentreLink {
  /** Where the plaintext listener is; null when there is none or it is not started. */
  address(): ListenAddress | null;
  tlsAddress(): ListenAddress | null;
  counters(): BrokerCounters;
}

interface Session {
  readonly identity: BrokerIdentity;
  readonly username: string;
  /** Few: no more than `maxSubscriptionsPerClient`. */
  filters: readonly string[];
  readonly connection: GuardedConnection | null;
  readonly maxSilenceMs: number;
}

type AuthenticationError = Error & { returnCode: number };
/** MQTT 3.1.1 return codes of CONNACK. */
const badCredentials = 4;
const notAuthorised = 5;

/** Messages of the aggregator that wait to be handed to the broker; more are refused, and sent again by the protocol. */
const maxWaitingPublishes = 100_000;
const stopTimeoutMs = 3_000;

export function createEmbeddedBroker(options: EmbeddedBrokerOptions): EmbeddedBroker {
  const { settings, authenticator, clock } = options;
  const { limits } = settings;
  const logger = options.logger.child({ part: 'broker' });
  const refusals = createRefusals(logger, clock);

  let aedes: Aedes | null = null;
  let onMessage: (message: IncomingMessage) => void = () => undefined;
  let listeners: Listeners | null = null;
  const sessions = new Map<Client, Session>();
  /** What was asked for at CONNECT, until and unless it is granted. */
  const asked = new WeakMap<Client, Asked>();
  const unauthenticated = createWaitingRoom<GuardedConnection>(limits.maxUnauthenticated, (connection) => {
    connection.turnOut();
  });
  const retainedTopics = new Set<string>();
  let connectionsTotal = 0;
  let messagesInTotal = 0;
  let messagesOutTotal = 0;
  let keyConnections = 0;
  /** Connections that may read what is meant for an edge. While there are any, everything goes the broker's way. */
  let auditors = 0;
  let endWatch = (): void => undefined;
  let publishTail: Promise<unknown> = Promise.resolve();
  let waitingPublishes = 0;

  const refuse = (reason: RefusalReason, client: Client | null, returnCode: number): AuthenticationError => {
    refusals.record(reason, { clientId: client?.id });
    return Object.assign(new Error(`refused: ${reason}`), { returnCode });
  };

  const preConnect: AedesOptions['preConnect'] = (client, packet, done) => {
    // The library keeps the packet for as long as the connection lasts.
    const will = packet.will === undefined ? null : keepMessage(packet.will as PublishPacket);
    if (will !== null) packet.will = will;
    asked.set(client, { packet, will, keepaliveSeconds: boundConnect(packet, limits.maxKeepaliveSeconds) });
    done(null, true);
  };

  const authenticate: AedesOptions['authenticate'] = (client, username, password, done) => {
    if (client.closed || client.conn.destroyed) {
      done(null, false);
      return;
    }
    const identity =
      username === undefined || password === undefined
        ? null
        : authenticator.authenticate(username, password.toString('utf8'));
    if (identity === null || username === undefined) {
      done(refuse('credentials', client, badCredentials), null);
      return;
    }
    if (identity.kind === 'edge') {
      if (client.id !== identity.edgeId) {
        done(refuse('client-id', client, notAuthorised), null);
        return;
      }
    } else {
      // A reader must not be able to take over the connection of an edge, or of another reader, by its client id.
      keyConnections += 1;
      client.id = `${identity.kind}:${String(keyConnections)}`;
    }
    const wanted = asked.get(client);
    const will = wanted?.will ?? null;
    if (will !== null && !mayPublish(identity, will.topic, will.retain)) {
      done(refuse('will-topic', client, notAuthorised), null);
      return;
    }
    // By the protocol, half as long again as was agreed.
    const maxSilenceMs = (wanted?.keepaliveSeconds ?? 0) * 1_500;
    if (wanted !== undefined) delete wanted.packet.password;
    asked.delete(client);
    const connection = client.conn instanceof GuardedConnection ? client.conn : null;
    sessions.set(client, { identity, username, filters: noFilters, connection, maxSilenceMs });
    if (identity.kind === 'auditor') auditors += 1;
    if (connection !== null) {
      connection.authenticated(identity);
      unauthenticated.leave(connection.address, connection);
    }
    done(null, true);
  };

  const authorizePublish: AedesOptions['authorizePublish'] = (client, packet, done) => {
    const identity = client === null ? null : identityOf(client);
    if (identity === null || !mayPublish(identity, packet.topic, packet.retain)) {
      done(refuse('publish-topic', client, notAuthorised));
      return;
    }
    boundRetained(client, packet);
    done();
  };

  const boundRetained = (client: Client | null, packet: PublishPacket): void => {
    if (!packet.retain) return;
    if (packet.payload.length === 0) {
      retainedTopics.delete(packet.topic);
    } else if (retainedTopics.has(packet.topic) || retainedTopics.size < limits.maxRetainedMessages) {
      retainedTopics.add(packet.topic);
    } else {
      refuse('too-many-retained', client, notAuthorised);
      packet.retain = false;
    }
  };

  const authorizeSubscribe: AedesOptions['authorizeSubscribe'] = (client, subscription, done) => {
    const session = sessions.get(client);
    if (session === undefined || !maySubscribe(session.identity, subscription.topic)) {
      refuse('subscribe-filter', client, notAuthorised);
      done(null, null);
      return;
    }
    const isNew = !session.filters.includes(subscription.topic);
    if (isNew && session.filters.length >= limits.maxSubscriptionsPerClient) {
      refuse('too-many-subscriptions', client, notAuthorised);
      done(null, null);
      return;
    }
    if (isNew) session.filters = [...session.filters, subscription.topic];
    done(null, subscription);
  };

  const take = (topic: string, payload: Uint8Array): void => {
    messagesInTotal += 1;
    onMessage({ topic, payload: Buffer.from(payload) });
  };

  const isPrivate = (): boolean => auditors === 0;
  const lanes = createEdgeLanes({ clock, isPrivate });
  const keeper: ConnectionKeeper = {
    limits,
    clock,
    isPrivate,
    onEvents: take,
    onReceipt: lanes.onReceipt,
    onSubscribe: lanes.subscribe,
    onRefused: (reason, address) => {
      refusals.record(reason, { address });
    },
    onClosed: (connection) => {
      unauthenticated.leave(connection.address, connection);
      if (connection.client !== null) endSession(connection.client);
    },
  };

  const endSession = (client: Client): void => {
    const session = sessions.get(client);
    if (session === undefined) return;
    sessions.delete(client);
    if (session.identity.kind === 'auditor') auditors -= 1;
    lanes.close(client, session.identity);
  };

  const deliver = (topic: string, payload: string): boolean => {
    if (aedes === null || !lanes.deliver(topic, payload)) return false;
    messagesOutTotal += 1;
    return true;
  };

  const createAedes = async (): Promise<Aedes> => {
    // Of the library’s buffers for every 16-bit number, 6 MB, hardly any is ever used here.
    mqttPacket.writeToStream.cacheNumbers = false;
    const broker = await Aedes.createBroker({
      preConnect,
      authenticate,
      authorizePublish,
      authorizeSubscribe,
      connectTimeout: limits.authenticationTimeoutMs,
      maxInflightInbound: 32,
      persistence: createBrokerMemory(),
    });
    // Before the client can have answered it, as far as that can be: what comes earlier goes to the broker.
    broker.on('connackSent', ({ returnCode }, client) => {
      if (returnCode === 0) lanes.open(client, identityOf(client));
    });
    broker.on('subscribe', (subscriptions, client) => {
      for (const { topic, qos } of subscriptions) {
        // What was refused has 128 in place of its QoS.
        if (qos <= 2) lanes.onSubscribed(client, topic, qos);
      }
    });
    broker.on('unsubscribe', (filters, client) => {
      const session = sessions.get(client);
      if (session !== undefined) session.filters = session.filters.filter((filter) => !filters.includes(filter));
      for (const filter of filters) lanes.onUnsubscribed(client, filter);
    });
    broker.on('publish', ({ qos }, client) => {
      if (qos === 1 && client?.conn instanceof GuardedConnection) client.conn.lane.onDispatched();
    });
    const onClientError = (client: Client, error: Error): void => {
      logger.debug({ clientId: client.id, error: error.message }, 'MQTT connection ended');
    };
    broker.on('clientError', onClientError);
    broker.on('connectionError', (client, error) => {
      if (!('returnCode' in error)) refusals.record('protocol', {});
      onClientError(client, error);
    });
    // @ts-expect-error -- Aedes emits it, its types do not name it
    broker.on('error', (error: Error) => {
      logger.error({ error: error.message }, 'MQTT broker failed');
    });
    for (const filter of centreFilters) {
      await new Promise<void>((resolve) => {
        broker.subscribe(
          filter,
          // Called back at once: a handler that waits holds up every client.
          (packet, done) => {
            take(packet.topic, packet.payload as Buffer);
            done();
          },
          resolve,
        );
      });
    }
    return broker;
  };

  const onConnection = (broker: Aedes) => (socket: Socket) => {
    connectionsTotal += 1;
    const address = socket.remoteAddress ?? '';
    if (!unauthenticated.makeRoom(address)) {
      refusals.record('too-many-unauthenticated', { address });
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    const connection = new GuardedConnection(socket, keeper);
    unauthenticated.enter(address, connection);
    broker.handle(connection);
  };

  return {
    async start(onMessageOfEdges) {
      if (aedes !== null) throw new Error('the broker is started already');
      onMessage = onMessageOfEdges;
      const broker = await createAedes();
      aedes = broker;
      try {
        listeners = await listen(settings, {
          onConnection: onConnection(broker),
          onRefused: (reason, address) => {
            refusals.record(reason, { address });
          },
        });
      } catch (error) {
        aedes = null;
        await new Promise<void>((resolve) => {
          broker.close(resolve);
        });
        throw error;
      }
      endWatch = watchSilence(clock, () => audible(sessions.values()));
      logger.info({ plaintext: listeners.plaintext, tls: listeners.tls }, 'MQTT broker listens');
    },

    deliver,

    publish(topic, payload, { retain }) {
      if (!retain && waitingPublishes === 0 && deliver(topic, payload)) return Promise.resolve();
      if (waitingPublishes >= maxWaitingPublishes) return Promise.reject(new Error('too many publishes are waiting'));
      waitingPublishes += 1;
      // One after the other: of two at once, the one that is also stored (retained) would be overtaken and dropped.
      const result = publishTail.then(
        () =>
          new Promise<void>((resolve, reject) => {
            if (aedes === null) {
              reject(new Error('the broker is stopped'));
              return;
            }
            if (!retain && lanes.deliver(topic, payload)) {
              resolve();
              return;
            }
            lanes.deliverBeside(topic, payload);
            const packet: PublishPacket = { cmd: 'publish', topic, payload, qos: 1, retain, dup: false };
            aedes.publish(packet, (error) => {
              if (error) reject(error);
              else resolve();
            });
          }),
      );
      publishTail = result.then(
        () => {
          waitingPublishes -= 1;
          messagesOutTotal += 1;
        },
        () => (waitingPublishes -= 1),
      );
      return result;
    },

    async disconnect(name) {
      const closing = [...sessions].filter(([, session]) => session.username === name);
      await Promise.all(
        closing.map(
          ([client]) =>
            new Promise<void>((resolve) => {
              client.close(resolve);
            }),
        ),
      );
    },

    async stop() {
      const broker = aedes;
      const listening = listeners;
      aedes = null;
      listeners = null;
      if (broker === null) return;
      const closed = new Promise<void>((resolve) => {
        broker.close(resolve);
      });
      let cancelTimer: CancelTimer = () => undefined;
      const timeOut = new Promise<void>((resolve) => {
        cancelTimer = clock.setTimer(stopTimeoutMs, resolve);
      });
      await Promise.race([closed, timeOut]);
      cancelTimer();
      await listening?.close();
      endWatch();
      lanes.clear();
      sessions.clear();
      auditors = 0;
      retainedTopics.clear();
    },

    status: () => ({ connected: listeners !== null, clients: sessions.size }),
    address: () => listeners?.plaintext ?? null,
    tlsAddress: () => listeners?.tls ?? null,
    counters: () => ({
      clients: sessions.size,
      unauthenticated: unauthenticated.size,
      connectionsTotal,
      messagesInTotal,
      messagesOutTotal,
      refusedTotal: refusals.counts(),
    }),
  };
}

interface Asked {
  readonly packet: ConnectPacket;
  readonly will: PublishPacket | null;
  readonly keepaliveSeconds: number;
}

const noFilters: readonly string[] = [];

/** Outlives the session: a last will is published when that is over. */
function identityOf({ conn }: Client): BrokerIdentity | null {
  return conn instanceof GuardedConnection ? conn.identity : null;
}

/**
 * Nothing is kept for a client that is away, and a dead connection is noticed within a bounded time. Answers after how many seconds of
 * silence the client has agreed to be taken for dead; the broker is told of none.
 */
function boundConnect(packet: ConnectPacket, maxKeepaliveSeconds: number): number {
  packet.clean = true;
  const asked = packet.keepalive ?? 0;
  packet.keepalive = 0;
  return asked === 0 ? maxKeepaliveSeconds : Math.min(asked, maxKeepaliveSeconds);
}

function* audible(sessions: Iterable<Session>): Generator<Audible> {
  for (const { connection, maxSilenceMs } of sessions) if (connection !== null) yield { connection, maxSilenceMs };
}
