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
const drivers = /** @type {const} */ (['onoff', 'character-device']);
const total = { passed: 0, failed: 0 };

const missing = await ensureSystemPackages(['qemu-system-x86', 'busybox-static', 'cpio', 'e2fsprogs']);
if (missing.length > 0) {
  process.stdout.write(`not run: GPIO — enable with, as root: ${installCommand(missing)}\n`);
} else if (process.getuid?.() !== 0) {
  process.stdout.write('not run: GPIO — enable with: sudo npm run test:gpio\n');
} else {
  await counted(runAll());
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
    // They need what is compiled, which may only be there now.
    const { startCentre } = await import('./lib/gpio/centre.mjs');
    const { runLanes } = await import('./lib/gpio/run-lanes.mjs');
    const { runPowerCuts } = await import('./lib/gpio/run-power-cuts.mjs');
    const centre = await startCentre();
    try {
      const machine = { kernel: kernel.image, initramfs, ports: centre.ports };
      await Promise.all(
        drivers.map(async (driver) => {
          await counted(runLanes({ driver, machine, centre, count }));
          await counted(runPowerCuts({ driver, machine, centre, count, folder: join(folder, driver) }));
        }),
      );
    } finally {
      await centre.stop();
    }
    say(`all machines have ended, ${seconds(Date.now() - startMs)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What throws has failed.
 * @param {Promise<void>} action
 */
async function counted(action) {
  try {
    await action;
  } catch (error) {
    count(`FAILED ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, false);
  }
}

/** @param {string} line @param {boolean} passed */
function count(line, passed) {
  say(line);
  if (passed) total.passed += 1;
  else total.failed += 1;
}
