/** Runs programs: to their end with their output kept, or in place of the script itself. */
import { spawn } from 'node:child_process';
import { root } from './project.mjs';

/**
 * @typedef {object} RunOptions
 * @property {'show' | 'errors' | 'keep'} [output] `show` passes the output through (default), `errors` only standard error;
 *   `keep` collects both.
 * @property {Record<string, string>} [environment] Variables over those of the script.
 *
 * @typedef {object} RunResult
 * @property {number} code Exit code; 128 + the signal's number for a signal, 127 when it cannot be started.
 * @property {string} output What it wrote, when `output` is `keep`.
 */

const signalNumbers = /** @type {Record<string, number>} */ ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 });

/** @type {Record<'show' | 'errors' | 'keep', import('node:child_process').StdioOptions>} */
const stdioOf = { show: 'inherit', errors: ['inherit', 'ignore', 'inherit'], keep: ['ignore', 'pipe', 'pipe'] };

/** Runs a program in the project's folder and waits for it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<RunResult>}
 */
export function run(command, args, options = {}) {
  const stdio = stdioOf[options.output ?? 'show'];
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...options.environment },
      stdio,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        output += text;
      });
    }
    child.on('error', (error) => {
      resolve({ code: 127, output: `${command}: ${error.message}` });
    });
    child.on('close', (code, signal) => {
      resolve({ code: code ?? 128 + (signalNumbers[signal ?? ''] ?? 0), output });
    });
  });
}

/** Runs a Node program in the script's place: same terminal, same process group, its exit code becomes ours.
 * @param {readonly string[]} args the program's path and its arguments
 */
export function runInPlace(args) {
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const onTerminal = process.stdin.isTTY;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      // Ctrl-C reaches the whole process group: passing it on would deliver it twice.
      if (signal === 'SIGINT' && onTerminal) return;
      child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`${args[0] ?? 'node'}: ${error.message}\n`);
    process.exitCode = 127;
  });
  child.on('close', (code, signal) => {
    process.exitCode = code ?? 128 + (signalNumbers[signal ?? ''] ?? 0);
  });
}
