/**
 * The link of an edge over MQTT 3.1.1. Each connection is a new client with clean session and empty stores: what is not delivered
 * is the outbox's business, never the library's. Waits between attempts have full jitter, so that edges do not come back in step.
 */
import { connect as connectPlain, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { centreToEdgeChannels, edgeTopic, isDiagnostic } from '@gatehouse/shared';
import type { CancelTimer, CentreToEdgeChannel, Clock, EdgeToCentreChannel, Logger, Random } from '@gatehouse/shared';
import { MqttClient } from 'mqtt';
import type { EdgeLink, EdgeLinkHandlers } from '../../app/ports.js';
import { refusalOf, subscriptionProblem } from './refusal.js';
import type { BrokerSettings } from './settings.js';
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

type Phase = 'idle' | 'connecting' | 'up' | 'waiting' | 'stopped';

const farewellTimeoutMs = 1_000;

/** @throws RangeError when neither options nor settings name the broker. */
export function createMqttLink(options: MqttLinkOptions): EdgeLink {
  const { settings, clock, random, logger, siteId, edgeId } = options;
  const url = options.url ?? settings.url;
  if (url === undefined) throw new RangeError('the link needs the address of a broker');
  const channels = new Map(centreToEdgeChannels.map((channel) => [edgeTopic(siteId, edgeId, channel), channel]));
  const inFlight = new Set<(problem: Error) => void>();
  let phase: Phase = 'idle';
  let handlers: EdgeLinkHandlers | undefined;
  let will = '';
  let tls: ConnectionOptions = {};
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
    const attempt = new MqttClient(() => openSocket(url, tls), {
      protocolVersion: 4,
      protocolId: 'MQTT',
      clean: true,
      clientId: edgeId,
      username: options.username,
      password: options.password,
      keepalive: Math.ceil(settings.keepaliveMs / 1_000),
      connectTimeout: settings.connectTimeoutMs,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      will: { topic: edgeTopic(siteId, edgeId, 'state'), payload: Buffer.from(will), qos: 1, retain: true },
    });
    client = attempt;
    let problem: Error | undefined;
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
    attempt.on('message', (topic, payload) => {
      const channel = channels.get(topic);
      if (channel !== undefined && client === attempt) receive(channel, payload);
    });
  };

  const subscribe = (attempt: MqttClient): void => {
    const topics = [...channels.keys()];
    // Before the link is up, so that no answer to the first state is missed; by itself, so that it may be refused.
    attempt.subscribe(topics.filter(isDiagnostic), { qos: 1 }, (error) => {
      if (error === null || client !== attempt || !attempt.connected) return;
      logger.info({ error: error.message }, 'the broker does not let the log of this edge be asked for');
    });
    const needed = topics.filter((topic) => !isDiagnostic(topic));
    attempt.subscribe(needed, { qos: 1 }, (error, _grants, packet) => {
      if (client !== attempt || phase !== 'connecting') return;
      const problem = subscriptionProblem(error, needed, packet?.granted);
      if (problem !== null) {
        drop(attempt, problem);
        return;
      }
      phase = 'up';
      lastReason = undefined;
      later(settings.stableAfterMs, () => {
        waitBoundMs = settings.reconnectMinMs;
      });
      logger.info({ broker: url }, 'connected');
      handlers?.onUp();
    });
  };

  const receive = (channel: CentreToEdgeChannel, payload: Uint8Array): void => {
    try {
      handlers?.onMessage(channel, payload);
    } catch (error) {
      logger.error({ channel, error: String(error) }, 'a message could not be handled');
    }
  };

  /** The connection is over, or did not come about: say why, and try again later. */
  const drop = (attempt: MqttClient, problem: Error | undefined): void => {
    if (client !== attempt) return;
    client = undefined;
    const wasUp = phase === 'up';
    const refusal = refusalOf(problem);
    const reason = refusal ?? tlsProblemOf(problem) ?? describeProblem(problem, wasUp, tls.cert !== undefined);
    attempt.end(true);
    for (const reject of [...inFlight]) reject(new Error(`the link went down: ${reason}`));
    if (phase === 'stopped') return;
    phase = 'waiting';
    const waitMs =
      refusal === undefined ? random.next() * waitBoundMs : settings.refusedRetryMs * (0.5 + random.next() / 2);
    waitBoundMs = Math.min(settings.reconnectMaxMs, waitBoundMs * 2);
    later(waitMs, connect);
    if (wasUp || reason !== lastReason) {
      logger.warn({ broker: url, reason, retryInMs: Math.round(waitMs) }, 'not connected');
      handlers?.onDown(reason);
    }
    lastReason = reason;
  };

  const publish = (channel: EdgeToCentreChannel, payload: string, timeoutMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const present = client;
      if (phase !== 'up' || present === undefined) {
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
      present.publish(edgeTopic(siteId, edgeId, channel), payload, { qos: 1, retain: channel === 'state' }, (error) => {
        // The library says null where its types say undefined.
        settle(error ?? undefined);
      });
    });

  return {
    async start(newHandlers, newWill) {
      handlers = newHandlers;
      will = newWill;
      tls = await readTls(settings);
      if (phase === 'idle') connect();
    },
    publish: (channel, payload) => publish(channel, payload, settings.publishTimeoutMs),
    get isUp() {
      return phase === 'up';
    },
    async stop(farewell) {
      if (phase === 'stopped') return;
      cancelTimer();
      const present = client;
      const wasUp = phase === 'up';
      try {
        if (wasUp) await publish('state', farewell, farewellTimeoutMs);
      } catch (error) {
        logger.warn({ error: String(error) }, 'the farewell was not delivered; the last will stands in for it');
      }
      phase = 'stopped';
      // The connection may have gone during the farewell, and the next try been planned.
      cancelTimer();
      handlers = undefined;
      client = undefined;
      if (present !== undefined && wasUp) await end(present, clock);
      else present?.end(true);
      for (const reject of [...inFlight]) reject(new Error('the link was stopped'));
    },
  };
}

export function openSocket(url: string, tls: ConnectionOptions): Socket {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const secure = protocol === 'mqtts:';
  const target = { host, port: Number(port === '' ? (secure ? 8883 : 1883) : port) };
  // An address is no server name (RFC 6066, section 3); the certificate is then checked against the address.
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = secure ? connectTls({ ...target, ...name, ...tls }) : connectPlain(target);
  // Without this, small packets wait for the acknowledgement of the ones before: tens of milliseconds a decision.
  socket.setNoDelay(true);
  return socket;
}

export function describeProblem(problem: Error | undefined, wasUp: boolean, showsCertificate: boolean): string {
  if (problem === undefined) {
    if (wasUp) return 'the broker closed the connection';
    // Brokers on Node.js end the connection without an alert when they do not trust a certificate.
    const hint = showsCertificate ? ': it may not accept this edge’s certificate, look at broker.tls.certFile' : '';
    return `the broker closed the connection before it was up${hint}`;
  }
  // An attempt on several addresses fails with all their errors in one, whose own message is empty.
  const { errors } = problem as { readonly errors?: readonly Error[] };
  return [problem.message, errors?.[0]?.message].find((text) => text !== undefined && text !== '') ?? problem.name;
}

/** Says goodbye so that the will is not published; bounded, because the broker may be gone. */
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
