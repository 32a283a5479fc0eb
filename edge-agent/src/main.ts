#!/usr/bin/env node
/** The edge agent's process: `edge --config FILE` runs it, `edge enroll CODE --url URL` gets its credential, other commands look. */
import { Command, InvalidArgumentError } from 'commander';
import type { Logger } from '@gatehouse/shared';
import {
  ConfigurationError,
  createLogger,
  exitCodes,
  reportFatal,
  runUntilSignal,
  systemClock,
  systemRandom,
} from '@gatehouse/shared/node';
import type { ServiceReports } from './app/service-reports.js';
import { agentVersion } from './app/version.js';
import { bannerOf, describeConfiguration } from './banner.js';
import { examine, reportFindings } from './compose-doctor.js';
import { reportOutbox } from './compose-outbox.js';
import { gateToTest, mayMove, startBarrierTest } from './compose-test-barrier.js';
import { startWatch } from './compose-watch.js';
import { composeServiceReports } from './compose-service.js';
import { composeEdge } from './compose.js';
import { loadEdgeConfiguration } from './configuration.js';
import type { EdgeConfiguration } from './configuration.js';
import {
  credentialPath,
  enrolAtFirstStart,
  preparePlaceOfCredential,
  readCredential,
  redeemCode,
  writeCredential,
} from './enrolment.js';
import type { EdgeCredential } from './enrolment.js';

const stopTimeoutMs = 10_000;
/** After sysexits.h EX_TEMPFAIL: the service manager is to start the agent again. */
const restartExitCode = 75;

