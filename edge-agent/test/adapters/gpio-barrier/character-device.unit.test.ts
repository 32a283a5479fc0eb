import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { silentLogger } from '@gatehouse/shared';
import { gpioBiases } from '../../../src/adapters/gpio-barrier/access.js';
import type { GpioAccess, GpioEdge, GpioInputOptions } from '../../../src/adapters/gpio-barrier/access.js';
import { maxEdgeAgeMs } from '../../../src/adapters/gpio-barrier/character-device/inputs.js';
import { openGpio } from '../../../src/adapters/gpio-barrier/open-gpio.js';
import { createFakeKernel } from '../support/fake-gpio-kernel.js';
import type { FakeKernel } from '../support/fake-gpio-kernel.js';

const label = 'pinctrl-bcm2711';
const input = (bcm: number, more: Partial<GpioInputOptions> = {}): GpioInputOptions => ({
  ...{ what: `inputs.line-${String(bcm)}`, bcm, activeLow: false, bias: 'as-is', debounceMs: 0 },
  ...more,
});

function withChip(): FakeKernel {
  const kernel = createFakeKernel();
  kernel.addChip('/dev/gpiochip0', label, 58);
  return kernel;
}

function open(kernel: FakeKernel, chipLabel?: string): Promise<GpioAccess> {
  const machine = { loadSystem: () => Promise.resolve(kernel.system) };
  return openGpio({ driver: 'character-device', chipLabel, logger: silentLogger, machine });
}

