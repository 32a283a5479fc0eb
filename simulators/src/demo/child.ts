/** One process that is kept running: its output goes to a log, a death is told and followed by a new start, a stop is bounded. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Clock } from '@gatehouse/shared';
import { exitCodes } from '@gatehouse/shared/node';
import { createBackoff, defaultBackoff } from './backoff.js';
import type { BackoffSettings } from './backoff.js';
import { lastLines, openLog } from './log-file.js';

export interface ChildOptions {
  /** What people call it. */
  readonly name: string;
  /** Arguments of node. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logPath: string;
  readonly clock: Clock;
  readonly backoff?: BackoffSettings;
  /** A sentence about something that went wrong. */
  readonly onTrouble: (sentence: string) => void;
  /** It cannot be kept running. */
  readonly onGivenUp: (sentence: string) => void;
}

export interface Child {
  readonly name: string;
  /** undefined while it is not running. */
  readonly pid: number | undefined;
  start(): void;
  /** SIGTERM, and SIGKILL to what is still there after `timeoutMs`. Idempotent. */
  stop(timeoutMs: number): Promise<void>;
}

export function createChild(options: ChildOptions): Child {
  const { name, clock } = options;
  const backoff = createBackoff(options.backoff ?? defaultBackoff);
  let running: ChildProcess | undefined;
  let cancelRestart: () => void = () => undefined;
  let stopping = false;
  let stopped: Promise<void> | undefined;

  const start = (): void => {
    const log = openLog(options.logPath);
    // A process group of its own: a Ctrl-C at the terminal reaches the supervisor alone, which stops its children in order.
    const child = spawn(process.execPath, options.argv, {
      stdio: ['ignore', log, log],
      env: options.environment,
      detached: true,
    });
    closeSync(log);
    running = child;
    const startedAtMs = clock.monoMs();
    child.once('error', (error) => {
      options.onTrouble(`${name} could not be started: ${error.message}`);
    });
    child.once('exit', (code, signal) => {
      running = undefined;
      if (!stopping) onDeath(clock.monoMs() - startedAtMs, code, signal);
    });
  };

  const onDeath = (ranForMs: number, code: number | null, signal: NodeJS.Signals | null): void => {
    const how = signal === null ? `ended with code ${String(code)}` : `was ended by ${signal}`;
    const delayMs = code === exitCodes.configuration ? null : backoff.afterDeath(ranForMs);
    if (delayMs === null) {
      const last = lastLines(options.logPath, 5).map((line) => `    ${line}`);
      options.onGivenUp([`${name} ${how}; its last words in ${options.logPath}:`, ...last].join('\n'));
      return;
    }
    options.onTrouble(`${name} ${how}; starting it again in ${(delayMs / 1000).toFixed(1)} s (${options.logPath})`);
    cancelRestart = clock.setTimer(delayMs, start);
  };

  const stop = async (timeoutMs: number): Promise<void> => {
    stopping = true;
    cancelRestart();
    const child = running;
    if (child === undefined) return;
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    child.kill('SIGTERM');
    const cancelKill = clock.setTimer(timeoutMs, () => {
      options.onTrouble(`${name} did not stop within ${String(timeoutMs)} ms and was killed`);
      child.kill('SIGKILL');
    });
    await gone;
    cancelKill();
  };

  return {
    name,
    get pid() {
      return running?.pid;
    },
    start,
    stop(timeoutMs) {
      stopped ??= stop(timeoutMs);
      return stopped;
    },
  };
}
