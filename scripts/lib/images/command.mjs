/** Programs that are waited for, with what they wrote. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const outputLimitBytes = 64 * 1024 * 1024;

/** Answers standard output. Throws with the last lines of both outputs when the program fails or takes longer than `timeoutMs`.
 * @param {readonly string[]} command program and arguments
 * @param {{ timeoutMs?: number, directory?: string }} [options]
 */
export async function ended([program = '', ...args], { timeoutMs = 300_000, directory } = {}) {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      maxBuffer: outputLimitBytes,
      timeout: timeoutMs,
      ...(directory === undefined ? {} : { cwd: directory }),
    });
    return stdout.trim();
  } catch (error) {
    const {
      code,
      signal,
      stdout = '',
      stderr = '',
    } = /** @type {{ code?: unknown, signal?: unknown, stdout?: string, stderr?: string }} */ (error);
    const how = String(signal ?? code);
    const said = lastLines(`${stdout}\n${stderr}`);
    throw new Error(`${program} ${args.join(' ')} ended with ${how}:\n${said}`, { cause: error });
  }
}

/** @param {string} text */
export function lastLines(text) {
  return text.trim().split('\n').slice(-40).join('\n');
}
