/** The commands for the store as a whole: backup, restore, verify, compact. */
import { exitCodes, ConfigurationError, reportFatal } from '@gatehouse/shared/node';
import type { Command } from 'commander';
import pc from 'picocolors';
import { backUpStore, compactStore, restoreStore, storeFile, verifyStore } from './compose-backup.js';
import type { CompactReport, RestoreReport, StoreReport } from './compose-backup.js';
import { readConfiguration } from './configuration.js';
import type { Configuration } from './configuration.js';

interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export function addStoreCommands(program: Command): void {
  const act = (work: (configuration: Configuration) => Promise<object>, inWords: (report: never) => string) =>
    runCommand(program.opts<CommonOptions>(), work, inWords);

  program
    .command('backup')
    .description('copy the store into one file, also while the aggregator runs, and verify the copy')
    .requiredOption('--to <file>', 'where the copy goes; it holds plates and is readable by you alone')
    .option('--force', 'replace a file that is there')
    .action(({ to, force = false }: { to: string; force?: boolean }) =>
      act(async (configuration) => signalled(await backUpStore(configuration, to, force)), backupText),
    );

  program
    .command('restore')
    .description('verify a backup and put it in the place of the store; the aggregator must not run')
    .requiredOption('--from <file>', 'a backup')
    .option('--accept-problems', 'restore it although it contradicts itself, if the aggregator can run with it')
    .action(({ from, acceptProblems = false }: { from: string; acceptProblems?: boolean }) =>
      act((configuration) => restoreStore(configuration, from, acceptProblems), restoreText),
    );

  program
    .command('compact')
    .description('give the room that deleted rows left in the store back to the disk; the aggregator must not run')
    .action(() => act(compactStore, compactText));

  program
    .command('verify')
    .argument('[file]', 'a backup; without it the store of the configuration, also while the aggregator runs')
    .description('say what a store or a backup holds and what is wrong with it; exit code 1 when something is')
    .action((file: string | undefined) =>
      act(async (configuration) => signalled(await verifyStore(file ?? storeFile(configuration))), verifyText),
    );
}

/** Lets the exit code say that something is wrong. */
function signalled(report: StoreReport): StoreReport {
  if (!report.sound) process.exitCode = exitCodes.failure;
  return report;
}

async function runCommand(
  options: CommonOptions,
  work: (configuration: Configuration) => Promise<object>,
  inWords: (report: never) => string,
): Promise<void> {
  try {
    const report = await work(readConfiguration(options.config, process.env));
    process.stdout.write(`${options.json === true ? JSON.stringify(report) : inWords(report as never)}\n`);
  } catch (error) {
    reportFatal(error);
    process.exitCode = error instanceof ConfigurationError ? exitCodes.configuration : exitCodes.failure;
  }
}

function backupText(report: StoreReport): string {
  if (report.sound) return [`backed up to ${report.file}, and verified`, ...summaryLines(report)].join('\n');
  const title = `backed up to ${report.file}, but the store ${pc.red('contradicts itself')}`;
  return [title, ...problemLines(report), ...summaryLines(report)].join('\n');
}

function verifyText(report: StoreReport): string {
  if (report.sound) return [`${report.file} is sound`, ...summaryLines(report)].join('\n');
  return [`${pc.red('unsound')}: ${report.file}`, ...problemLines(report)].join('\n');
}

function restoreText({ backup, store, replaced }: RestoreReport): string {
  return [
    `${store} is now the store of ${backup.file}`,
    ...problemLines(backup),
    ...summaryLines(backup),
    replaced === null ? 'There was no store before.' : `The store that was there is kept as ${replaced}.`,
    '',
    'Start the aggregator now. Edges send again what they have written since the backup and still keep. Until all entry edges',
    'of a site have reported, the site is recovering: exits open, and no free slot is given out. What people changed since the',
    'backup (layouts, vehicles, keys, edges) has to be changed again.',
  ].join('\n');
}

function compactText({ store, beforeBytes, afterBytes }: CompactReport): string {
  return `${store} takes ${megabytes(afterBytes)} now, and took ${megabytes(beforeBytes)}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function problemLines({ problems }: StoreReport): string[] {
  return problems.map((problem) => `  ${problem}`);
}

function summaryLines(report: StoreReport): string[] {
  const { sites, edges, sessionsInside, sessions, events, newestEventAtMs, waitingCommits, audit } = report;
  const newest = newestEventAtMs === null ? 'none' : new Date(newestEventAtMs).toISOString();
  const lines: (readonly [string, string])[] = [
    ['version', String(report.version)],
    ['size', megabytes(report.sizeBytes)],
    ['holds', `sites ${String(sites)}, edges ${String(edges)}, events ${String(events)}`],
    ['sessions', `${String(sessionsInside)} inside, ${String(sessions)} in all`],
    ['newest event', newest],
    ...(waitingCommits === 0
      ? []
      : [['not counted', `${String(waitingCommits)} commits that its tables are still to take over`] as const]),
    ['audit log', `${String(audit?.entries ?? 0)} entries, last hash ${audit?.lastHash ?? 'none'}`],
  ];
  return lines.map(([name, text]) => `  ${name.padEnd(13)} ${text}`);
}
