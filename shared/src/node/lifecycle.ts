/** How a process starts and ends: fails with a sentence, stops on SIGTERM and SIGINT within a bounded time. */
import { constants } from 'node:os';
import { messageOf } from '../message-of.js';
import { ConfigurationError } from './configuration.js';

/** Exit codes, after sysexits.h: 78 for a configuration that cannot be used, 1 for anything else. */
export const exitCodes = { failure: 1, configuration: 78 } as const;

export type StopSignal = 'SIGTERM' | 'SIGINT';

export interface Stoppable {
  /** Idempotent. `signal`: what asks for it. */
  stop(signal?: StopSignal): Promise<void>;
  /** Where it takes longer than the caller of `runUntilSignal` knew. */
  readonly stopTimeoutMs?: number;
}

/** One Ctrl-C may arrive more than once: from the terminal and from a parent that passes it on. */
const sameSignalMs = 500;

/** A signal that comes during the start lets it come to its end for so long; then the process ends as it is. */
const startGraceMs = 1_000;

/**
 * Runs `start`, then waits for SIGTERM or SIGINT and stops what it returned. A second signal half a second or more after the
 * first, or `stopTimeoutMs` without an end, ends the process at once with code 1. A signal that comes before `start` has ended,
 * and a second more is not enough for it, ends the process with 128 and the number of the signal.
 */
export async function runUntilSignal(start: () => Promise<Stoppable>, stopTimeoutMs: number): Promise<void> {
  const signal = watchSignals();
  let running: Stoppable;
  try {
    running = await start();
  } catch (error) {
    reportFatal(error);
    process.exit(error instanceof ConfigurationError ? exitCodes.configuration : exitCodes.failure);
  }
  signal.started();
  const cause = await signal.received;
  const boundMs = running.stopTimeoutMs ?? stopTimeoutMs;
  const deadline = setTimeout(() => {
    process.stderr.write(`did not stop within ${String(boundMs)} ms\n`);
    process.exit(exitCodes.failure);
  }, boundMs);
  try {
    await running.stop(cause);
  } catch (error) {
    reportFatal(error);
    process.exitCode = exitCodes.failure;
  }
  clearTimeout(deadline);
}

/** From now on: what says that it has started is told to stop at any moment after. */
function watchSignals(): { readonly received: Promise<StopSignal>; started(): void } {
  let isStarting = true;
  let firstSignalAtMs: number | undefined;
  let receive: (signal: StopSignal) => void = () => undefined;
  const received = new Promise<StopSignal>((resolve) => {
    receive = resolve;
  });
  const onSignal = (signal: StopSignal): void => {
    const nowMs = performance.now();
    if (firstSignalAtMs !== undefined) {
      if (nowMs - firstSignalAtMs >= sameSignalMs) process.exit(exitCodes.failure);
      return;
    }
    firstSignalAtMs = nowMs;
    receive(signal);
    if (!isStarting) return;
    setTimeout(() => {
      if (isStarting) process.exit(128 + constants.signals[signal]);
    }, startGraceMs).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return {
    received,
    started() {
      isStarting = false;
    },
  };
}

/** Tells a person why the process cannot go on, without a stack trace for what they can mend. */
export function reportFatal(error: unknown): void {
  process.stderr.write(`${messageOf(error)}\n`);
}
