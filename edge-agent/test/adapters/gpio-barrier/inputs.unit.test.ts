import { afterEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@gatehouse/shared';
import type { Logger } from '@gatehouse/shared';
import type { GpioAccess } from '../../../src/adapters/gpio-barrier/access.js';
import { createGpioBarrier, openGpio } from '../../../src/adapters/gpio-barrier/index.js';
import { createMemoryChip } from '../../../src/adapters/gpio-barrier/memory-chip.js';
import { missedEdgeQuietMs } from '../../../src/adapters/gpio-barrier/missed-edges.js';
import { gpioBarrierSettingsSchema } from '../../../src/adapters/gpio-barrier/settings.js';
import type { BarrierDriver } from '../../../src/app/ports.js';
import { createFakeKernel } from '../support/fake-gpio-kernel.js';
import { createManualClock } from '../support/manual-clock.js';

const [arming, safety, open, red] = [17, 27, 12, 20];
const wiring = {
  inputs: { arming: { bcm: arming, debounceMs: 30 }, safety: { bcm: safety, debounceMs: 30 } },
  outputs: { open: { bcm: open, mode: 'pulse' }, red: { bcm: red } },
};

describe('the inputs of a barrier', () => {
  let driver: BarrierDriver | undefined;
  afterEach(async () => {
    await driver?.stop();
    driver = undefined;
  });

  const start = async (openAccess: () => Promise<GpioAccess>, settings: object = wiring) => {
    const clock = createManualClock();
    const seen: string[] = [];
    const warnings: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (fields) => warnings.push(fields) };
    let missed = 0;
    driver = createGpioBarrier({
      driver: 'gpio',
      settings: gpioBarrierSettingsSchema.parse(settings),
      clock,
      logger,
      open: openAccess,
      onMissedEdges(count) {
        missed += count;
      },
    });
    const levels = await driver.start({
      onInput: ({ input, active, monoMs }) => seen.push(`${input}${active ? '+' : '-'}@${String(monoMs)}`),
      onTrouble: (detail) => seen.push(`trouble ${detail}`),
      onTroubleOver: () => seen.push('over'),
    });
    return { clock, seen, warnings, levels, driver, missed: () => missed };
  };
  const startOnKernel = async (settings: object = wiring) => {
    const kernel = createFakeKernel();
    kernel.addChip('/dev/gpiochip0', 'pinctrl-bcm2711', 58);
    const machine = { loadSystem: () => Promise.resolve(kernel.system) };
    const options = { driver: 'character-device', chipLabel: undefined, logger: silentLogger, machine } as const;
    return { kernel, ...(await start(() => openGpio(options), settings)) };
  };
  const startOnChip = async (settings: object = wiring) => {
    const chip = createMemoryChip();
    return { chip, ...(await start(() => Promise.resolve(chip.open()), settings)) };
  };

  it('lets the kernel debounce, but has safety inputs raw and reports their first edge', async () => {
    const { kernel, clock, seen } = await startOnKernel();
    expect([kernel.line(arming).debounceUs, kernel.line(safety).debounceUs]).toEqual([30_000, 0]);
    kernel.drive(arming, true);
    kernel.drive(safety, true);
    expect(seen).toEqual(['arming+@0', 'safety+@0']);
    kernel.drive(safety, false);
    clock.advance(29);
    kernel.drive(safety, true);
    kernel.drive(safety, false);
    clock.advance(29);
    expect(seen).toHaveLength(2);
    clock.advance(1);
    expect(seen.at(-1)).toBe('safety-@59');
  });

  it('debounces by itself where the kernel does not', async () => {
    const { chip, clock, seen } = await startOnChip();
    chip.drive(arming, true);
    clock.advance(29);
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual(['arming+@30']);
  });

  it('puts an edge at the time at which the kernel saw it', async () => {
    const { kernel, clock, seen } = await startOnKernel();
    clock.advance(1_000);
    kernel.busy(() => {
      kernel.drive(arming, true);
      kernel.drive(safety, true);
      kernel.nowNs += 250_000_000n;
      clock.advance(250);
    });
    expect(seen).toEqual(['arming+@1000', 'safety+@1000']);
    // What is left of the time that the end of a safety input must last.
    kernel.busy(() => {
      kernel.drive(safety, false);
      kernel.nowNs += 10_000_000n;
      clock.advance(10);
    });
    clock.advance(19);
    expect(seen).toHaveLength(2);
    clock.advance(1);
    expect(seen.at(-1)).toBe('safety-@1280');
  });

  it('passes biases to the kernel', async () => {
    const inputs = { arming: { bcm: arming, bias: 'pull-up', activeLow: true }, safety: { bcm: safety } };
    const { kernel, levels } = await startOnKernel({ ...wiring, inputs });
    expect([kernel.line(arming).bias, kernel.line(safety).bias]).toEqual(['pull-up', 'as-is']);
    expect(levels.get('arming')).toBe(true);
  });

  it('reports what missed edges left, counts them, and tells the log the first time and then once a minute', async () => {
    const { chip, clock, seen, warnings, missed } = await startOnChip();
    chip.driveUnseen(safety, true);
    chip.findMissed();
    expect(seen).toEqual(['safety+@0']);
    expect([missed(), warnings]).toEqual([1, [{ missed: 1 }]]);
    for (const level of [false, true]) {
      chip.driveUnseen(safety, level);
      chip.findMissed();
    }
    clock.advance(missedEdgeQuietMs - 1);
    expect([missed(), warnings.length]).toEqual([3, 1]);
    clock.advance(1);
    chip.driveUnseen(arming, true);
    chip.findMissed();
    expect([missed(), warnings.at(-1)]).toEqual([4, { missed: 4 }]);
  });

  it('holds its lines under its own name, and none once it has stopped', async () => {
    const { kernel, driver: barrier } = await startOnKernel();
    expect([arming, safety, open, red].map((bcm) => kernel.line(bcm).consumer)).toEqual(Array(4).fill('gatehouse'));
    barrier.requestOpen();
    expect(kernel.line(open).high).toBe(true);
    await barrier.stop();
    await barrier.stop();
    expect([kernel.line(open).high, kernel.line(red).high, kernel.openFiles]).toEqual([false, true, 0]);
  });

  it('has every output at its safe level, and nothing open, when a line cannot be had', async () => {
    const kernel = createFakeKernel();
    kernel.addChip('/dev/gpiochip0', 'pinctrl-bcm2711', 58);
    kernel.line(safety).consumer = 'another';
    const machine = { loadSystem: () => Promise.resolve(kernel.system) };
    const options = { driver: 'character-device', chipLabel: undefined, logger: silentLogger, machine } as const;
    await expect(start(() => openGpio(options))).rejects.toThrow(
      /inputs.safety \(BCM 27\): the line is in use by “another”/,
    );
    expect([kernel.line(open).high, kernel.line(red).high, kernel.openFiles]).toEqual([false, true, 0]);
    kernel.line(safety).consumer = undefined;
    expect((await start(() => openGpio(options))).levels.size).toBe(2);
  });

  it('tells trouble of every input once when the chip is gone', async () => {
    const { kernel, seen } = await startOnKernel();
    kernel.unplug();
    kernel.unplug();
    expect(seen).toEqual(
      Array(2).fill(expect.stringMatching(/^trouble inputs.arming, inputs.safety .* the chip is gone/)),
    );
  });
});
