/** Chooses the adapters that a configuration asks for and puts an edge agent together. */
import { readFile } from 'node:fs/promises';
import { createScaledClock } from '@gatehouse/shared/edge';
import type { Clock, Logger } from '@gatehouse/shared/edge';
import {
  certificateEndSeconds,
  ConfigurationError,
  createReading,
  readVolume,
  sha256,
  systemClock,
  systemRandom,
} from '@gatehouse/shared/node';
import type { StopSignal } from '@gatehouse/shared/node';
import { readMachineUptime } from './adapters/machine-uptime.js';
import { createMqttLink, plaintextProblem } from './adapters/mqtt-link/index.js';
import type { PlateReaders, ReaderSource } from './adapters/plate-readers/index.js';
import type { HappeningLog, SimulatedBarrier } from './adapters/simulated-barrier/index.js';
import { createSqliteOutbox } from './adapters/sqlite-outbox/index.js';
import { createEdgeAgent } from './app/edge-agent.js';
import type { EdgeAgent } from './app/edge-agent.js';
import { createLogLines } from './app/log-lines.js';
import { createLineWitness } from './app/line-witness.js';
import type { LineWitness } from './app/line-witness.js';
import type { BarrierDriver, CredentialReader } from './app/ports.js';
import type { EdgeStatus } from './app/status.js';
import { agentVersion } from './app/version.js';
import { loadDrivers } from './compose-drivers.js';
import type { Drivers } from './compose-drivers.js';
import { edgeSettingsOf, scaledTimeOf } from './configuration.js';
import type { EdgeConfiguration } from './configuration.js';
import type { EdgeCredential } from './enrolment.js';
import { createEdgeMetrics } from './http/metrics.js';
import type { EdgeMetrics } from './http/metrics.js';
import { createEdgeHttp } from './http/server.js';

export interface ComposedEdge {
  readonly agent: EdgeAgent;
  readonly brokerUrl: string;
  /** Of the agent's own page; undefined before the start, and where it is not wanted. */
  readonly httpUrl: string | undefined;
  /** Where simulated barriers take orders; undefined before the start, and where no barrier is simulated. */
  readonly controlUrl: string | undefined;
  /** Where plate readers post to; undefined before the start, and where none does. */
  readonly readersUrl: string | undefined;
  /** The brokers of others at which plate readers are heard. */
  readonly readerSources: readonly ReaderSource[];
  /** How long a stop may take. */
  readonly stopTimeoutMs: number;
  start(): Promise<void>;
  /** After SIGTERM, vehicles on their way through are waited for. */
  stop(signal?: StopSignal): Promise<void>;
}

/** For everything but the waiting for vehicles. */
const stopTimeoutMs = 10_000;

export interface ComposeOptions {
  readonly configuration: EdgeConfiguration;
  readonly credential: EdgeCredential;
  readonly logger: Logger;
  readonly requestRestart: () => void;
  /** Stand in for the barriers that the configuration names, by gate. */
  readonly barriers?: ReadonlyMap<string, BarrierDriver>;
  /** Beside those of the configuration. */
  readonly readers?: readonly CredentialReader[];
}

/** @throws ConfigurationError when configuration and credential do not belong together. */
export async function composeEdge(options: ComposeOptions): Promise<ComposedEdge> {
  const { configuration, credential } = options;
  const brokerUrl = brokerUrlOf(configuration, credential);
  const scaled = scaledTimeOf(configuration);
  const clock = scaled === undefined ? systemClock : createScaledClock(systemClock, scaled);
  const lines = createLogLines({ clock, secrets: [credential.password] });
  const logger = lines.tap(options.logger);
  const drivers = await loadDrivers(configuration);
  const log = drivers.happeningLog(logger);
  const simulated = new Map<string, SimulatedBarrier>();
  const barriers = new Map<string, BarrierDriver>();
  const witness = createLineWitness(clock);
  const missedEdges = new Map<string, number>();
  const plateReaders = drivers.plateReaders(clock, logger);
  const readers: CredentialReader[] = [
    ...(plateReaders === undefined ? [] : [plateReaders]),
    ...(options.readers ?? []),
  ];
  // A simulated gate that a camera looks at is read by the camera alone.
  const watched = new Set(configuration.readers?.cameras.map(({ gateId }) => gateId));
  for (const gate of configuration.gates) {
    const standIn = options.barriers?.get(gate.gateId);
    if (standIn !== undefined) {
      barriers.set(gate.gateId, witness.seen(gate.gateId, standIn));
      continue;
    }
    const made = drivers.barrier(gate, { clock, random: systemRandom, logger, log, missedEdges });
    barriers.set(gate.gateId, witness.seen(gate.gateId, made.barrier));
    if (made.simulated === undefined) continue;
    simulated.set(gate.gateId, made.simulated);
    if (gate.hasReader && !watched.has(gate.gateId)) readers.push(made.simulated.reader);
  }
  const { maxBytes, maxEvents } = configuration.outbox;
  const metrics = createMetrics(configuration, { plateReaders, missedEdges }, logger);
  const agent = createEdgeAgent(
    {
      clock,
      linkClock: systemClock,
      random: systemRandom,
      sha256,
      logger,
      outbox: createSqliteOutbox({
        directory: configuration.dataDir,
        sha256,
        clock: systemClock,
        logger: logger.child({ part: 'outbox' }),
        bounds: { maxBytes, maxEvents },
      }),
      link: createMqttLink({
        siteId: configuration.siteId,
        edgeId: configuration.edgeId,
        username: credential.username,
        password: credential.password,
        url: brokerUrl,
        settings: configuration.broker,
        clock: systemClock,
        random: systemRandom,
        logger: logger.child({ part: 'link' }),
      }),
      barriers,
      readers,
      recording: drivers.recording(logger),
      log: lines,
      // The monotonic clock of this process begins with it, so its times compare with no other process's.
      bootId: systemRandom.hex(16),
      machine: readMachineUptime(logger),
      requestRestart: options.requestRestart,
    },
    edgeSettingsOf(configuration),
    metrics.observer,
  );
  metrics.attach(() => agent.status());
  return run(
    { agent, metrics, brokerUrl, simulated, drivers, log, plateReaders, witness, clock },
    { ...options, logger },
  );
}

