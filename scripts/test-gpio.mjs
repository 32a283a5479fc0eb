/**
 * `npm run test:gpio`: boots Debian's kernel in a virtual machine with a simulated GPIO chip, runs the compiled edge agent in it on its
 * real driver, and sends a vehicle through by moving the chip's lines. As root on Debian; installs what it needs through apt. The last
 * line is `N passed, N failed`.
 *
 * Kernel and modules stay in /var/tmp/gatehouse-gpio (GATEHOUSE_GPIO_CACHE), so that a second run takes less time; the folder may be
 * deleted at any time.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checks } from './lib/gpio/checks.mjs';
import { makeInitramfs } from './lib/gpio/initramfs.mjs';
import { ensureKernel } from './lib/gpio/kernel.mjs';
import { runMachine } from './lib/gpio/machine.mjs';
import { lastLines } from './lib/images/command.mjs';
import { say, seconds } from './lib/project.mjs';
import { ensureSystemPackages, installCommand } from './lib/system-packages.mjs';

const cache = process.env['GATEHOUSE_GPIO_CACHE'] ?? '/var/tmp/gatehouse-gpio';
const machineTimeoutMs = 10 * 60_000;
const total = { passed: 0, failed: 0 };

const missing = await ensureSystemPackages(['qemu-system-x86', 'busybox-static', 'cpio']);
if (missing.length > 0) {
  process.stdout.write(`not run: GPIO — enable with, as root: ${installCommand(missing)}\n`);
} else if (process.getuid?.() !== 0) {
  process.stdout.write('not run: GPIO — enable with: sudo npm run test:gpio\n');
} else {
  await runAll();
}
process.stdout.write(`${String(total.passed)} passed, ${String(total.failed)} failed\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function runAll() {
  try {
    judge(await runInMachine());
  } catch (error) {
    total.failed += 1;
    say(`FAILED ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

async function runInMachine() {
  const startMs = Date.now();
  mkdirSync(cache, { recursive: true });
  const kernel = await ensureKernel(cache);
  const folder = mkdtempSync(join(cache, 'machine-'));
  try {
    const initramfs = join(folder, 'initramfs.cpio');
    await makeInitramfs({ work: join(folder, 'files'), archive: initramfs, modules: kernel.modules });
    say(`Linux ${kernel.release} and its file system are ready, ${seconds(Date.now() - startMs)}`);
    const bootMs = Date.now();
    const run = await runMachine({ kernel: kernel.image, initramfs, timeoutMs: machineTimeoutMs });
    say(`the machine ran for ${seconds(Date.now() - bootMs)}`);
    return run;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {import('./lib/gpio/machine.mjs').Run} run */
function judge(run) {
  for (const { name, holds } of checks) {
    try {
      const detail = holds(run) ?? '';
      total.passed += 1;
      say(`ok     ${name}${detail === '' ? '' : ` (${detail})`}`);
    } catch (error) {
      total.failed += 1;
      say(`FAILED ${name}\n${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (total.failed > 0) say(`The end of the machine's console:\n${lastLines(run.console)}`);
}
