/** `npm run bench` as who runs it meets it. Needs the compiled programs. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot, until } from '../../src/processes/index.js';

const program = path.join(projectRoot, 'simulators/dist/main.js');

/** Where the run and everything that it starts keeps what is temporary: nobody else is there. */
let directory: string;

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, NODE_OPTIONS: '', TMPDIR: directory });

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'bench-command-'));
});
afterEach(() => {
  for (const pid of processesOf(directory)) process.kill(pid, 'SIGKILL');
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

describe('a run of the benchmarks that is ended in the middle', () => {
  it.each([
    ['SIGINT', 130, '3', 'enrols'],
    ['SIGTERM', 143, '4', 'round 1 of 3, ours'],
    ['SIGHUP', 129, '8', 'warming up'],
  ] as const)(
    'by %s leaves no process and no file behind',
    async (signal, code, figure, moment) => {
      const run = start('--only', figure, '--short');
      await until(`it says "${moment}"`, () => run.said().includes(moment));
      expect(readdirSync(directory)).not.toEqual([]);
      expect(processesOf(directory).length).toBeGreaterThan(1);
      // Whoever is impatient presses Ctrl-C more than once; and npm passes it on beside the terminal.
      const impatience = setInterval(() => run.child.kill(signal), 1);
      await until('it has ended', () => run.child.exitCode !== null || run.child.signalCode !== null);
      clearInterval(impatience);
      expect(run.child.exitCode).toBe(code);
      await until('nothing of it runs', () => processesOf(directory).length === 0);
      expect(readdirSync(directory)).toEqual([]);
    },
    90_000,
  );
});

describe('the command line of the benchmarks', () => {
  it('names each figure', () => {
    const { status, stdout } = runToItsEnd('--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(/\n +3 {2}events, one a message\n/);
    expect(stdout).toMatch(/\n +12 {2}/);
  });

  it.each([
    [['--only', '99'], 'There is no figure "99"; there are 1, 2, 3'],
    [['--only', '1,'], 'There is no figure "";'],
    [['--rounds', '0'], 'It must be a whole number, 1 or more.'],
    [['--check', '--short'], "cannot be used with option '--short'"],
  ])('refuses %j in a sentence', (args, sentence) => {
    const { status, stderr } = runToItsEnd(...args);
    expect(status).not.toBe(0);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('    at ');
  });
});

function start(...args: string[]): { child: ChildProcess; said: () => string } {
  const child = spawn(process.execPath, [program, 'bench', ...args], { env: environment(), stdio: 'pipe' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  return { child, said: () => said };
}

function runToItsEnd(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const options = { encoding: 'utf8', env: environment(), timeout: 60_000 } as const;
  return spawnSync(process.execPath, [program, 'bench', ...args], options);
}

/** Whatever has this directory for what is temporary. */
function processesOf(temporary: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${String(pid)}/environ`, 'utf8')
          .split('\0')
          .includes(`TMPDIR=${temporary}`);
      } catch {
        // It has ended, or is another user's.
        return false;
      }
    });
}