interface RunFlags {
  readonly config?: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

interface OutboxFlags extends RunFlags {
  readonly events: number;
}

interface WatchFlags extends RunFlags {
  readonly seconds?: number;
}

interface BarrierTestFlags extends RunFlags {
  readonly yes?: boolean;
}

interface EnrolFlags {
  readonly url?: string;
  readonly config?: string;
  readonly dataDir?: string;
  readonly allowPlaintext?: boolean;
  readonly json?: boolean;
}

const program = new Command('edge')
  .description('Runs the gates of one cabinet: lanes, outbox, link to the aggregator.')
  .version(agentVersion)
  .option('-c, --config <file>', 'YAML or JSON configuration; GATEHOUSE_EDGE_… variables go over it')
  .option('--check', 'validate the configuration and exit')
  .option('--json', 'report as JSON on standard output')
  .showHelpAfterError('(--help lists commands and options)')
  .action(async (flags: RunFlags) => {
    if (flags.check === true) check(flags);
    else await run(flags);
  });

program
  .command('enroll')
  .argument('<code>', 'the one-time code the aggregator gave when the edge was registered')
  .description('Redeems a one-time code and keeps the credential in the data directory (mode 0600).')
  .option('-u, --url <url>', 'the aggregator’s HTTP address, e.g. http://127.0.0.1:8000')
  .option('-c, --config <file>', 'take data directory and address (enrolment.url) from this configuration')
  .option('--data-dir <directory>', 'keep the credential here; default data/edge')
  .option('--allow-plaintext', 'let the new credential travel unencrypted to another machine')
  .option('--json', 'report as JSON on standard output')
  .action(async (code: string, _flags: unknown, command: Command) => {
    await enrol(code, command.optsWithGlobals());
  });

program
  .command('doctor')
  .description(
    'Checks machine, configuration, storage, credential, broker, clock and lines; ends with 1 when one fails.',
  )
  .option('-c, --config <file>', 'the configuration of the edge')
  .option('--json', 'report as JSON on standard output')
  .action(async (_flags: unknown, command: Command) => {
    await doctor(command.optsWithGlobals());
  });

program
  .command('outbox')
  .description('Shows what waits in the outbox and verifies it; changes nothing, while the agent runs as well.')
  .option('-c, --config <file>', 'the configuration of the edge')
  .option('--events <count>', 'list the newest events, credentials masked', countOf, 0)
  .option('--json', 'report as JSON on standard output')
  .action(async (_flags: unknown, command: Command) => {
    await outbox(command.optsWithGlobals());
  });

program
  .command('watch')
  .description('Shows inputs and outputs live, of the running agent or of the lines themselves; drives nothing.')
  .option('-c, --config <file>', 'the configuration of the edge')
  .option('--seconds <count>', 'end after so many seconds; otherwise Ctrl-C ends it', secondsOf)
  .option('--json', 'a line of JSON for every change')
  .action(async (_flags: unknown, command: Command) => {
    await watch(command.optsWithGlobals());
  });

program
  .command('test-barrier')
  .argument('[gate]', 'which gate; not needed where there is one')
  .description('Opens and closes a barrier once and checks its limits. THE ARM MOVES: somebody has to watch it.')
  .option('-c, --config <file>', 'the configuration of the edge')
  .option('-y, --yes', 'the lane is clear: do not ask')
  .option('--json', 'report as JSON on standard output')
  .action(async (gateId: string | undefined, _flags: unknown, command: Command) => {
    await testBarrier(gateId, command.optsWithGlobals());
  });

function check(flags: RunFlags): void {
  try {
    const configuration = loadEdgeConfiguration(flags.config, process.env);
    const report = { ok: true, configuration: describeConfiguration(configuration) };
    print(flags.json === true ? JSON.stringify(report) : 'The configuration can be used.');
  } catch (error) {
    if (flags.json !== true || !(error instanceof ConfigurationError)) throw error;
    print(JSON.stringify({ ok: false, problems: error.problems }));
    process.exitCode = exitCodes.configuration;
  }
}

async function enrol(code: string, flags: EnrolFlags): Promise<void> {
  const configured = flags.config === undefined ? undefined : loadEdgeConfiguration(flags.config, process.env);
  const dataDir = flags.dataDir ?? configured?.dataDir ?? 'data/edge';
  await preparePlaceOfCredential(dataDir);
  const url = flags.url ?? configured?.enrolment?.url;
  if (url === undefined) throw new ConfigurationError(['--url, or enrolment.url of --config FILE: has to be set']);
  const allowPlaintext = flags.allowPlaintext ?? configured?.enrolment?.allowPlaintext ?? false;
  const credential = await redeemCode(url, code, allowPlaintext);
  const path = await writeCredential(dataDir, credential);
  const { siteId, edgeId, mqttUrl } = credential;
  print(
    flags.json === true
      ? JSON.stringify({ siteId, edgeId, mqttUrl, credential: path })
      : `This is edge ${edgeId} of site ${siteId} now. Its credential is in ${path}; its broker is ${mqttUrl}.`,
  );
}

async function doctor(flags: RunFlags): Promise<void> {
  const findings = await examine(() => loadEdgeConfiguration(flags.config, process.env));
  print(reportFindings(findings, flags.json === true));
  if (findings.some(({ verdict }) => verdict === 'fail')) process.exitCode = exitCodes.failure;
}

async function outbox(flags: OutboxFlags): Promise<void> {
  const configuration = loadEdgeConfiguration(flags.config, process.env);
  const options = { lastEvents: flags.events, asJson: flags.json === true, nowMs: systemClock.wallMs() };
  const report = await reportOutbox(configuration, options);
  print(report.text);
  if (report.isDamaged) process.exitCode = exitCodes.failure;
}

async function watch(flags: WatchFlags): Promise<void> {
  await runUntilSignal(async () => {
    const configuration = loadEdgeConfiguration(flags.config, process.env);
    const boundMs = flags.seconds === undefined ? undefined : flags.seconds * 1_000;
    return startWatch({ configuration, asJson: flags.json === true, boundMs, end: askForEnd });
  }, stopTimeoutMs);
}

async function testBarrier(gateId: string | undefined, flags: BarrierTestFlags): Promise<void> {
  const gate = await gateToTest(loadEdgeConfiguration(flags.config, process.env), gateId);
  if (flags.yes !== true && !(await mayMove(gate.gateId))) throw new Error('nothing was moved');
  const done = (isGood: boolean): void => {
    if (!isGood) process.exitCode = exitCodes.failure;
    askForEnd();
  };
  const start = () => Promise.resolve(startBarrierTest({ gate, asJson: flags.json === true, print, done }));
  await runUntilSignal(start, stopTimeoutMs);
}

function secondsOf(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('must be a number of seconds from 1 to 99999.');
  return Number(text);
}

function countOf(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('must be a number from 0 to 9999.');
  return Number(text);
}

async function run(flags: RunFlags): Promise<void> {
  await runUntilSignal(async () => {
    const configuration = loadEdgeConfiguration(flags.config, process.env);
    const { edgeId: name, log } = configuration;
    const logger = createLogger({ name, level: log.level, format: log.format });
    const service = await composeServiceReports(logger);
    const credential = await credentialFor(configuration, service, logger);
    service.starting();
    const edge = composeEdge({ configuration, credential, logger, requestRestart });
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
function askForEnd(): void {
  process.emit('SIGTERM', 'SIGTERM');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  await program.parseAsync();
  // A handle that a library leaves open must not keep a stopped agent alive.
  process.exit();
} catch (error) {
  reportFatal(error);
  process.exit(error instanceof ConfigurationError ? exitCodes.configuration : exitCodes.failure);
}
