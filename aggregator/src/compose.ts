/** The aggregator's process, assembled: store, broker, application, HTTP. */
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createScaledClock } from '@gatehouse/shared';
import type { Logger } from '@gatehouse/shared';
import {
  ConfigurationError,
  createLogger,
  listenerUrl,
  listeningError,
  sha256,
  systemClock,
  systemRandom,
} from '@gatehouse/shared/node';
import type { Stoppable } from '@gatehouse/shared/node';
import { createEmbeddedBroker } from './adapters/broker/embedded/index.js';
import type { EmbeddedBroker } from './adapters/broker/embedded/index.js';
import { createSqliteStore } from './adapters/store/sqlite/index.js';
import { tlsPairProblem } from './adapters/tls-pair.js';
import { createAggregator } from './app/aggregator.js';
import type { Aggregator } from './app/aggregator.js';
import { createAuthenticator } from './app/authenticator.js';
import type { Authenticator, CentreLink } from './app/ports.js';
import { ensureAdminKey } from './compose-admin-key.js';
import type { AdminKeySource } from './compose-admin-key.js';
import { machineReadings } from './compose-readings.js';
import type { Configuration } from './configuration.js';
import { createMetrics } from './http/metrics.js';
import { createHttpServer } from './http/server.js';
import type { HttpServer } from './http/server.js';

export interface RunningAggregator extends Stoppable {
  readonly httpUrl: string;
  /** null with an external broker and no `mqttUrl`. */
  readonly mqttUrl: string | null;
  readonly dataDir: string;
  readonly adminKey: AdminKeySource;
}

/** Version of this program. */
export const version = readVersion();

/**
 * Starts everything. Rejects with a ConfigurationError for what the configuration can mend (a port in use), with a StoreError for
 * the data directory; nothing keeps running then.
 */
export async function startAggregator(configuration: Configuration): Promise<RunningAggregator> {
  const logger = createLogger({ name: 'aggregator', ...configuration.log });
  const scaled = configuration.simulation.clock;
  const clock = scaled === null ? systemClock : createScaledClock(systemClock, scaled);
  const dataDir = resolve(configuration.dataDir);
  const metrics = createMetrics({ version, processMetrics: true });
  let authenticator: Authenticator | undefined;
  const { link, broker } = await createLink(configuration, logger, {
    authenticate: (username, password) => authenticator?.authenticate(username, password) ?? null,
  });
  const store = createSqliteStore({ directory: dataDir, logger, clock: systemClock });
  const aggregator = createAggregator(
    { clock, linkClock: systemClock, random: systemRandom, sha256, logger, store, link },
    configuration.aggregator,
    metrics.observer,
  );
  authenticator = createAuthenticator(aggregator.directory, sha256);
  metrics.attach(aggregator, { clock, systemClock });
  if (broker !== null) metrics.attachBroker(() => broker.counters());
  await aggregator.start();
  try {
    const adminKey = await ensureAdminKey(aggregator, dataDir, configuration.adminKey);
    const mqttUrl = (host: string): string | null => brokerUrl(configuration, broker, host);
    const http = await listen(configuration, aggregator, {
      clock,
      systemClock,
      random: systemRandom,
      sha256,
      logger,
      metrics,
      version,
      disconnectEdge: (edgeId: string) => link.disconnect(edgeId),
      mqttUrl: (host: string) => mqttUrl(host) ?? configuration.externalBroker?.url ?? '',
    });
    metrics.attachMachine(machineReadings(configuration, { dataDir, store, logger }));
    return {
      httpUrl: http.url,
      mqttUrl: mqttUrl('127.0.0.1'),
      dataDir,
      adminKey,
      async stop() {
        await http.server.close();
        await aggregator.stop();
      },
    };
  } catch (error) {
    await aggregator.stop();
    throw error;
  }
}

async function createLink(
  configuration: Configuration,
  logger: Logger,
  authenticator: Authenticator,
): Promise<{ link: CentreLink; broker: EmbeddedBroker | null }> {
  if (configuration.externalBroker !== null) {
    const settings = configuration.externalBroker;
    // Its client of MQTT is loaded where it is used.
    const { createExternalLink } = await import('./adapters/broker/external/index.js');
    return { link: createExternalLink({ settings, logger, clock: systemClock, random: systemRandom }), broker: null };
  }
  const broker = createEmbeddedBroker({ settings: configuration.mqtt, authenticator, logger, clock: systemClock });
  return { link: broker, broker };
}

async function listen(
  { http }: Configuration,
  aggregator: Aggregator,
  ports: Omit<Parameters<typeof createHttpServer>[0], 'aggregator'>,
): Promise<{ server: HttpServer; url: string }> {
  const { host, port, allowPlaintext: _allowed, tls, ...settings } = http;
  const https =
    tls === null
      ? null
      : {
          cert: readNamed(tls.certFile, 'http.tls.certFile'),
          key: readNamed(tls.keyFile, 'http.tls.keyFile'),
          minVersion: 'TLSv1.2' as const,
        };
  const problem = https === null ? undefined : tlsPairProblem(https, 'http.tls');
  if (problem !== undefined) throw new ConfigurationError([problem]);
  const server = await createHttpServer({ aggregator, ...ports }, settings, https);
  try {
    await server.app.listen({ host, port });
  } catch (error) {
    await server.close();
    throw listeningError(error, { key: 'http', host, port });
  }
  const address = server.app.server.address() as AddressInfo;
  return { server, url: listenerUrl(https === null ? 'http' : 'https', host, address.port) };
}

function readNamed(file: string, key: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigurationError([`${key}: ${error instanceof Error ? error.message : 'cannot be read'}`]);
  }
}

/** The address of the broker for somebody who reached this machine as `host`. */
function brokerUrl({ mqttUrl }: Configuration, broker: EmbeddedBroker | null, host: string): string | null {
  if (mqttUrl !== null) return mqttUrl;
  const name = bracketed(host);
  const tls = broker?.tlsAddress() ?? null;
  if (tls !== null) return `mqtts://${name}:${String(tls.port)}`;
  const plain = broker?.address() ?? null;
  return plain === null ? null : `mqtt://${name}:${String(plain.port)}`;
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
