/** Tries the way to a broker once, for a person who wants to know why it does not work. */
import { once } from 'node:events';
import { MqttClient } from 'mqtt';
import { describeProblem, refusalOf, subscriptionProblem } from './refusal.js';
import { openSocket } from './socket.js';
import type { BrokerSettings } from './settings.js';
import { readTls, tlsProblemOf } from './tls.js';

const farewellTimeoutMs = 500;

export interface ProbedSettings extends Pick<BrokerSettings, 'tls'> {
  /** Where they stand, for messages; default: `broker`. */
  readonly settingsKey?: string;
  /** What a refused credential means there; default: that of an edge. */
  readonly whenRefused?: string;
}

export interface BrokerCredential {
  readonly clientId: string;
  /** Undefined: the broker takes anybody. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** What it has to be let hear; nothing that comes is looked at. Default: none. */
  readonly topics?: readonly string[];
}

/** Connects, with TLS where the address says so, and says nothing. Answers why not, or undefined. */
export async function reachBroker(
  url: string,
  settings: ProbedSettings,
  timeoutMs: number,
): Promise<string | undefined> {
  return inWords(settings, async (tls) => {
    const socket = openSocket(url, tls);
    try {
      await once(socket, url.startsWith('mqtts:') ? 'secureConnect' : 'connect', {
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (error) {
      if ((error as Error).name === 'AbortError')
        throw new Error(`no answer within ${String(timeoutMs)} ms`, { cause: error });
      throw error;
    } finally {
      socket.on('error', () => undefined);
      socket.destroy();
    }
  });
}

/**
 * Connects, without a will, and leaves. A broker ends an older connection of the same client id for it: never to be called with one
 * that is in use. Answers why not, or undefined.
 */
export async function signInAtBroker(
  url: string,
  settings: ProbedSettings,
  { clientId, username, password, topics = [] }: BrokerCredential,
  timeoutMs: number,
): Promise<string | undefined> {
  return inWords(settings, (tls) => {
    const client = new MqttClient(() => openSocket(url, tls), {
      protocolVersion: 4,
      protocolId: 'MQTT',
      clean: true,
      clientId,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      // The bound below says it better.
      connectTimeout: 2 * timeoutMs,
      reconnectPeriod: 0,
    });
    return new Promise<void>((resolve, reject) => {
      let isAccepted = false;
      const timer = setTimeout(() => {
        end(new Error(`no answer within ${String(timeoutMs)} ms`));
      }, timeoutMs);
      const end = (error: Error | undefined): void => {
        clearTimeout(timer);
        client.end(true);
        if (error === undefined) resolve();
        else reject(error);
      };
      const leave = (): void => {
        isAccepted = true;
        clearTimeout(timer);
        const bound = setTimeout(resolve, farewellTimeoutMs);
        client.end(false, {}, () => {
          clearTimeout(bound);
          resolve();
        });
      };
      client.on('error', (error) => {
        end(isOfParser(error) ? new Error(`what answers there does not speak MQTT (${error.message})`) : error);
      });
      client.on('close', () => {
        if (!isAccepted) end(new Error(describeProblem(undefined, false, settings.tls.certFile !== undefined)));
      });
      client.on('connect', () => {
        if (topics.length === 0) {
          leave();
          return;
        }
        client.subscribe([...topics], { qos: 0 }, (error, _grants, packet) => {
          const problem = subscriptionProblem(error, topics, packet?.granted);
          if (problem === null) leave();
          else end(problem);
        });
      });
    });
  });
}

/** Refusals and the network's errors carry a code; what the parser of packets throws does not. */
function isOfParser(error: Error): boolean {
  return (error as { readonly code?: unknown }).code === undefined && !('errors' in error);
}

async function inWords(
  settings: ProbedSettings,
  attempt: (tls: Awaited<ReturnType<typeof readTls>>) => Promise<void>,
): Promise<string | undefined> {
  try {
    await attempt(await readTls(settings, settings.settingsKey));
    return undefined;
  } catch (error) {
    const problem = error as Error;
    const { settingsKey, whenRefused } = settings;
    return (
      refusalOf(problem, whenRefused) ?? tlsProblemOf(problem, settingsKey) ?? describeProblem(problem, false, false)
    );
  }
}
