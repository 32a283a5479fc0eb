/** A virtual machine without disk and network, heard through its serial console. */
import { spawn } from 'node:child_process';

/** What programs in the machine tell the test stands on lines of their own, behind this mark. */
export const recordMark = '@gpio ';
const maxConsoleChars = 4 * 1024 * 1024;

/**
 * @typedef {Record<string, unknown> & { what: string }} GuestRecord
 * @typedef {{ console: string, records: GuestRecord[], timedOut: boolean }} Run
 */

/** Runs until the machine switches itself off. After `timeoutMs` it is killed.
 * @param {{ kernel: string, initramfs: string, timeoutMs: number }} options
 * @returns {Promise<Run>}
 */
export function runMachine({ kernel, initramfs, timeoutMs }) {
  return new Promise((resolve, reject) => {
    const child = spawn(
      'qemu-system-x86_64',
      [
        ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '1', '-m', '1024'],
        ...['-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
        ...['-kernel', kernel, '-initrd', initramfs],
        ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off'],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let text = '';
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ part) => {
        text = (text + part).slice(-maxConsoleChars);
      });
    }
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', () => {
      clearTimeout(timer);
      resolve({ console: text, records: recordsOf(text), timedOut });
    });
  });
}

/** @param {string} text @returns {GuestRecord[]} */
function recordsOf(text) {
  return text.split(/\r?\n/).flatMap((line) => {
    const start = line.indexOf(recordMark);
    if (start < 0) return [];
    return [/** @type {GuestRecord} */ (JSON.parse(line.slice(start + recordMark.length)))];
  });
}
