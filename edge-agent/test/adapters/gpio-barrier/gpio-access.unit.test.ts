import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { createMemoryChip } from '../../../src/adapters/gpio-barrier/memory-chip.js';
import { openGpio } from '../../../src/adapters/gpio-barrier/open-gpio.js';
import { readBackConfirmMs, readBackIntervalMs } from '../../../src/adapters/gpio-barrier/sysfs/inputs.js';
import { describeGpioAccess } from '../../conformance/gpio-access.js';
import type { ChipBench } from '../../conformance/gpio-access.js';
import { createFakeKernel } from '../support/fake-gpio-kernel.js';
import { fakeOnoff } from '../support/fake-onoff.js';
import { createManualClock } from '../support/manual-clock.js';

const base = 512;

describeGpioAccess('in memory', () => {
  const chip = createMemoryChip();
  const bench: ChipBench = {
    ...chip,
    open: () => Promise.resolve(chip.open()),
    settle: chip.findMissed,
    occupy: (bcm) => {
      chip.occupy(bcm, 'other-device');
    },
    breakLine: (bcm) => {
      chip.fail(bcm, 'EIO');
    },
    dispose: () => Promise.resolve(),
  };
  return Promise.resolve(bench);
});

describeGpioAccess('sysfs', async () => {
  const sysfsRoot = await mkdtemp(join(tmpdir(), 'gatehouse-gpio-'));
  const folder = join(sysfsRoot, `gpiochip${String(base)}`);
  await mkdir(folder);
  for (const [file, text] of Object.entries({ label: 'pinctrl-bcm2711', base, ngpio: 58 })) {
    await writeFile(join(folder, file), `${String(text)}\n`);
  }
  const onoff = fakeOnoff();
  const clock = createManualClock();
  const world = new Map<number, boolean>();
  const isLow = (bcm: number) => onoff.lines.get(base + bcm)?.made.includes('activeLow') ?? false;
  const levelOf = (bcm: number) => ((world.get(bcm) ?? false) !== isLow(bcm) ? 1 : 0);
  const lineOf = (bcm: number) => {
    const line = onoff.lines.get(base + bcm);
    if (line === undefined) throw new Error(`line ${String(bcm)} is not open`);
    return line;
  };
  const open = async () => {
    const machine = { sysfsRoot, loadOnoff: () => Promise.resolve(onoff.module), readSysfsLevel: onoff.readLevel };
    const access = await openGpio({ driver: 'onoff', chipLabel: undefined, logger: silentLogger, clock, machine });
    const inputs: typeof access.inputs = (wanted) => {
      const opened = access.inputs(wanted);
      for (const { bcm } of wanted) lineOf(bcm).level = levelOf(bcm);
      return opened;
    };
    return { ...access, inputs };
  };
  return {
    open,
    drive(bcm, high) {
      world.set(bcm, high);
      onoff.set(base + bcm, levelOf(bcm));
    },
    driveUnseen(bcm, high) {
      world.set(bcm, high);
      lineOf(bcm).level = levelOf(bcm);
    },
    settle() {
      clock.advance(2 * readBackIntervalMs + readBackConfirmMs);
    },
    isHigh: (bcm) => (lineOf(bcm).level === 1) !== isLow(bcm),
    occupy: (bcm) => onoff.refused.set(base + bcm, 'EBUSY'),
    breakLine(bcm) {
      lineOf(bcm).failure = 'EIO';
    },
    dispose: () => rm(sysfsRoot, { recursive: true, force: true }),
  };
});

describeGpioAccess('the character device', () => {
  const kernel = createFakeKernel();
  kernel.addChip('/dev/gpiochip0', 'pinctrl-bcm2711', 58);
  const machine = { loadSystem: () => Promise.resolve(kernel.system) };
  const options = { driver: 'character-device', chipLabel: undefined, logger: silentLogger, machine } as const;
  const bench: ChipBench = {
    open: () => openGpio(options),
    drive: kernel.drive,
    driveUnseen(bcm, high) {
      // More than the kernel keeps, while nobody reads.
      kernel.busy(() => {
        for (let time = 0; time < 600; time += 1) kernel.drive(bcm, (time % 2 === 0) !== high);
        kernel.drive(bcm, high);
      });
    },
    settle: () => undefined,
    isHigh: (bcm) => kernel.line(bcm).high,
    occupy(bcm) {
      kernel.line(bcm).consumer = 'other-device';
    },
    breakLine(bcm) {
      kernel.line(bcm).failure = 'EIO';
    },
    dispose: () => Promise.resolve(),
  };
  return Promise.resolve(bench);
});
