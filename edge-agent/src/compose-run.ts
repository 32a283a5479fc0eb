/** Runs the agent: what a service manager starts, and nothing that only a person at the keyboard needs. */
import type { Logger } from '@gatehouse/shared/edge';
import { ConfigurationError, createLogger, runUntilSignal, systemClock, systemRandom } from '@gatehouse/shared/node';
import type { ServiceReports } from './app/service-reports.js';
import { bannerOf } from './banner.js';
import { composeServiceReports } from './compose-service.js';
import { composeEdge } from './compose.js';
import { loadEdgeConfiguration } from './configuration.js';
import type { EdgeConfiguration } from './configuration.js';
import {
  credentialPath,
  enrolAtFirstStart,
  preparePlaceOfCredential,
  readCredential,
  writeCredential,
} from './enrolment.js';
import type { EdgeCredential } from './enrolment.js';

/** Of what does not say itself how long it may take to stop. */
export const stopTimeoutMs = 10_000;
/** After sysexits.h EX_TEMPFAIL: the service manager is to start the agent again. */
const restartExitCode = 75;

export interface RunFlags {
  readonly config?: string;
  readonly json?: boolean;
}

/** Resolves when the agent has stopped. @throws ConfigurationError */
export async function run(flags: RunFlags): Promise<void> {
  await runUntilSignal(async () => {
    const configuration = loadEdgeConfiguration(flags.config, process.env);
    const { edgeId: name, log } = configuration;
    const logger = createLogger({ name, level: log.level, format: log.format });
    const service = await composeServiceReports(logger);
    const credential = await credentialFor(configuration, service, logger);
    service.starting();
    const edge = await composeEdge({ configuration, credential, logger, requestRestart });
    await edge.start();
    const { brokerUrl, httpUrl, controlUrl, readersUrl, readerSources } = edge;
    const banner = { configuration, brokerUrl, httpUrl, controlUrl, readersUrl, readerSources };
    print(bannerOf(banner, flags.json === true));
    service.started(() => edge.agent.status());
    return {
      stopTimeoutMs: edge.stopTimeoutMs,
      stop(signal) {
        service.stopping();
        return edge.stop(signal);
      },
    };
  }, stopTimeoutMs);
}

async function credentialFor(
  configuration: EdgeConfiguration,
  service: ServiceReports,
  logger: Logger,
): Promise<EdgeCredential> {
  const { dataDir, enrolment } = configuration;
  const known = await readCredential(dataDir, logger);
  if (known !== undefined) return known;
  if (enrolment === undefined) {
    throw new ConfigurationError([
      `enrolment: this edge has no credential yet (${credentialPath(dataDir)}): run "edge enroll CODE --url URL", or set enrolment.url and enrolment.codeFile`,
    ]);
  }
  await preparePlaceOfCredential(dataDir);
  service.waiting('its enrolment');
  const credential = await enrolAtFirstStart({ ...enrolment, clock: systemClock, random: systemRandom, logger });
  await writeCredential(dataDir, credential);
  logger.info({ edgeId: credential.edgeId }, 'enrolled');
  return credential;
}

function requestRestart(): void {
  process.exitCode = restartExitCode;
  askForEnd();
}

/** As a signal would, but at once: a process with nothing else to wait for has ended before one of the system comes. */
export function askForEnd(): void {
  process.emit('SIGTERM', 'SIGTERM');
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
