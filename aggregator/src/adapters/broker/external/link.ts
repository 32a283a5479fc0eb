/** The link to the edges through a broker that runs elsewhere. */
import { readFile } from 'node:fs/promises';
import { connect } from 'mqtt';
import type { IClientOptions, MqttClient } from 'mqtt';
import { centreFilters, isDiagnostic, messageOf } from '@gatehouse/shared';
import type { CancelTimer, Clock, Logger, Random } from '@gatehouse/shared';
import type { CentreLink, IncomingMessage } from '../../../app/ports.js';
import type { ExternalBrokerSettings } from './settings.js';

export interface ExternalLinkOptions {
  readonly settings: ExternalBrokerSettings;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

/** The shortest bound of the wait before connecting again, ms; it doubles from there. */
const reconnectMinMs = 500;
/** For how long `start` waits for the first connection, ms; after it, connecting goes on in the background. */
const firstConnectionMs = 5_000;

/**
 * Connects again by itself with full jitter, and subscribes again. Holds no message while down: `publish` rejects then, and the
 * protocol sends again.
 */
export function createExternalLink(options: ExternalLinkOptions): CentreLink {
  const { settings, clock, random } = options;
  const logger = options.logger.child({ part: 'broker' });
  const inFlight = new Set<(error: Error) => void>();
  let onMessage: (message: IncomingMessage) => void = () => undefined;
  let connectOptions: IClientOptions = {};
  let client: MqttClient | null = null;
  let isUp = false;
  let isStopped = true;
  let attempts = 0;
  let cancelReconnect: CancelTimer = () => undefined;
  let announceUp: () => void = () => undefined;

  const open = (): void => {
    const opened = connect(settings.url, connectOptions);
    client = opened;
    opened.on('connect', () => {
      // Each connection has a new socket, and each must not wait to fill a segment.
      (opened.stream as { setNoDelay?: (noDelay: boolean) => void }).setNoDelay?.(true);
      opened.subscribe(centreFilters.filter(isDiagnostic), { qos: 1 }, (error) => {
        if (error === null || opened !== client || !opened.connected) return;
        logger.warn({ error: error.message }, 'the broker does not let the logs of edges be read');
      });
      opened.subscribe(
        centreFilters.filter((filter) => !isDiagnostic(filter)),
        { qos: 1 },
        (error, granted) => {
          if (opened !== client) return;
          const refused = granted?.find((grant) => grant.qos >= 128)?.topic;
          if (error !== null || refused !== undefined) {
            lose(opened, `subscribing was refused (${refused ?? error?.message ?? ''})`);
            return;
          }
          attempts = 0;
          isUp = true;
          logger.info({ url: settings.url }, 'connected to the MQTT broker');
          announceUp();
        },
      );
    });
    opened.on('message', (topic, payload) => {
      onMessage({ topic, payload });
    });
    opened.on('error', (error) => {
      lose(opened, error.message);
    });
    opened.on('close', () => {
      lose(opened, 'the connection ended');
    });
  };

  /** Gives up one connection and plans the next. */
  const lose = (lost: MqttClient, reason: string): void => {
    if (lost !== client) return;
    client = null;
    isUp = false;
    for (const reject of [...inFlight]) reject(new Error(`not delivered: ${reason}`));
    lost.end(true);
    if (isStopped) return;
    const boundMs = Math.min(settings.reconnectMaxMs, reconnectMinMs * 2 ** Math.min(attempts, 20));
    attempts += 1;
    const delayMs = Math.ceil(random.next() * boundMs);
    logger.warn({ url: settings.url, reason, delayMs }, 'no connection to the MQTT broker');
    cancelReconnect = clock.setTimer(delayMs, open);
  };

  return {
    async start(handler) {
      if (!isStopped) throw new Error('the link is started already');
      onMessage = handler;
      connectOptions = await optionsOf(settings);
      isStopped = false;
      await new Promise<void>((resolve) => {
        const cancel = clock.setTimer(firstConnectionMs, resolve);
        announceUp = () => {
          cancel();
          resolve();
        };
        open();
      });
    },

    publish(topic, payload, { retain }) {
      const current = client;
      if (current === null || !isUp) return Promise.reject(new Error('not connected to the MQTT broker'));
      if (inFlight.size >= settings.maxInFlight) return Promise.reject(new Error('too many publishes are in flight'));
      return new Promise<void>((resolve, reject) => {
        const settle = (error: Error | null): void => {
          if (!inFlight.delete(settle)) return;
          cancel();
          if (error === null) resolve();
          else reject(error);
        };
        const cancel = clock.setTimer(settings.publishTimeoutMs, () => {
          settle(new Error('the MQTT broker did not take the message in time'));
        });
        inFlight.add(settle);
        current.publish(topic, payload, { qos: 1, retain }, (error) => {
          settle(error ?? null);
        });
      });
    },

    // The broker is not ours: it must be told by who runs it.
    disconnect: () => Promise.resolve(),

    async stop() {
      isStopped = true;
      cancelReconnect();
      announceUp();
      const closing = client;
      client = null;
      isUp = false;
      for (const reject of [...inFlight]) reject(new Error('the link is stopped'));
      if (closing === null) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.setTimer(1_000, () => {
          closing.end(true);
          resolve();
        });
        closing.end(false, {}, () => {
          cancel();
          resolve();
        });
      });
    },

    status: () => ({ connected: isUp, clients: null }),
  };
}

async function optionsOf(settings: ExternalBrokerSettings): Promise<IClientOptions> {
  const read = async (file: string, key: string): Promise<Buffer> => {
    try {
      return await readFile(file);
    } catch (error) {
      throw new Error(`mqtt.${key}: ${messageOf(error)}`, { cause: error });
    }
  };
  return {
    clientId: settings.clientId,
    username: settings.username,
    password: settings.password,
    clean: true,
    protocolVersion: 4,
    keepalive: settings.keepaliveSeconds,
    connectTimeout: settings.connectTimeoutMs,
    // Its own reconnecting has no jitter, and sends again what may be out of date.
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Of the library’s buffers for every 16-bit number, 6 MB, hardly any is ever used here.
    writeCache: false,
    reschedulePings: true,
    ...(settings.caFile === null ? {} : { ca: await read(settings.caFile, 'caFile') }),
    ...(settings.certFile === null ? {} : { cert: await read(settings.certFile, 'certFile') }),
    ...(settings.keyFile === null ? {} : { key: await read(settings.keyFile, 'keyFile') }),
  };
}
