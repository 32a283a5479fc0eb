/** One of the project's programs as a process of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';

/** The folder that holds package.json; this file lies as deep in `src` as in `dist`. */
export const projectRoot = path.resolve(import.meta.dirname, '../../..');

const scripts = {
  aggregator: 'aggregator/dist/main.js',
  edge: 'edge-agent/dist/main.js',
  simulate: 'simulators/dist/main.js',
};
export type ProgramName = keyof typeof scripts;

/** Characters of its output that are remembered. */
const maxOutputChars = 200_000;

export class Running {
  output = '';
  /** null while it runs; -1 when a signal ended it. */
  exitCode: number | null = null;
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;

  /**
   * @param program one of ours, or the command of another one
   * @param nodeArguments for Node.js itself, when it is one of ours
   */
  constructor(
    program: ProgramName | { readonly command: string },
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    nodeArguments: readonly string[] = [],
  ) {
    const isOurs = typeof program === 'string';
    const command = isOurs ? process.execPath : program.command;
    const script = isOurs ? [...nodeArguments, path.join(projectRoot, scripts[program])] : [];
    this.child = spawn(command, [...script, ...args], {
      cwd: projectRoot,
      env: { ...cleanEnvironment(), ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // Whoever reads nothing may close it before we do.
    this.child.stdin?.on('error', () => undefined);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-maxOutputChars);
      });
    }
    this.exited = new Promise((resolve) => {
      this.child.on('error', (error) => {
        this.output += error.message;
        this.exitCode ??= -1;
        resolve(null);
      });
      this.child.on('exit', (code) => {
        this.exitCode = code ?? -1;
        resolve(code);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** A line on its standard input. */
  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves when it has ended. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    this.child.kill(signal);
    return this.exited;
  }
}

function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('GATEHOUSE_') && name !== 'NODE_OPTIONS',
  );
  return Object.fromEntries(kept) as Record<string, string>;
}
