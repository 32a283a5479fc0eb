/** Listens at a broker of others. One that is away disturbs nobody: it is told once, and shown by a metric. */
import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { messageOf } from '@gatehouse/shared/edge';
import type { Clock, Logger, Random } from '@gatehouse/shared/edge';
import { ConfigurationError } from '@gatehouse/shared/node';
import {
  createBrokerConnection,
  describeProblem,
  openSocket,
  readTls,
  refusalOf,
  subscriptionProblem,
  tlsProblemOf,
} from '../mqtt-link/index.js';
import { boundPackets } from './packet-bound.js';
import type { MqttSourceSettings } from './settings-mqtt.js';

export interface MqttMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** The broker kept it from before the subscription. */
  readonly isRetained: boolean;
}

export interface MqttSource {
  readonly isUp: boolean;
  /** Does not wait for the broker. @throws ConfigurationError naming a file that cannot be used */
  start(onMessage: (message: MqttMessage) => void): Promise<void>;
  /** May be called twice. */
  stop(): Promise<void>;
}

export interface MqttSourceOptions {
  readonly settings: MqttSourceSettings;
  /** Where the settings stand, for messages. */
  readonly settingsKey: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  /** Real time. */
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What a refused credential means here, and what to do. */
export function refusedIn(settingsKey: string): string {
  return `user name or password refused: look at ${settingsKey}.username and ${settingsKey}.passwordFile`;
}

const farewellTimeoutMs = 500;
/** How much longer than the longest message a packet may be. */
const packetFactor = 4;

export function createMqttSource(options: MqttSourceOptions): MqttSource {
  const { settings, settingsKey, topics, clock, random, logger } = options;
  const { url, sourceId, username } = settings;
  let hear: (message: MqttMessage) => void = () => undefined;
  let secrets: Secrets = { tls: {}, password: undefined };

  const connection = createBrokerConnection({
    settings,
    clock,
    random,
    identity: () => ({
      clientId: options.clientId,
      ...(username === undefined ? {} : { username }),
      ...(secrets.password === undefined ? {} : { password: secrets.password }),
    }),
    openSocket() {
      const socket = openSocket(url, secrets.tls);
      boundPackets(socket, packetFactor * settings.maxMessageBytes);
      return socket;
    },
    subscribe(client, done) {
      // At most once: a read that has to be sent again is too late.
      client.subscribe([...topics], { qos: 0 }, (error, _grants, packet) => {
        done(subscriptionProblem(error, topics, packet?.granted));
      });
    },
    reasonOf(problem, wasUp) {
      const refusal = refusalOf(problem, refusedIn(settingsKey));
      const reason = refusal ?? tlsProblemOf(problem, settingsKey) ?? describeProblem(problem, wasUp, false);
      return { reason, isRefusal: refusal !== undefined };
    },
    onUp() {
      logger.info({ sourceId, broker: url }, 'listening to plate readers at their broker');
    },
    onMessage(topic, payload, isRetained) {
      try {
        hear({ topic, payload, isRetained });
      } catch (error) {
        logger.error({ sourceId, error: messageOf(error) }, 'a message of a plate reader could not be handled');
      }
    },
    onDown({ reason, isNews }) {
      if (!isNews) return;
      logger.warn({ sourceId, broker: url, reason }, 'plate readers are not heard: their broker is not connected');
    },
  });

  return {
    get isUp() {
      return connection.client !== undefined;
    },
    async start(onMessage) {
      hear = onMessage;
      secrets = await readSecrets(settings, settingsKey);
      connection.start();
    },
    stop: () => connection.stop(farewellTimeoutMs),
  };
}

interface Secrets {
  readonly tls: ConnectionOptions;
  readonly password: string | undefined;
}

async function readSecrets(settings: MqttSourceSettings, settingsKey: string): Promise<Secrets> {
  try {
    const tls = await readTls(settings, settingsKey);
    return { tls, password: await readPassword(settings, settingsKey) };
  } catch (error) {
    throw new ConfigurationError([messageOf(error)]);
  }
}

async function readPassword({ passwordFile }: MqttSourceSettings, settingsKey: string): Promise<string | undefined> {
  if (passwordFile === undefined) return undefined;
  const key = `${settingsKey}.passwordFile`;
  const text = await readFile(passwordFile, 'utf8').catch((error: unknown) => {
    throw new Error(`${key}: ${messageOf(error)}`, { cause: error });
  });
  const password = passwordOf(text);
  if (password === undefined) throw new Error(`${key}: ${passwordFile} ${passwordRule}`);
  return password;
}

/** The password that a file of this text holds; undefined when that is none. */
export function passwordOf(text: string): string | undefined {
  // An editor ends a line that the password does not.
  const password = text.replace(/\r?\n$/, '');
  return password === '' || password.length > 1_000 ? undefined : password;
}

export const passwordRule = 'must hold 1 to 1,000 characters';
