/** The command line of the aggregator. */
import { resolve } from 'node:path';
import type { AuditVerification } from '@gatehouse/shared';
import { exitCodes, ConfigurationError, reportFatal, runUntilSignal, sha256 } from '@gatehouse/shared/node';
import { Command } from 'commander';
import pc from 'picocolors';
import { openAuditReader } from './adapters/store/sqlite/audit-reader.js';
import { verifyAudit } from './app/operations/audit.js';
import { startAggregator, version } from './compose.js';
import type { RunningAggregator } from './compose.js';
import { addStoreCommands } from './compose-store-commands.js';
import { configurationVariables, readConfiguration, unknownVariables } from './configuration.js';
import type { Configuration } from './configuration.js';

const stopTimeoutMs = 5_000;

interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
}

const program = new Command('aggregator')
  .description('Assigns slots, stores sessions, talks to the edge agents and serves the API.')
  .version(version)
  .option('--config <file>', 'YAML or JSON file with the configuration')
  .option('--check', 'validate the configuration, say what it is, and exit')
  .option('--json', 'report as JSON')
  .showHelpAfterError('(--help lists commands and options)')
  .addHelpText('after', `\nVariables, over the file:\n${variablesHelp()}`)
  .action(async (options: CommonOptions & { readonly check?: boolean }) => {
    if (options.check === true) check(options);
    else await start(options);
  });

program
  .command('start', { hidden: true })
  .description('the same as no command')
  .action(async () => {
    await start(program.opts<CommonOptions>());
  });

const audit = program.command('audit').description('checks the audit log');
audit
  .command('verify')
  .description(
    'follow the chain of hashes in the data directory (of --config FILE, or GATEHOUSE_DATA_DIR), also while the aggregator runs',
  )
  .action(async () => {
    await verify(program.opts<CommonOptions>());
  });

addStoreCommands(program);

await program.parseAsync();

async function start(options: CommonOptions): Promise<void> {
  await runUntilSignal(async () => {
    const configuration = readConfiguration(options.config, process.env);
    const running = await startAggregator(configuration);
    process.stdout.write(options.json === true ? `${JSON.stringify(report(running))}\n` : banner(running));
    return running;
  }, stopTimeoutMs);
}

function check(options: CommonOptions): void {
  const configuration = readOrExit(options.config);
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ valid: true, configuration: redacted(configuration) }, null, 2)}\n`);
    return;
  }
  process.stdout.write('the configuration is valid\n');
  for (const name of unknownVariables(process.env)) {
    process.stdout.write(`note: ${name} is not a variable of the aggregator\n`);
  }
}

async function verify(options: CommonOptions): Promise<void> {
  const directory = resolve(readOrExit(options.config).dataDir);
  try {
    const reader = await openAuditReader(directory);
    const result = await verifyAudit(reader, sha256).finally(() => reader.close());
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify(result)}\n`
        : result.intact
          ? `intact: ${String(result.entries)} entries${agedText(result)}, last hash ${result.lastHash ?? 'none'}\n`
          : `${pc.red('broken')}: ${result.problem ?? ''}\n`,
    );
    if (!result.intact) process.exitCode = exitCodes.failure;
  } catch (error) {
    reportFatal(error);
    process.exitCode = exitCodes.failure;
  }
}

function agedText({ removedUpTo }: AuditVerification): string {
  return removedUpTo === null ? '' : ` after the first ${String(removedUpTo)}, which went for their age`;
}

function readOrExit(file: string | undefined): Configuration {
  try {
    return readConfiguration(file, process.env);
  } catch (error) {
    reportFatal(error);
    process.exit(error instanceof ConfigurationError ? exitCodes.configuration : exitCodes.failure);
  }
}

function redacted(configuration: Configuration): unknown {
  return JSON.parse(JSON.stringify(configuration), (key, value: unknown) =>
    (key === 'adminKey' || key === 'password') && value !== null ? '(set)' : value,
  );
}

function report(running: RunningAggregator) {
  const { httpUrl, mqttUrl, dataDir, adminKey } = running;
  const adminKeyFile = adminKey.from === 'file' ? adminKey.file : null;
  return { version, pid: process.pid, httpUrl, mqttUrl, dataDir, adminKeyFile };
}

function banner({ httpUrl, mqttUrl, dataDir, adminKey }: RunningAggregator): string {
  const lines: (readonly [string, string])[] = [
    ['API', `${httpUrl}/docs`],
    ['Occupancy', `${httpUrl}/api/v1/occupancy`],
    ['Metrics', `${httpUrl}/metrics`],
    ['Broker', mqttUrl ?? 'elsewhere, by configuration'],
    ['Data', dataDir],
    ['Admin key', adminKeyText(adminKey)],
  ];
  return `\n${pc.bold(`Gatehouse aggregator ${version}`)}\n${lines.map(([name, text]) => `  ${name.padEnd(10)} ${text}\n`).join('')}\n`;
}

function adminKeyText(adminKey: RunningAggregator['adminKey']): string {
  switch (adminKey.from) {
    case 'configuration':
      return 'as configured';
    case 'file':
      return `${adminKey.file}${adminKey.isNew ? ' (new: keep it safe)' : ''}`;
    case 'elsewhere':
      return 'as it was given out; other admin keys work too';
  }
}

function variablesHelp(): string {
  return Object.entries(configurationVariables)
    .map(([name, key]) => `  ${name.padEnd(32)} ${key}\n`)
    .join('');
}
