/** A virtual machine, heard through its serial console. It can reach the aggregator on this machine and nothing else. */
import { spawn } from 'node:child_process';

/** What programs in the machine tell the test stands on lines of their own, behind this mark. */
const recordMark = '@gpio ';
const maxConsoleChars = 4 * 1024 * 1024;

/**
 * @typedef {Record<string, unknown> & { what: string }} GuestRecord
 * @typedef {{ console: string, records: GuestRecord[], timedOut: boolean }} Run
 *
 * @typedef {object} MachineOptions
 * @property {string} kernel
 * @property {string} initramfs
 * @property {number} timeoutMs After it the machine is killed.
 * @property {Record<string, unknown>} guest What the program in the machine is to do.
 * @property {{ mqtt: number, http: number }} ports Of the aggregator.
 * @property {readonly string[]} [disk] QEMU's options for a disk.
 * @property {((record: GuestRecord, cutPower: () => void) => void) | undefined} [onRecord]
 */

/** Runs until the machine switches itself off, or its power is cut.
 * @param {MachineOptions} options
 * @returns {Promise<Run>}
 */
export function runMachine({ kernel, initramfs, timeoutMs, guest, ports, disk = [], onRecord }) {
  return new Promise((resolve, reject) => {
    const wanted = Buffer.from(JSON.stringify(guest)).toString('base64url');
    const child = spawn(
      'qemu-system-x86_64',
      [
        ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '1', '-m', '768'],
        ...['-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
        ...['-kernel', kernel, '-initrd', initramfs],
        ...['-append', `console=ttyS0 quiet panic=-1 mitigations=off guest=${wanted}`],
        ...['-netdev', `user,id=n0,restrict=on,${forward(1883, ports.mqtt)},${forward(8000, ports.http)}`],
        ...['-device', 'e1000,netdev=n0,romfile='],
        ...disk,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const cutPower = () => {
      child.kill('SIGKILL');
    };
    const heard = createHearing((record) => onRecord?.(record, cutPower));
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', heard.hear);
    const timer = setTimeout(() => {
      timedOut = true;
      cutPower();
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', () => {
      clearTimeout(timer);
      resolve({ console: heard.text(), records: heard.records, timedOut });
    });
  });
}

/** Each connection of the machine gets one of its own here; QEMU would open a plain forward once, at its start.
 * @param {number} port where the machine finds it
 * @param {number} hostPort
 */
function forward(port, hostPort) {
  return `guestfwd=tcp:10.0.2.100:${String(port)}-cmd:busybox nc 127.0.0.1 ${String(hostPort)}`;
}

/** @param {(record: GuestRecord) => void} onRecord */
function createHearing(onRecord) {
  let text = '';
  let rest = '';
  /** @type {GuestRecord[]} */
  const records = [];
  return {
    records,
    text: () => text,
    hear(/** @type {string} */ part) {
      text = (text + part).slice(-maxConsoleChars);
      const lines = (rest + part).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const start = line.indexOf(recordMark);
        if (start < 0) continue;
        const record = /** @type {GuestRecord} */ (JSON.parse(line.slice(start + recordMark.length)));
        records.push(record);
        onRecord(record);
      }
    },
  };
}
