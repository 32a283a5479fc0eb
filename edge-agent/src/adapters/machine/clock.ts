/** How the clock of this machine is kept: the kernel says whether, files say by whom. */
import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { ClockSeen } from '../../doctor/clock.js';

const answerTimeoutMs = 2_000;

/** What each keeper leaves while it runs or has synchronised. */
const keepers: readonly (readonly [path: string, name: string])[] = [
  ['/run/systemd/timesync/synchronized', 'systemd-timesyncd'],
  ['/run/chrony/chronyd.pid', 'chrony'],
  ['/run/ntpd.pid', 'ntpd'],
];

export async function machineClock(nowMs: number): Promise<ClockSeen> {
  const isLinux = process.platform === 'linux';
  const kernel = isLinux ? await askKernel() : undefined;
  const rtc = await textOf('/sys/class/rtc/rtc0/name');
  return {
    nowMs,
    isSynchronised: kernel?.isSynchronised ?? (await askSystemd()),
    keptBy: await keeper(),
    maxErrorMs: kernel?.maxErrorMs,
    hardwareClock: rtc ?? (isLinux && (await isThere('/sys/class/rtc')) ? null : undefined),
    counter: await textOf('/sys/devices/system/clocksource/clocksource0/current_clocksource'),
  };
}

/** STA_UNSYNC of adjtimex(2). */
const unsynchronised = 0x40;
/** More than a struct timex takes anywhere. */
const timexBytes = 256;

/** adjtimex(2) without a change needs no privilege. Undefined where it, or the package `koffi`, is not to be had. */
async function askKernel(): Promise<{ readonly isSynchronised: boolean; readonly maxErrorMs: number } | undefined> {
  try {
    const { default: koffi } = await import('koffi');
    const adjtimex = koffi.load(null).func('int adjtimex(_Inout_ uint8_t *timex)') as (timex: Buffer) => number;
    const timex = Buffer.alloc(timexBytes);
    if (adjtimex(timex) < 0) return undefined;
    // modes, then as longs: offset, freq, maxerror, esterror; then status.
    const longBytes = koffi.sizeof('long');
    const maxErrorAt = 3 * longBytes;
    const maxErrorMicroseconds =
      longBytes === 8 ? Number(timex.readBigInt64LE(maxErrorAt)) : timex.readInt32LE(maxErrorAt);
    const status = timex.readInt32LE(5 * longBytes);
    return { isSynchronised: (status & unsynchronised) === 0, maxErrorMs: maxErrorMicroseconds / 1_000 };
  } catch {
    // Asked of systemd then.
    return undefined;
  }
}

async function askSystemd(): Promise<boolean | undefined> {
  try {
    const args = ['show', '--property=NTPSynchronized', '--value'];
    const { stdout } = await promisify(execFile)('timedatectl', args, { timeout: answerTimeoutMs });
    const word = stdout.trim();
    return word === 'yes' ? true : word === 'no' ? false : undefined;
  } catch {
    // No systemd here: nothing else tells.
    return undefined;
  }
}

async function keeper(): Promise<string | undefined> {
  for (const [path, name] of keepers) if (await isThere(path)) return name;
  return undefined;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** Undefined when it cannot be read. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    return undefined;
  }
}
