/** Notices by systemd's own program `systemd-notify`, one process at a time: slower than a datagram, and it needs nothing else. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '@gatehouse/shared/edge';

export type Environment = Readonly<Record<string, string | undefined>>;

const programTimeoutMs = 5_000;

export interface ProgramNotices {
  /** What is told while the program runs goes together, in one further run. */
  tell(text: string): void;
}

/** @throws Error when there is no such program. @param onResult is told how each run went: why a notice did not get through */
export async function openProgramNotices(
  onResult: (problem: string | undefined) => void,
  environment: Environment,
): Promise<ProgramNotices> {
  const run = (args: readonly string[]) =>
    promisify(execFile)('systemd-notify', args, { env: { ...environment }, timeout: programTimeoutMs });
  await run(['--version']);
  /** By variable, so that it is bounded. */
  const waiting = new Map<string, string>();
  let isRunning = false;
  const drain = async (): Promise<void> => {
    isRunning = true;
    while (waiting.size > 0) {
      const lines = [...waiting.values()];
      waiting.clear();
      try {
        await run(lines);
        onResult(undefined);
      } catch (error) {
        onResult(messageOf(error));
      }
    }
    isRunning = false;
  };
  return {
    tell(text) {
      for (const line of text.split('\n')) waiting.set(line.split('=')[0] ?? '', line);
      if (!isRunning) void drain();
    },
  };
}
