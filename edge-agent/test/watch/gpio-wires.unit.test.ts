import { describe, expect, it } from '@jest/globals';
import { createVirtualClock, silentLogger } from '@gatehouse/shared';
import type { GpioAccess, GpioInputs } from '../../src/adapters/gpio-barrier/index.js';
import { gpioBarrierSettingsSchema } from '../../src/adapters/gpio-barrier/settings.js';
import { createGpioWires } from '../../src/adapters/machine/index.js';

function rig(bias: 'as-is' | 'pull-up' = 'as-is') {
  const clock = createVirtualClock({ wallMs: 0, monoMs: 10_000 });
  const told: { wanted: unknown; watch: Parameters<GpioInputs['watch']>[0] | undefined; closed: number } = {
    ...{ wanted: undefined, watch: undefined, closed: 0 },
  };
  const opened: unknown[] = [];
  const access: GpioAccess = {
    interface: 'character-device',
    chip: { label: 'gpio-sim', lines: 32, path: '/dev/gpiochip0' },
    debounces: true,
    inputs(wanted) {
      told.wanted = wanted;
      return {
        read: (bcm) => bcm === 27,
        watch(listener) {
          told.watch = listener;
        },
        close: () => undefined,
      };
    },
    output: () => {
      throw new Error('a watch drives nothing');
    },
    close() {
      told.closed += 1;
    },
  };
  const settings = gpioBarrierSettingsSchema.parse({
    chipLabel: 'gpio-sim',
    inputs: { arming: { bcm: 17, activeLow: true, debounceMs: 30, bias }, safety: { bcm: 27 } },
    outputs: { open: { bcm: 12, mode: 'pulse' } },
  });
  const wires = createGpioWires({
    ...{ driver: 'gpio', settings, clock, logger: silentLogger },
    open: (options) => {
      opened.push(options);
      return Promise.resolve(access);
    },
  });
  return { clock, wires, told, opened };
}

describe('the inputs of a real gate without a driver', () => {
  it('are asked for as inputs, not debounced, and no output is', async () => {
    const { wires, told, opened } = rig();
    const levels = await wires.start({ onRaw: () => undefined, onTrouble: () => undefined });
    expect(levels).toEqual(
      new Map([
        ['arming', false],
        ['safety', true],
      ]),
    );
    expect(told.wanted).toMatchObject([
      { what: 'inputs.arming', bcm: 17, activeLow: true, bias: 'as-is', debounceMs: 0 },
      { what: 'inputs.safety', bcm: 27, debounceMs: 0 },
    ]);
    expect(opened).toMatchObject([{ driver: 'gpio', chipLabel: 'gpio-sim', needsBias: false }]);
    await wires.stop();
    await wires.stop();
    expect(told.closed).toBe(1);
  });

  it('say that a pull is needed, where one is configured', async () => {
    const { wires, opened } = rig('pull-up');
    await wires.start({ onRaw: () => undefined, onTrouble: () => undefined });
    expect(opened).toMatchObject([{ needsBias: true }]);
  });

  it('tell an edge with the time at which the kernel saw it, and what was missed', async () => {
    const { wires, told } = rig();
    const heard: unknown[] = [];
    await wires.start({
      onRaw: (...edge) => heard.push(edge),
      onTrouble: (problem) => heard.push(problem),
    });
    told.watch?.onEdge({ bcm: 17, active: true, ageMs: 40 });
    told.watch?.onMissed(3);
    expect(heard).toEqual([['arming', true, 9_960], 'at least 3 changes came too fast to be counted']);
  });
});
