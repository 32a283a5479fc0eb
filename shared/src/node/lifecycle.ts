/** How a process starts and ends: fails with a sentence, stops on SIGTERM and SIGINT within a bounded time. */
import { ConfigurationError } from './configuration.js';

/** Exit codes, after sysexits.h: 78 for a configuration that cannot be used, 1 for anything else. */
export const exitCodes = { failure: 1, configuration: 78 } as const;

export interface Stoppable {
  /** Idempotent. */
  stop(): Promise<void>;
}

/** One Ctrl-C may arrive more than once: from the terminal and from a parent that passes it on. */
const sameSignalMs = 500;

/**
 * Runs `start`, then waits for SIGTERM or SIGINT and stops what it returned. A second signal half a second or more after the
 * first, or `stopTimeoutMs` without an end, ends the process at once with code 1.
 */
export async function runUntilSignal(start: () => Promise<Stoppable>, stopTimeoutMs: number): Promise<void> {
  let running: Stoppable;
  try {
    running = await start();
  } catch (error) {
    reportFatal(error);
    process.exit(error instanceof ConfigurationError ? exitCodes.configuration : exitCodes.failure);
  }
  await new Promise<void>((resolve) => {
    let firstSignalAtMs: number | undefined;
    const onSignal = (): void => {
      const nowMs = performance.now();
      if (firstSignalAtMs !== undefined) {
        if (nowMs - firstSignalAtMs >= sameSignalMs) process.exit(exitCodes.failure);
        return;
      }
      firstSignalAtMs = nowMs;
      const deadline = setTimeout(() => {
        process.stderr.write(`did not stop within ${String(stopTimeoutMs)} ms\n`);
        process.exit(exitCodes.failure);
      }, stopTimeoutMs);
      running
        .stop()
        .catch((error: unknown) => {
          reportFatal(error);
          process.exitCode = exitCodes.failure;
        })
        .finally(() => {
          clearTimeout(deadline);
          resolve();
        });
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

/** Tells a person why the process cannot go on, without a stack trace for what they can mend. */
export function reportFatal(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
