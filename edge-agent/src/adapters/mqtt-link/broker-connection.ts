/**
 * A connection to a broker that is made again whenever it ends. Each is a new client with clean session and empty stores: what is not
 * delivered is nobody's business here, and never the library's. Waits between attempts have full jitter, so that edges do not come
 * back in step.
 */
import type { Socket } from 'node:net';
import type { CancelTimer, Clock, Random } from '@gatehouse/shared/edge';
import { MqttClient } from 'mqtt';
import type { IClientOptions } from 'mqtt';
import type { BrokerSettings } from './settings.js';

export interface BrokerConnectionOptions {
  readonly settings: Pick<
    BrokerSettings,
    'keepaliveMs' | 'connectTimeoutMs' | 'reconnectMinMs' | 'reconnectMaxMs' | 'refusedRetryMs' | 'stableAfterMs'
  >;
  readonly clock: Clock;
  readonly random: Random;
  /** Asked for each connection. */
  readonly identity: () => Pick<IClientOptions, 'clientId' | 'username' | 'password' | 'will'>;
  readonly openSocket: () => Socket;
  /** Asks for what is to be heard, and tells what is in the way; the connection is up when nothing is. */
  readonly subscribe: (client: MqttClient, done: (problem: Error | null) => void) => void;
  readonly reasonOf: (problem: Error | undefined, wasUp: boolean) => DownReason;
  readonly onUp: () => void;
  readonly onMessage: (topic: string, payload: Buffer, isRetained: boolean) => void;
  /** It ended, or did not come about. `isNews`: it was up, or the reason is another than the last. */
  readonly onDown: (down: { readonly reason: string; readonly retryInMs: number; readonly isNews: boolean }) => void;
}

export interface DownReason {
  readonly reason: string;
  /** It will not pass by itself: there is no hurry to try again. */
  readonly isRefusal: boolean;
}

export interface BrokerConnection {
  /** Of the connection that is up; undefined while none is. */
  readonly client: MqttClient | undefined;
  start(): void;
  /** Says goodbye, so that the last will is not published, and for no longer than `goodbyeTimeoutMs`: the broker may be gone. */
  stop(goodbyeTimeoutMs: number): Promise<void>;
}

type Phase = 'idle' | 'connecting' | 'up' | 'waiting' | 'stopped';

export function createBrokerConnection(options: BrokerConnectionOptions): BrokerConnection {
  const { settings, clock, random } = options;
  let phase: Phase = 'idle';
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
    const noteProblem = (error: Error): void => {
      problem ??= error;
    };
    const open = (): Socket => {
      const socket = options.openSocket();
      // The client says nothing of what breaks a connection that was up.
      socket.once('error', noteProblem);
      return socket;
    };
    const attempt = new MqttClient(open, {
      protocolVersion: 4,
      protocolId: 'MQTT',
      clean: true,
      ...options.identity(),
      keepalive: Math.ceil(settings.keepaliveMs / 1_000),
      connectTimeout: settings.connectTimeoutMs,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      // Of the library's buffers for every 16-bit number, 7 MB, hardly any is ever used here.
      writeCache: false,
    });
    client = attempt;
    later(settings.connectTimeoutMs, () => {
      drop(attempt, new Error(`no answer within ${String(settings.connectTimeoutMs)} ms`));
    });
    attempt.on('error', noteProblem);
    attempt.on('close', () => {
      drop(attempt, problem);
    });
    attempt.on('connect', () => {
      options.subscribe(attempt, (refused) => {
        settle(attempt, refused);
      });
    });
    attempt.on('message', (topic, payload, { retain }) => {
      if (client === attempt) options.onMessage(topic, payload, retain);
    });
  };

  const settle = (attempt: MqttClient, problem: Error | null): void => {
    if (client !== attempt || phase !== 'connecting') return;
    if (problem !== null) {
      drop(attempt, problem);
      return;
    }
    phase = 'up';
    lastReason = undefined;
    later(settings.stableAfterMs, () => {
      waitBoundMs = settings.reconnectMinMs;
    });
    options.onUp();
  };

  const drop = (attempt: MqttClient, problem: Error | undefined): void => {
    if (client !== attempt) return;
    client = undefined;
    const wasUp = phase === 'up';
    const { reason, isRefusal } = options.reasonOf(problem, wasUp);
    attempt.end(true);
    phase = 'waiting';
    const retryInMs = isRefusal ? settings.refusedRetryMs * (0.5 + random.next() / 2) : random.next() * waitBoundMs;
    waitBoundMs = Math.min(settings.reconnectMaxMs, waitBoundMs * 2);
    later(retryInMs, connect);
    const isNews = wasUp || reason !== lastReason;
    lastReason = reason;
    options.onDown({ reason, retryInMs, isNews });
  };

  return {
    get client() {
      return phase === 'up' ? client : undefined;
    },
    start() {
      if (phase === 'idle') connect();
    },
    async stop(goodbyeTimeoutMs) {
      const present = client;
      const wasUp = phase === 'up';
      phase = 'stopped';
      cancelTimer();
      client = undefined;
      if (present === undefined) return;
      if (wasUp) await sayGoodbye(present, clock, goodbyeTimeoutMs);
      else present.end(true);
    },
  };
}

function sayGoodbye(client: MqttClient, clock: Clock, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(timeoutMs, () => {
      client.end(true);
      resolve();
    });
    client.end(false, {}, () => {
      cancel();
      resolve();
    });
  });
}
