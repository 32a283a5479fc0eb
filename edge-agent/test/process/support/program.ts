/** The compiled edge agent as a process, as a person starts it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const program = join(import.meta.dirname, '../../../dist/main.js');

export interface Run {
  readonly child: ChildProcess;
  readonly output: { text: string; errors: string };
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

export function requireProgram(): void {
  if (!existsSync(program)) throw new Error('this test runs the compiled program: npm run build');
}

/** Without standard input, and with nothing of this process's environment but the path. */
export function startProgram(directory: string, args: readonly string[]): Run {
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env.PATH },
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { text: '', errors: '' };
  child.stdout.on('data', (part: Buffer) => (output.text += part.toString()));
  child.stderr.on('data', (part: Buffer) => (output.errors += part.toString()));
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  return { child, output, ended };
}

/** Those that were not stopped by their test. */
export async function killAll(runs: Run[]): Promise<void> {
  for (const { child, ended } of runs.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
}
