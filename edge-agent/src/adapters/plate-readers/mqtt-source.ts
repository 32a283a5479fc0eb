/**
 * Listens at a broker of others. A connection is a new client with clean session, so that nothing old is delivered; waits between
 * attempts have full jitter. A broker that is away disturbs nobody: it is told once, and shown by a metric.
 */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { messageOf } from '@gatehouse/shared';
import type { CancelTimer, Clock, Logger, Random } from '@gatehouse/shared';
import { ConfigurationError } from '@gatehouse/shared/node';
import { MqttClient } from 'mqtt';
import {
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

type Phase = 'idle' | 'connecting' | 'up' | 'waiting' | 'stopped';

const farewellTimeoutMs = 500;
/** How much longer than the longest message a packet may be. */
const packetFactor = 4;

export function createMqttSource(options: MqttSourceOptions): MqttSource {
  const { settings, settingsKey, topics, clock, random, logger } = options;
  const { url, sourceId, username } = settings;
  let phase: Phase = 'idle';
  let hear: (message: MqttMessage) => void = () => undefined;
  let secrets: Secrets = { tls: {}, password: undefined };
  let client: MqttClient | undefined;
  let cancelTimer: CancelTimer = () => undefined;
  let waitBoundMs = settings.reconnectMinMs;
  let lastReason: string | undefined;

  const later = (delayMs: number, run: () => void): void => {
    cancelTimer();
    cancelTimer = clock.setTimer(delayMs, run);
  };

  const connect = (): void => {
    phase = 'connecting';
    let problem: Error | undefined;
    const open = (): Socket => {
      const socket = openSocket(url, secrets.tls);
      boundPackets(socket, packetFactor * settings.maxMessageBytes);
      // The client says nothing of what breaks a connection that was up.
      socket.once('error', (error) => {
        problem ??= error;
      });
      return socket;
    };
    const attempt = new MqttClient(open, {
      protocolVersion: 4,
      protocolId: 'MQTT',
      clean: true,
      clientId: options.clientId,
      ...(username === undefined ? {} : { username }),
      ...(secrets.password === undefined ? {} : { password: secrets.password }),
      keepalive: Math.ceil(settings.keepaliveMs / 1_000),
      connectTimeout: settings.connectTimeoutMs,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
    });
    client = attempt;
    later(settings.connectTimeoutMs, () => {
      drop(attempt, new Error(`no answer within ${String(settings.connectTimeoutMs)} ms`));
    });
    attempt.on('error', (error) => {
      problem ??= error;
    });
    attempt.on('close', () => {
      drop(attempt, problem);
    });
    attempt.on('connect', () => {
      subscribe(attempt);
    });
    attempt.on('message', (topic, payload, { retain }) => {
      if (client === attempt) receive({ topic, payload, isRetained: retain });
    });
  };

  const subscribe = (attempt: MqttClient): void => {
    // At most once: a read that has to be sent again is too late.
    attempt.subscribe([...topics], { qos: 0 }, (error, _grants, packet) => {
      if (client !== attempt || phase !== 'connecting') return;
      const problem = subscriptionProblem(error, topics, packet?.granted);
      if (problem !== null) {
        drop(attempt, problem);
        return;
      }
      phase = 'up';
      lastReason = undefined;
      later(settings.stableAfterMs, () => {
        waitBoundMs = settings.reconnectMinMs;
      });
      logger.info({ sourceId, broker: url }, 'listening to plate readers at their broker');
    });
  };

  const receive = (message: MqttMessage): void => {
    try {
      hear(message);
    } catch (error) {
      logger.error({ sourceId, error: messageOf(error) }, 'a message of a plate reader could not be handled');
    }
  };

  const drop = (attempt: MqttClient, problem: Error | undefined): void => {
    if (client !== attempt) return;
    client = undefined;
    const wasUp = phase === 'up';
    const refusal = refusalOf(problem, refusedIn(settingsKey));
    const reason = refusal ?? tlsProblemOf(problem, settingsKey) ?? describeProblem(problem, wasUp, false);
    attempt.end(true);
    if (phase === 'stopped') return;
    phase = 'waiting';
    const waitMs =
      refusal === undefined ? random.next() * waitBoundMs : settings.refusedRetryMs * (0.5 + random.next() / 2);
    waitBoundMs = Math.min(settings.reconnectMaxMs, waitBoundMs * 2);
    later(waitMs, connect);
    if (wasUp || reason !== lastReason) {
      logger.warn({ sourceId, broker: url, reason }, 'plate readers are not heard: their broker is not connected');
    }
    lastReason = reason;
  };

  return {
    get isUp() {
      return phase === 'up';
    },
    async start(onMessage) {
      hear = onMessage;
      secrets = await readSecrets(settings, settingsKey);
      if (phase === 'idle') connect();
    },
    async stop() {
      if (phase === 'stopped') return;
      const wasUp = phase === 'up';
      const present = client;
      phase = 'stopped';
      cancelTimer();
      client = undefined;
      if (present !== undefined && wasUp) await end(present, clock);
      else present?.end(true);
    },
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

function end(client: MqttClient, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(farewellTimeoutMs, () => {
      client.end(true);
      resolve();
    });
    client.end(false, {}, () => {
      cancel();
      resolve();
    });
  });
}
