/** How the clock of this machine is kept, where systemd or the kernel tells. */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { ClockSeen } from '../../doctor/clock.js';

const answerTimeoutMs = 2_000;

export async function machineClock(nowMs: number): Promise<ClockSeen> {
  const hasHardwareClock = process.platform === 'linux' ? await isThere('/dev/rtc0') : undefined;
  return { nowMs, isSynchronised: await isSynchronised(), hasHardwareClock };
}

async function isSynchronised(): Promise<boolean | undefined> {
  if (await isThere('/run/systemd/timesync/synchronized')) return true;
  try {
    const args = ['show', '--property=NTPSynchronized', '--value'];
    const { stdout } = await promisify(execFile)('timedatectl', args, { timeout: answerTimeoutMs });
    const word = stdout.trim();
    return word === 'yes' ? true : word === 'no' ? false : undefined;
  } catch {
    // No systemd here: nothing else tells without a privilege.
    return undefined;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