async function problem(kernel: FakeKernel, chipLabel?: string, use: (access: GpioAccess) => unknown = () => undefined) {
  try {
    const access = await open(kernel, chipLabel);
    use(access);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it went well');
}

describe('the chips that the character device shows', () => {
  it('takes that of a Raspberry Pi 5, of an older one, the named one, or the only one', async () => {
    const kernel = createFakeKernel();
    kernel.addChip('/dev/gpiochip0', 'some-expander', 8);
    expect((await open(kernel)).chip).toMatchObject({ label: 'some-expander', path: '/dev/gpiochip0', lines: 8 });
    kernel.addChip('/dev/gpiochip1', 'pinctrl-bcm2711', 58);
    expect((await open(kernel)).chip.path).toBe('/dev/gpiochip1');
    kernel.addChip('/dev/gpiochip2', 'pinctrl-rp1', 54);
    expect((await open(kernel)).chip.path).toBe('/dev/gpiochip2');
    expect((await open(kernel, 'some-expander')).chip.path).toBe('/dev/gpiochip0');
  });

  it('takes a chip with two device names once, and leaves no other file open', async () => {
    const kernel = createFakeKernel();
    kernel.addChip('/dev/gpiochip0', 'a-board', 54);
    kernel.addChip('/dev/gpiochip4', 'a-board', 54, 'gpiochip0');
    const access = await open(kernel);
    expect(access.chip.path).toBe('/dev/gpiochip0');
    expect(kernel.openFiles).toBe(1);
    access.close();
    expect(kernel.openFiles).toBe(0);
  });

  it('says what to do when there is none, no such one, or no telling which', async () => {
    const kernel = createFakeKernel();
    expect(await problem(kernel)).toMatch(/no \/dev\/gpiochip0: this kernel has no GPIO character device/);
    kernel.addChip('/dev/gpiochip0', 'one', 32);
    kernel.addChip('/dev/gpiochip1', 'two', 32);
    expect(await problem(kernel)).toMatch(
      /several GPIO chips and none of a Raspberry Pi: set chipLabel to one of one, two/,
    );
    expect(await problem(kernel, 'three')).toMatch(/no GPIO chip is labelled three; there are one, two/);
    expect(kernel.openFiles).toBe(0);
  });

  it('says who may use the device when this user may not, unless the wanted chip is another', async () => {
    const kernel = withChip();
    kernel.refused.set('/dev/gpiochip0', 'EACCES');
    expect(await problem(kernel)).toMatch(/^\/dev\/gpiochip0: no permission; add the user .* to the group "gpio"/);
    kernel.addChip('/dev/gpiochip1', 'expander', 8);
    expect(await problem(kernel, label)).toMatch(/^\/dev\/gpiochip0: no permission/);
    expect((await open(kernel, 'expander')).chip.label).toBe('expander');
  });

  it('says which kernel it takes when version 2 of the interface is not there', async () => {
    const kernel = withChip();
    kernel.failing.set(0xc100b405, 'EINVAL');
    expect(await problem(kernel)).toMatch(
      /version 2 of the GPIO character device: use Linux 5.10 or newer, or set driver: onoff/,
    );
    expect(kernel.openFiles).toBe(0);
  });
});

describe('lines through the character device', () => {
  it('asks the kernel for what is wanted of each input, and under its own name', async () => {
    const wanted = fc.uniqueArray(
      fc.record({
        bcm: fc.integer({ min: 0, max: 57 }),
        activeLow: fc.boolean(),
        bias: fc.constantFrom(...gpioBiases),
        debounceMs: fc
          .constantFrom(0, 1, 20, 30, 200, 5_000)
          .chain((ms) => fc.constantFrom(ms, Math.min(5_000, ms + 7))),
      }),
      { minLength: 1, maxLength: 9, selector: ({ bcm }) => bcm },
    );
    await fc.assert(
      fc.asyncProperty(wanted, async (settings) => {
        const kernel = withChip();
        const access = await open(kernel);
        const inputs = access.inputs(settings.map((one) => input(one.bcm, one)));
        const told: GpioEdge[] = [];
        inputs.watch({ onEdge: (edge) => told.push(edge), onMissed: () => undefined, onProblem: () => undefined });
        for (const { bcm, activeLow, bias, debounceMs } of settings) {
          const line = kernel.line(bcm);
          expect([line.consumer, line.bias, line.debounceUs]).toEqual(['gatehouse', bias, debounceMs * 1_000]);
          expect(inputs.read(bcm)).toBe(activeLow);
          kernel.drive(bcm, true);
          expect(told.at(-1)).toMatchObject({ bcm, active: !activeLow });
        }
        access.close();
        expect(kernel.openFiles).toBe(0);
        expect(settings.every(({ bcm }) => kernel.line(bcm).consumer === undefined)).toBe(true);
      }),
    );
  });

  it('asks twice where inputs differ in more ways than one request can say', async () => {
    const kernel = withChip();
    const access = await open(kernel);
    const wanted = gpioBiases.flatMap((bias, index) =>
      [false, true].map((activeLow, low) =>
        input(2 * index + low, { bias, activeLow, debounceMs: 10 + 2 * index + low }),
      ),
    );
    const inputs = access.inputs(wanted);
    expect(kernel.openFiles).toBe(3);
    const told: number[] = [];
    inputs.watch({ onEdge: ({ bcm }) => told.push(bcm), onMissed: () => undefined, onProblem: () => undefined });
    const debounced = wanted.map(({ bcm }) => kernel.line(bcm).debounceUs);
    for (const { bcm } of wanted) kernel.drive(bcm, true);
    access.close();
    expect(kernel.openFiles).toBe(0);
    expect(told).toEqual(wanted.map(({ bcm }) => bcm));
    expect(debounced).toEqual(wanted.map(({ debounceMs }) => debounceMs * 1_000));
  });

  it('keeps none of two requests when the second one is refused', async () => {
    const kernel = withChip();
    const access = await open(kernel);
    const wanted = Array.from({ length: 11 }, (_, bcm) => input(bcm, { debounceMs: 10 + bcm }));
    kernel.line(10).consumer = 'other-device';
    expect(() => access.inputs(wanted)).toThrow(/BCM 10\): the line is in use/);
    expect([kernel.openFiles, kernel.line(0).consumer]).toEqual([1, undefined]);
  });

  it('says how long ago the kernel saw an edge: never in the future, never longer than a minute', async () => {
    const kernel = withChip();
    const inputs = (await open(kernel)).inputs([input(17)]);
    const ages: number[] = [];
    inputs.watch({ onEdge: ({ ageMs }) => ages.push(ageMs), onMissed: () => undefined, onProblem: () => undefined });
    const laterMs = (ms: number) => {
      kernel.busy(() => {
        kernel.drive(17, !kernel.line(17).high);
        kernel.nowNs += BigInt(ms) * 1_000_000n;
      });
    };
    for (const ms of [0, 250, -5, maxEdgeAgeMs, maxEdgeAgeMs + 1]) laterMs(ms);
    expect(ages).toEqual([0, 250, 0, maxEdgeAgeMs, maxEdgeAgeMs]);
  });

  it('tells none missed as long as the kernel keeps them all, and how many once it does not', async () => {
    const kernel = withChip();
    const inputs = (await open(kernel)).inputs([input(17), input(27)]);
    const told: string[] = [];
    inputs.watch({
      onEdge: ({ bcm, active }) => told.push(`${String(bcm)}${active ? '+' : '-'}`),
      onMissed: (count) => told.push(`missed ${String(count)}`),
      onProblem: () => undefined,
    });
    const toggle = (times: number) => {
      kernel.busy(() => {
        for (let time = 0; time < times; time += 1) kernel.drive(17, !kernel.line(17).high);
      });
    };
    toggle(512);
    expect(told.filter((one) => one.startsWith('missed'))).toEqual([]);
    expect(told).toHaveLength(512);
    told.length = 0;
    kernel.busy(() => {
      kernel.drive(27, true);
      toggle(514);
    });
    expect(told.filter((one) => one.startsWith('missed'))).toEqual(['missed 3']);
    // The rise of line 27 was dropped; reading back told it.
    expect(told.filter((one) => one === '27+')).toHaveLength(1);
  });

  it.each([
    ['other-device', /^outputs[.]open \(BCM 12\): the line is in use by “other-device”; free it or use another$/],
    ['sysfs', /^outputs[.]open \(BCM 12\): the line is in use through sysfs, .*unexport, or restart the machine$/],
    ['', /^outputs[.]open \(BCM 12\): the line is in use by another driver or program; free it or use another$/],
  ])('names who has a line that is in use: %p', async (consumer, message) => {
    const kernel = withChip();
    kernel.line(12).consumer = consumer;
    const use = (access: GpioAccess) =>
      access.output({ what: 'outputs.open', bcm: 12, activeLow: false, initial: false });
    expect(await problem(kernel, undefined, use)).toMatch(message);
  });

  it.each([
    ['ENXIO', /^inputs[.]line-17, inputs[.]line-27 \(BCM 17, 27\): .* no interrupt; use another$/],
    ['EINVAL', /^inputs[.]line-17, inputs[.]line-27 \(BCM 17, 27\): the kernel gives no such line/],
    ['EPERM', /no permission; add the user/],
    ['EWEIRD', /EWEIRD: not so$/],
  ])('says what to do about %s', async (code, message) => {
    const kernel = withChip();
    kernel.line(27).failure = code;
    expect(await problem(kernel, undefined, (access) => access.inputs([input(17), input(27)]))).toMatch(message);
    expect(kernel.line(17).consumer).toBeUndefined();
  });

  it('says that inputs are silent when the chip is gone', async () => {
    const kernel = withChip();
    const inputs = (await open(kernel)).inputs([input(17), input(27)]);
    const problems: string[] = [];
    inputs.watch({
      onEdge: () => undefined,
      onMissed: () => undefined,
      onProblem: ({ message }, bcms) => problems.push(`${bcms.join()} ${message}`),
    });
    kernel.unplug();
    // Nobody asks again what would never answer.
    kernel.unplug();
    expect(problems).toEqual([expect.stringMatching(/^17,27 .*the chip is gone; see the kernel log/)]);
  });
});
