/** The link of an edge over MQTT 3.1.1. What is not delivered is the outbox's business. */
import type { ConnectionOptions } from 'node:tls';
import { centreToEdgeChannels, edgeTopic, isDiagnostic } from '@gatehouse/shared/edge';
import type { CentreToEdgeChannel, Clock, EdgeToCentreChannel, Logger, Random } from '@gatehouse/shared/edge';
import type { EdgeLink, EdgeLinkHandlers } from '../../app/ports.js';
import { createBrokerConnection } from './broker-connection.js';
import { describeProblem, refusalOf, subscriptionProblem } from './refusal.js';
import type { BrokerSettings } from './settings.js';
import { openSocket } from './socket.js';
import { readTls, tlsProblemOf } from './tls.js';

export interface MqttLinkOptions {
  readonly siteId: string;
  readonly edgeId: string;
  readonly username: string;
  readonly password: string;
  /** `mqtt://HOST:PORT` or `mqtts://HOST:PORT`; default: the one in the settings. */
  readonly url?: string;
  readonly settings: BrokerSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const farewellTimeoutMs = 1_000;

/** @throws RangeError when neither options nor settings name the broker. */
export function createMqttLink(options: MqttLinkOptions): EdgeLink {
  const { settings, clock, random, logger, siteId, edgeId } = options;
  const url = options.url ?? settings.url;
  if (url === undefined) throw new RangeError('the link needs the address of a broker');
  const channels = new Map(centreToEdgeChannels.map((channel) => [edgeTopic(siteId, edgeId, channel), channel]));
  const inFlight = new Set<(problem: Error) => void>();
  let handlers: EdgeLinkHandlers | undefined;
  let will = '';
  let tls: ConnectionOptions = {};

  const connection = createBrokerConnection({
    settings,
    clock,
    random,
    identity: () => ({
      clientId: edgeId,
      username: options.username,
      password: options.password,
      will: { topic: edgeTopic(siteId, edgeId, 'state'), payload: Buffer.from(will), qos: 1, retain: true },
    }),
    openSocket: () => openSocket(url, tls),
    subscribe(client, done) {
      const topics = [...channels.keys()];
      // Before the link is up, so that no answer to the first state is missed; by itself, so that it may be refused.
      client.subscribe(topics.filter(isDiagnostic), { qos: 1 }, (error) => {
        if (error === null || !client.connected) return;
        logger.info({ error: error.message }, 'the broker does not let the log of this edge be asked for');
      });
      const needed = topics.filter((topic) => !isDiagnostic(topic));
      client.subscribe(needed, { qos: 1 }, (error, _grants, packet) => {
        done(subscriptionProblem(error, needed, packet?.granted));
      });
    },
    reasonOf(problem, wasUp) {
      const refusal = refusalOf(problem);
      const reason = refusal ?? tlsProblemOf(problem) ?? describeProblem(problem, wasUp, tls.cert !== undefined);
      return { reason, isRefusal: refusal !== undefined };
    },
    onUp() {
      logger.info({ broker: url }, 'connected');
      handlers?.onUp();
    },
    onMessage(topic, payload) {
      const channel = channels.get(topic);
      if (channel !== undefined) receive(channel, payload);
    },
    onDown({ reason, retryInMs, isNews }) {
      for (const reject of [...inFlight]) reject(new Error(`the link went down: ${reason}`));
      if (!isNews) return;
      logger.warn({ broker: url, reason, retryInMs: Math.round(retryInMs) }, 'not connected');
      handlers?.onDown(reason);
    },
  });

  const receive = (channel: CentreToEdgeChannel, payload: Uint8Array): void => {
    try {
      handlers?.onMessage(channel, payload);
    } catch (error) {
      logger.error({ channel, error: String(error) }, 'a message could not be handled');
    }
  };

  const publish = (channel: EdgeToCentreChannel, payload: string, timeoutMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const { client } = connection;
      if (client === undefined) {
        reject(new Error('the link is down'));
        return;
      }
      if (inFlight.size >= settings.maxPublishesInFlight) {
        reject(new Error(`${String(inFlight.size)} messages wait for the broker already`));
        return;
      }
      const settle = (problem: Error | undefined): void => {
        if (!inFlight.delete(fail)) return;
        cancel();
        if (problem === undefined) resolve();
        else reject(problem);
      };
      const fail = (problem: Error): void => {
        settle(problem);
      };
      inFlight.add(fail);
      const cancel = clock.setTimer(timeoutMs, () => {
        settle(new Error(`the broker did not take the message within ${String(timeoutMs)} ms`));
      });
      client.publish(edgeTopic(siteId, edgeId, channel), payload, { qos: 1, retain: channel === 'state' }, (error) => {
        // The library says null where its types say undefined.
        settle(error ?? undefined);
      });
    });

  return {
    async start(newHandlers, newWill) {
      handlers = newHandlers;
      will = newWill;
      tls = await readTls(settings);
      connection.start();
    },
    publish: (channel, payload) => publish(channel, payload, settings.publishTimeoutMs),
    get isUp() {
      return connection.client !== undefined;
    },
    async stop(farewell) {
      try {
        if (connection.client !== undefined) await publish('state', farewell, farewellTimeoutMs);
      } catch (error) {
        logger.warn({ error: String(error) }, 'the farewell was not delivered; the last will stands in for it');
      }
      handlers = undefined;
      await connection.stop(farewellTimeoutMs);
      for (const reject of [...inFlight]) reject(new Error('the link was stopped'));
    },
  };
}
