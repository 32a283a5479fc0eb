import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { GpioError } from '../../../src/adapters/gpio-barrier/gpio-error.js';
import { openGpio } from '../../../src/adapters/gpio-barrier/open-gpio.js';
import type { GpioMachine, OpenGpioOptions } from '../../../src/adapters/gpio-barrier/open-gpio.js';
import { readBackConfirmMs, readBackIntervalMs } from '../../../src/adapters/gpio-barrier/sysfs/inputs.js';
import { createFakeKernel } from '../support/fake-gpio-kernel.js';
import { fakeOnoff } from '../support/fake-onoff.js';
import { createManualClock } from '../support/manual-clock.js';

const input = { what: 'inputs.arming', bcm: 17, activeLow: false, bias: 'as-is', debounceMs: 0 } as const;

describe('the way to GPIO', () => {
  let sysfsRoot: string;
  beforeEach(async () => {
    sysfsRoot = await mkdtemp(join(tmpdir(), 'gatehouse-gpio-'));
    const chip = join(sysfsRoot, 'gpiochip512');
    await mkdir(chip);
    for (const [file, text] of Object.entries({ label: 'pinctrl-bcm2711', base: '512', ngpio: '58' })) {
      await writeFile(join(chip, file), `${text}\n`);
    }
  });
  afterEach(async () => {
    await rm(sysfsRoot, { recursive: true, force: true });
  });

  const open = (options: Partial<OpenGpioOptions> = {}, machine: Partial<GpioMachine> = {}, onoff = fakeOnoff()) => {
    const kernel = createFakeKernel();
    kernel.addChip('/dev/gpiochip0', 'pinctrl-bcm2711', 58);
    return openGpio({
      ...{ driver: 'gpio', chipLabel: undefined, logger: silentLogger, clock: createManualClock() },
      machine: {
        sysfsRoot,
        loadOnoff: () => Promise.resolve(onoff.module),
        readSysfsLevel: onoff.readLevel,
        loadSystem: () => Promise.resolve(kernel.system),
        ...machine,
      },
      ...options,
    });
  };
  const missing = (name: string) => () => Promise.reject(new GpioError(`needs the npm package "${name}"`));

  it('is sysfs where the kernel has it and the package loads', async () => {
    expect((await open()).interface).toBe('sysfs');
    expect((await open()).chip).toMatchObject({ base: 512, path: join(sysfsRoot, 'gpiochip512') });
  });

  it.each<[string, Partial<OpenGpioOptions>, Partial<GpioMachine>]>([
    ['the kernel has no sysfs GPIO', {}, { sysfsRoot: '/no/such/folder' }],
    ['the package is missing', {}, { loadOnoff: missing('onoff') }],
    ['an input has to be pulled', { needsBias: true }, {}],
    ['it is asked for', { driver: 'character-device' }, {}],
  ])('is the character device when %s', async (_, options, machine) => {
    expect((await open(options, machine)).interface).toBe('character-device');
  });

  it('is the one that is asked for, or none', async () => {
    const machine = { loadOnoff: missing('onoff'), loadSystem: missing('koffi') };
    await expect(open({ driver: 'onoff' }, machine)).rejects.toThrow(/^needs the npm package "onoff"$/);
    await expect(open({ driver: 'character-device' }, machine)).rejects.toThrow(/^needs the npm package "koffi"$/);
    await expect(open({}, machine)).rejects.toThrow(
      /^neither way to GPIO works: needs the npm package "koffi"; and needs the npm package "onoff"$/,
    );
  });

  it('does not hide a mistake of the program behind the other way', async () => {
    const loadOnoff = () => Promise.reject(new TypeError('not a function'));
    await expect(open({}, { loadOnoff })).rejects.toThrow(TypeError);
  });

  it('refuses a bias through sysfs, and says what to do instead', async () => {
    const access = await open({ driver: 'onoff' });
    expect(() => access.inputs([{ ...input, bias: 'pull-up' }])).toThrow(
      /^inputs.arming.bias: sysfs cannot set it: .*gpio=17=pu into config.txt .* or set driver: character-device$/,
    );
  });

  it('gives the lines back that it had when another of the same gate is refused', async () => {
    const onoff = fakeOnoff({ [512 + 27]: 'EBUSY' });
    const access = await open({ driver: 'onoff' }, {}, onoff);
    expect(() => access.inputs([input, { ...input, bcm: 27 }])).toThrow(/BCM 27\): the line is in use/);
    expect(onoff.lines.get(512 + 17)?.unexported).toBe(true);
  });

  describe('reading back through sysfs', () => {
    const watch = async () => {
      const clock = createManualClock();
      const onoff = fakeOnoff();
      const inputs = (await open({ driver: 'onoff', clock }, {}, onoff)).inputs([input]);
      const told: string[] = [];
      inputs.watch({
        onEdge: ({ active }) => told.push(active ? 'on' : 'off'),
        onMissed: (count) => told.push(`missed ${String(count)}`),
        onProblem: ({ message }) => told.push(message),
      });
      const line = onoff.lines.get(512 + 17);
      if (line === undefined) throw new Error('not open');
      return { clock, onoff, inputs, line, told };
    };

    it('finds a missed edge within its interval and the time to be sure', async () => {
      const { clock, line, told } = await watch();
      line.level = 1;
      clock.advance(readBackIntervalMs + readBackConfirmMs - 1);
      expect(told).toEqual([]);
      clock.advance(1);
      expect(told).toEqual(['missed 1', 'on']);
      clock.advance(10 * readBackIntervalMs);
      expect(told).toHaveLength(2);
    });

    it('takes an edge for told, not missed, when its notice comes while it makes sure', async () => {
      const { clock, line, told } = await watch();
      line.level = 1;
      clock.advance(readBackIntervalMs + readBackConfirmMs - 1);
      line.watcher?.(null, 1);
      clock.advance(10 * readBackIntervalMs);
      expect(told).toEqual(['on']);
    });

    it('reads aside, so that the notice of an edge that is on its way is not taken back', async () => {
      const { clock, line } = await watch();
      const { reads } = line;
      clock.advance(3 * readBackIntervalMs);
      expect(line.reads).toBe(reads);
    });

    it('tells once that a line cannot be read, tells that it can again, and ends with its inputs', async () => {
      const { clock, inputs, line, told } = await watch();
      line.failure = 'EIO';
      clock.advance(3 * readBackIntervalMs);
      expect(told).toEqual([expect.stringMatching(/^inputs.arming \(BCM 17\): /)]);
      line.failure = undefined;
      clock.advance(3 * readBackIntervalMs);
      expect(told.slice(1)).toEqual(['off']);
      inputs.close();
      line.level = 1;
      clock.advance(10 * readBackIntervalMs);
      expect(told).toHaveLength(2);
    });
  });
});
