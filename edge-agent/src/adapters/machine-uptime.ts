/** How long this machine has been up, as Linux tells it. */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import { messageOf } from '@gatehouse/shared/edge';
import type { Logger } from '@gatehouse/shared/edge';
import type { MachineUptime } from '../app/ports.js';

/** Undefined where the kernel does not name its boots. */
export function readMachineUptime(logger: Logger): MachineUptime | undefined {
  try {
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // Asked of the system each time, it would cost a commit some of its time. A machine that sleeps wakes up older than this says, so
    // that nobody is known again.
    const beganUpMs = uptime() * 1_000 - performance.now();
    return { bootId, upMs: () => beganUpMs + performance.now() };
  } catch (error) {
    logger.debug({ error: messageOf(error) }, 'vehicles are not known again after a restart');
    return undefined;
  }
}