function createMetrics(
  configuration: EdgeConfiguration,
  counts: { readonly plateReaders: PlateReaders | undefined; readonly missedEdges: ReadonlyMap<string, number> },
  logger: Logger,
): EdgeMetrics {
  const { siteId, edgeId, dataDir, outbox, broker } = configuration;
  const { certFile } = broker.tls;
  const around = { clock: systemClock, logger };
  return createEdgeMetrics({
    ...{ siteId, edgeId, version: agentVersion, outboxLimitBytes: outbox.maxBytes, processMetrics: true },
    readers: counts.plateReaders,
    missedEdges: counts.missedEdges,
    volume: createReading('the room on the volume', () => readVolume(dataDir), around),
    certificateEnd:
      certFile === undefined
        ? null
        : createReading('broker.tls.certFile', async () => certificateEndSeconds(await readFile(certFile)), around),
  });
}

interface EdgeParts {
  readonly agent: EdgeAgent;
  readonly metrics: EdgeMetrics;
  readonly brokerUrl: string;
  readonly simulated: ReadonlyMap<string, SimulatedBarrier>;
  readonly drivers: Drivers;
  readonly log: HappeningLog | undefined;
  readonly plateReaders: PlateReaders | undefined;
  readonly witness: LineWitness;
  readonly clock: Clock;
}

/** The page comes first and goes last: it tells of a start that takes long, and of a stop; and a port in use is told before any arm moves. */
function run(parts: EdgeParts, { configuration, logger }: ComposeOptions): ComposedEdge {
  const { agent, metrics, brokerUrl, simulated, drivers, log, plateReaders, witness, clock } = parts;
  const { host, port } = configuration.http;
  let isStopping = false;
  const status = (): EdgeStatus => agent.status();
  const page = { status, isStopping: () => isStopping, metrics, witness, clock, logger };
  const http = port === null ? undefined : createEdgeHttp({ host, port, ...page });
  let httpUrl: string | undefined;
  let controlUrl: string | undefined;
  let stopControl: () => Promise<void> = () => Promise.resolve();
  const startControl = async (): Promise<void> => {
    const { port = 0, tokenFile } = configuration.simulation?.control ?? {};
    const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
    const around = { clock: systemClock, random: systemRandom, logger };
    const control = drivers.simulationControl({ gates: simulated, port, token, ...around });
    if (control === undefined) return;
    stopControl = () => control.stop();
    controlUrl = await control.start();
  };
  const stop = async (signal?: StopSignal): Promise<void> => {
    isStopping = true;
    // A person at the keyboard need not wait; a service manager that restarts the agent can.
    if (signal === 'SIGTERM') await agent.leave();
    await stopControl();
    await agent.stop();
    for (const barrier of simulated.values()) barrier.dispose();
    log?.close();
    await http?.stop();
  };
  return {
    agent,
    stopTimeoutMs: configuration.restart.laneClearTimeoutMs + stopTimeoutMs,
    brokerUrl,
    get httpUrl() {
      return httpUrl;
    },
    get controlUrl() {
      return controlUrl;
    },
    get readersUrl() {
      return plateReaders?.url;
    },
    readerSources: plateReaders?.sources ?? [],
    async start() {
      try {
        httpUrl = await http?.start();
        log?.open();
        await agent.start();
        if (simulated.size > 0) await startControl();
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
  };
}

function brokerUrlOf({ siteId, edgeId, broker }: EdgeConfiguration, credential: EdgeCredential): string {
  if (credential.siteId !== siteId || credential.edgeId !== edgeId) {
    throw new ConfigurationError([
      `siteId, edgeId: the credential is for edge ${credential.edgeId} of site ${credential.siteId}, not for ${edgeId} of ${siteId}`,
    ]);
  }
  const url = broker.url ?? credential.mqttUrl;
  const problem = plaintextProblem(url, broker.allowPlaintext);
  if (problem !== undefined) throw new ConfigurationError([`broker.url: ${problem}`]);
  return url;
}

async function readToken(path: string): Promise<string> {
  const token = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ConfigurationError([`simulation.control.tokenFile: ${String(error)}`]);
  });
  if (token.trim() === '') throw new ConfigurationError([`simulation.control.tokenFile: ${path} is empty`]);
  return token.trim();
}
