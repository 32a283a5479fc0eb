/** Chooses the adapters that a configuration asks for and puts an edge agent together. */
import { readFile } from 'node:fs/promises';
import { createScaledClock } from '@gatehouse/shared';
import type { Clock, Logger, Random } from '@gatehouse/shared';
import { ConfigurationError, sha256, systemClock, systemRandom } from '@gatehouse/shared/node';
import { createMqttLink, plaintextProblem } from './adapters/mqtt-link/index.js';
import { createOnoffBarrier } from './adapters/onoff-barrier/index.js';
import {
  createHappeningLog,
  createSimulatedBarrier,
  createSimulationControl,
} from './adapters/simulated-barrier/index.js';
import type { GateHappening, HappeningLog, SimulatedBarrier } from './adapters/simulated-barrier/index.js';
import { createSqliteOutbox } from './adapters/sqlite-outbox/index.js';
import { createEdgeAgent } from './app/edge-agent.js';
import type { EdgeAgent } from './app/edge-agent.js';
import type { BarrierDriver, CredentialReader } from './app/ports.js';
import { edgeSettingsOf, scaledTimeOf } from './configuration.js';
import type { EdgeConfiguration, GateConfiguration } from './configuration.js';
import type { EdgeCredential } from './enrolment.js';

export interface ComposedEdge {
  readonly agent: EdgeAgent;
  readonly brokerUrl: string;
  /** Where simulated barriers take orders; undefined before the start, and where no barrier is simulated. */
  readonly controlUrl: string | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ComposeOptions {
  readonly configuration: EdgeConfiguration;
  readonly credential: EdgeCredential;
  readonly logger: Logger;
  readonly requestRestart: () => void;
}

/** @throws ConfigurationError when configuration and credential do not belong together. */
export function composeEdge(options: ComposeOptions): ComposedEdge {
  const { configuration, credential, logger } = options;
  const brokerUrl = brokerUrlOf(configuration, credential);
  const scaled = scaledTimeOf(configuration);
  const clock = scaled === undefined ? systemClock : createScaledClock(systemClock, scaled);
  const log = createLog(configuration, logger);
  const simulated = new Map<string, SimulatedBarrier>();
  const barriers = new Map<string, BarrierDriver>();
  const readers: CredentialReader[] = [];
  for (const gate of configuration.gates) {
    const made = createBarrier(gate, { clock, random: systemRandom, logger, log });
    barriers.set(gate.gateId, made.barrier);
    if (made.simulated === undefined) continue;
    simulated.set(gate.gateId, made.simulated);
    if (gate.hasReader) readers.push(made.simulated.reader);
  }
  const { maxBytes, maxEvents } = configuration.outbox;
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
      // The monotonic clock of this process begins with it, so its times compare with no other process's.
      bootId: systemRandom.hex(16),
      requestRestart: options.requestRestart,
    },
    edgeSettingsOf(configuration),
  );
  return run(agent, brokerUrl, simulated, log, options);
}

function run(
  agent: EdgeAgent,
  brokerUrl: string,
  simulated: ReadonlyMap<string, SimulatedBarrier>,
  log: HappeningLog | undefined,
  { configuration, logger }: ComposeOptions,
): ComposedEdge {
  let controlUrl: string | undefined;
  let stopControl: () => Promise<void> = () => Promise.resolve();
  const stop = async (): Promise<void> => {
    await stopControl();
    await agent.stop();
    for (const barrier of simulated.values()) barrier.dispose();
    log?.close();
  };
  return {
    agent,
    brokerUrl,
    get controlUrl() {
      return controlUrl;
    },
    async start() {
      try {
        log?.open();
        await agent.start();
        if (simulated.size === 0) return;
        const { port = 0, tokenFile } = configuration.simulation?.control ?? {};
        const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
        const control = createSimulationControl({
          gates: simulated,
          port,
          token,
          clock: systemClock,
          random: systemRandom,
          logger,
        });
        stopControl = () => control.stop();
        controlUrl = await control.start();
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
  };
}

function createBarrier(
  gate: GateConfiguration,
  parts: { clock: Clock; random: Random; logger: Logger; log: HappeningLog | undefined },
): { readonly barrier: BarrierDriver; readonly simulated?: SimulatedBarrier } {
  const { gateId, direction, hasReader } = gate;
  const logger = parts.logger.child({ gateId });
  switch (gate.barrier.driver) {
    case 'simulated': {
      const { clock, random, log } = parts;
      const { settings } = gate.barrier;
      const witness =
        log === undefined
          ? {}
          : {
              log: (happening: GateHappening) => {
                log.write(happening);
              },
            };
      const simulated = createSimulatedBarrier({ clock, random, gateId, direction, hasReader, settings, ...witness });
      return { barrier: simulated.barrier, simulated };
    }
    case 'onoff':
      return { barrier: createOnoffBarrier({ settings: gate.barrier.settings, clock: parts.clock, logger }) };
  }
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

function createLog({ simulation }: EdgeConfiguration, logger: Logger): HappeningLog | undefined {
  return simulation?.log === undefined ? undefined : createHappeningLog({ ...simulation.log, logger });
}

async function readToken(path: string): Promise<string> {
  const token = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ConfigurationError([`simulation.control.tokenFile: ${String(error)}`]);
  });
  if (token.trim() === '') throw new ConfigurationError([`simulation.control.tokenFile: ${path} is empty`]);
  return token.trim();
}
