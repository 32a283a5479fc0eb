/** The commands of `edge`: those that look, that enrol, that try a barrier, and their help. */
import { Command, InvalidArgumentError } from 'commander';
import { ConfigurationError, exitCodes, runUntilSignal, systemClock } from '@gatehouse/shared/node';
import { agentVersion } from './app/version.js';
import { describeConfiguration } from './banner.js';
import { askForEnd, print, run, stopTimeoutMs } from './compose-run.js';
import type { RunFlags } from './compose-run.js';
import { loadEdgeConfiguration } from './configuration.js';
import { preparePlaceOfCredential, redeemCode, writeCredential } from './enrolment.js';

/** Does what the arguments of the process ask for. @throws ConfigurationError */
export async function runCommand(): Promise<void> {
  await program.parseAsync();
}

interface CheckFlags extends RunFlags {
  readonly check?: boolean;
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
  .action(async (flags: CheckFlags) => {
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
  const { examine, reportFindings } = await import('./compose-doctor.js');
  const findings = await examine(() => loadEdgeConfiguration(flags.config, process.env));
  print(reportFindings(findings, flags.json === true));
  if (findings.some(({ verdict }) => verdict === 'fail')) process.exitCode = exitCodes.failure;
}

async function outbox(flags: OutboxFlags): Promise<void> {
  const configuration = loadEdgeConfiguration(flags.config, process.env);
  const options = { lastEvents: flags.events, asJson: flags.json === true, nowMs: systemClock.wallMs() };
  const { reportOutbox } = await import('./compose-outbox.js');
  const report = await reportOutbox(configuration, options);
  print(report.text);
  if (report.isDamaged) process.exitCode = exitCodes.failure;
}

async function watch(flags: WatchFlags): Promise<void> {
  await runUntilSignal(async () => {
    const configuration = loadEdgeConfiguration(flags.config, process.env);
    const { startWatch } = await import('./compose-watch.js');
    const boundMs = flags.seconds === undefined ? undefined : flags.seconds * 1_000;
    return startWatch({ configuration, asJson: flags.json === true, boundMs, end: askForEnd });
  }, stopTimeoutMs);
}

async function testBarrier(gateId: string | undefined, flags: BarrierTestFlags): Promise<void> {
  const { gateToTest, mayMove, startBarrierTest } = await import('./compose-test-barrier.js');
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
