import { describe, expect, it } from '@jest/globals';
import { createMemoryChip } from '../../../src/adapters/gpio-barrier/memory-chip.js';
import { restoreSafeLevels } from '../../../src/adapters/gpio-barrier/restore-safe-levels.js';
import type { ConfiguredGate } from '../../../src/adapters/gpio-barrier/restore-safe-levels.js';

const outputs = {
  open: { bcm: 12, mode: 'pulse' },
  close: { bcm: 16 },
  holdOpen: { bcm: 5, activeLow: true },
  red: { bcm: 20 },
  green: { bcm: 21 },
};
const gate = (settings: object, driver = 'gpio'): ConfiguredGate => ({
  gateId: 'entry-1',
  barrier: { driver, settings },
});

describe('outputs at their safe level', () => {
  const restore = async (gates: readonly ConfiguredGate[], chip = createMemoryChip()) => {
    const restored = await restoreSafeLevels(gates, { open: () => Promise.resolve(chip.open()) });
    const isHigh = (...bcms: number[]) => bcms.map((bcm) => chip.isHigh(bcm));
    return { restored, isHigh, chip };
  };

  it('lets relays go and lights the lamp that is wanted, whatever a killed agent left', async () => {
    const chip = createMemoryChip();
    for (const bcm of [12, 16, 21]) chip.drive(bcm, true);
    const { restored, isHigh } = await restore([gate({ outputs })], chip);
    expect(restored).toEqual([
      { gateId: 'entry-1', levels: ['close off', 'open off', 'holdOpen off', 'red on', 'green off'], problems: [] },
    ]);
    // holdOpen is active when it is low.
    expect(isHigh(12, 16, 5, 20, 21)).toEqual([false, false, true, true, false]);
  });

  it('keeps a gate open that is to be open while nobody looks after it', async () => {
    const settings = { outputs: { ...outputs, open: { bcm: 12, mode: 'hold' } }, safeHoldOpen: true, safeLamp: 'off' };
    const { restored, isHigh } = await restore([gate(settings)]);
    expect(restored[0]?.levels).toEqual(['close off', 'open on', 'holdOpen on', 'red off', 'green off']);
    expect(isHigh(12, 5, 20)).toEqual([true, false, false]);
  });

  it('goes on with other outputs and other gates when one cannot be had, and says why', async () => {
    const chip = createMemoryChip();
    chip.occupy(16, 'other-device');
    const other = { ...gate({ outputs: { open: { bcm: 13, mode: 'pulse' } } }), gateId: 'exit-1' };
    const { restored } = await restore([gate({ outputs }), other], chip);
    expect(restored).toMatchObject([
      {
        levels: ['open off', 'holdOpen off', 'red on', 'green off'],
        problems: ['outputs.close (BCM 16): the line is in use by “other-device”; free it or use another'],
      },
      { gateId: 'exit-1', levels: ['open off'], problems: [] },
    ]);
  });

  it('gives the lines back', async () => {
    const { chip } = await restore([gate({ outputs })]);
    const access = chip.open();
    expect(access.output({ what: 'outputs.open', bcm: 12, activeLow: false, initial: false }).read()).toBe(false);
  });

  it('leaves simulated gates alone, and looks at nothing but outputs', async () => {
    const { restored } = await restore([
      { gateId: 'a', barrier: { driver: 'simulated' } },
      gate({ outputs: { open: outputs.open }, inputs: 'nonsense', sign: 7 }, 'onoff'),
    ]);
    expect(restored).toEqual([{ gateId: 'entry-1', levels: ['open off'], problems: [] }]);
  });

  it.each([
    ['an unknown driver', gate({ outputs }, 'magic'), /^barrier.driver: magic is none of simulated, gpio, onoff/],
    ['no outputs', gate({}), /^barrier.settings.outputs: /],
    [
      'a line that cannot be',
      gate({ outputs: { open: { bcm: -1, mode: 'hold' } } }),
      /^barrier.settings.outputs.open.bcm: /,
    ],
  ])('says what is wrong with %s', async (_, wrong, message) => {
    const { restored } = await restore([wrong]);
    expect(restored).toEqual([{ gateId: 'entry-1', levels: [], problems: [expect.stringMatching(message)] }]);
  });

  it('takes the way to GPIO that the agent takes', async () => {
    const ways: unknown[] = [];
    const open = (way: unknown) => {
      ways.push(way);
      return Promise.resolve(createMemoryChip().open());
    };
    const inputs = { arming: { bcm: 17 }, safety: { bcm: 27, bias: 'pull-up' } };
    const gates = [
      gate({ outputs, inputs, chipLabel: 'a-board' }),
      gate({ outputs, inputs: { arming: { bcm: 17 } } }, 'onoff'),
    ];
    await restoreSafeLevels(gates, { open });
    expect(ways).toEqual([
      { driver: 'gpio', chipLabel: 'a-board', needsBias: true },
      { driver: 'onoff', chipLabel: undefined, needsBias: false },
    ]);
  });

  it('says why there is no chip', async () => {
    const open = () => Promise.reject(new Error('no chip'));
    const restored = await restoreSafeLevels([gate({ outputs })], { open });
    expect(restored).toEqual([{ gateId: 'entry-1', levels: [], problems: ['no chip'] }]);
  });
});
