/** The programs under test, as processes of their own: when one dies, it has died. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const projectRoot = resolve(import.meta.dirname, '../../..');
const programs = { aggregator: 'aggregator/dist/main.js', edge: 'edge-agent/dist/main.js' } as const;

export interface Program {
  readonly pid: number;
  /** What it wrote last, both streams. */
  readonly output: string;
  /** Lines that held the text given at the start. */
  readonly countedLines: number;
  /** undefined while it runs; a code, or the name of a signal. */
  readonly end: string | undefined;
  /** SIGTERM, and SIGKILL when it does not go; answers how it ended. */
  stop(): Promise<string>;
}

const maxOutputChars = 1_000_000;
const stopTimeoutMs = 20_000;

/** @param countedText lines of the output that hold it are counted */
export function startProgram(name: keyof typeof programs, args: readonly string[], countedText?: string): Program {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !key.startsWith('GATEHOUSE_') && key !== 'NODE_OPTIONS'),
  );
  const child: ChildProcess = spawn(process.execPath, [resolve(projectRoot, programs[name]), ...args], {
    cwd: projectRoot,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let countedLines = 0;
  let end: string | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-maxOutputChars);
      if (countedText !== undefined) countedLines += text.split(countedText).length - 1;
    });
  }
  const ended = new Promise<string>((done) => {
    child.once('exit', (code, signal) => {
      end = signal ?? String(code);
      done(end);
    });
  });
  return {
    pid: child.pid ?? -1,
    get output() {
      return output;
    },
    get countedLines() {
      return countedLines;
    },
    get end() {
      return end;
    },
    async stop() {
      if (end !== undefined) return end;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      try {
        return await ended;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** Runs a program of the aggregator to its end; answers what it wrote. */
export async function runToEnd(
  name: keyof typeof programs,
  args: readonly string[],
): Promise<{ end: string; output: string }> {
  const program = startProgram(name, args);
  await until(`${name} ${args.join(' ')} ends`, () => program.end, 60_000);
  return { end: program.end ?? '', output: program.output };
}

/** Asks until the answer is something; a check that throws is asked again. @throws Error naming `what` after `limitMs` */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs: number,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < endMs) {
    try {
      const found = await check();
      if (found !== undefined && found !== false) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    await delay(50);
  }
  throw new Error(`${what}: not within ${String(limitMs)} ms (${last instanceof Error ? last.message : String(last)})`);
}
