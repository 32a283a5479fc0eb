/**
 * `npm run test:gpio`: boots Debian's kernel in a virtual machine with a simulated GPIO chip, runs the compiled edge agent in it on its
 * real drivers against an aggregator outside, and sends vehicles through by moving the chip's lines. As root on Debian; installs what
 * it needs through apt. The last line is `N passed, N failed`.
 *
 * Kernel and modules stay in /var/tmp/gatehouse-gpio (GATEHOUSE_GPIO_CACHE), so that a second run takes less time; the folder may be
 * deleted at any time.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeInitramfs } from './lib/gpio/initramfs.mjs';
import { ensureKernel } from './lib/gpio/kernel.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { say, seconds } from './lib/project.mjs';
import { ensureSystemPackages, installCommand } from './lib/system-packages.mjs';

const cache = process.env['GATEHOUSE_GPIO_CACHE'] ?? '/var/tmp/gatehouse-gpio';
const total = { passed: 0, failed: 0 };

const missing = await ensureSystemPackages(['qemu-system-x86', 'busybox-static', 'cpio', 'e2fsprogs']);
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
  const startMs = Date.now();
  await ensureInstalled();
  await ensureBuilt();
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'machine-'));
  try {
    const kernel = await ensureKernel(cache);
    const initramfs = join(folder, 'initramfs.cpio');
    await makeInitramfs({ work: join(folder, 'files'), archive: initramfs, modules: kernel.modules });
    say(`Linux ${kernel.release} and its file system are ready, ${seconds(Date.now() - startMs)}`);
    // They are made of compiled code, which may only be there now.
    const { startCentre } = await import('./lib/gpio/centre.mjs');
    const { runLanes } = await import('./lib/gpio/run-lanes.mjs');
    const centre = await startCentre();
    try {
      const machine = { kernel: kernel.image, initramfs, ports: centre.ports };
      await runLanes({ driver: 'onoff', machine, centre, count });
    } finally {
      await centre.stop();
    }
  } catch (error) {
    count(`FAILED ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} line @param {boolean} passed */
function count(line, passed) {
  say(line);
  if (passed) total.passed += 1;
  else total.failed += 1;
}
