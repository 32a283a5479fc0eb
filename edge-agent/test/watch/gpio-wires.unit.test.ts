import { describe, expect, it } from '@jest/globals';
import { createVirtualClock, silentLogger } from '@gatehouse/shared';
import type { GpioAccess, OpenGpioOptions } from '../../src/adapters/gpio-barrier/index.js';
import { createMemoryChip } from '../../src/adapters/gpio-barrier/memory-chip.js';
import { gpioBarrierSettingsSchema } from '../../src/adapters/gpio-barrier/settings.js';
import { createGpioWires } from '../../src/adapters/machine/index.js';
import type { ChangeView } from '../../src/watch/contract.js';
import { createOwnLines } from '../../src/watch/own-lines.js';

const bcm = { arming: 17, safety: 27, open: 12 };
const debounceMs = 30;

function rig(bias: 'as-is' | 'pull-up' = 'as-is') {
  const clock = createVirtualClock({ wallMs: 0, monoMs: 10_000 });
  const chip = createMemoryChip();
  // At rest: contacts that close to ground are open.
  for (const line of [bcm.arming, bcm.safety]) chip.drive(line, true);
  const settings = gpioBarrierSettingsSchema.parse({
    inputs: {
      arming: { bcm: bcm.arming, activeLow: true, debounceMs, bias },
      safety: { bcm: bcm.safety, activeLow: true, debounceMs },
    },
    outputs: { open: { bcm: bcm.open, mode: 'pulse' } },
  });
  const opened: OpenGpioOptions[] = [];
  const asked: number[] = [];
  const wires = createGpioWires({
    ...{ driver: 'gpio', settings, clock, logger: silentLogger },
    open: (options) => {
      opened.push(options);
      const access = chip.open();
      const inputs: GpioAccess['inputs'] = (wanted) => {
        asked.push(...wanted.map(({ debounceMs }) => debounceMs));
        return access.inputs(wanted);
      };
      return Promise.resolve({ ...access, inputs });
    },
  });
  const lines = createOwnLines(
    'the lines',
    [{ gateId: 'entry-1', direction: 'entry', debounceMsOf: () => debounceMs, wires }],
    clock,
  );
  const changes: ChangeView[] = [];
  const troubles: (string | null)[] = [];
  const start = () =>
    lines.start({ onChange: (change) => changes.push(change), onTrouble: (problem) => troubles.push(problem) });
  /** Whether somebody else can have the line. */
  const isFree = (line: number): boolean => {
    const other = chip.open();
    try {
      other.output({ what: 'other', bcm: line, activeLow: false, initial: false });
      return true;
    } catch {
      return false;
    } finally {
      other.close();
    }
  };
  return { clock, chip, lines, changes, troubles, opened, asked, start, isFree };
}

describe('a watch of real lines', () => {
  it('has the inputs alone, and gives them back', async () => {
    const { lines, start, isFree } = rig();
    await start();
    expect([isFree(bcm.arming), isFree(bcm.safety), isFree(bcm.open)]).toEqual([false, false, true]);
    await lines.stop();
    await lines.stop();
    expect([isFree(bcm.arming), isFree(bcm.safety)]).toEqual([true, true]);
  });

  it('counts the bounces that the agent would not see', async () => {
    const { clock, chip, lines, changes, asked, start } = rig();
    await start();
    // The kernel must not keep them to itself.
    expect(asked).toEqual([0, 0]);
    for (const [waitMs, isHigh] of [
      [1_000, false],
      [3, true],
      [2, false],
      [4_000, true],
    ] as const) {
      clock.advance(waitMs);
      chip.drive(bcm.arming, isHigh);
    }
    expect(changes.map(({ value, lastedMs, isBounce }) => [value, lastedMs, isBounce])).toEqual([
      ['active', null, false],
      ['clear', 3, true],
      ['active', 2, true],
      ['clear', 4_000, false],
    ]);
    expect(lines.gates()[0]?.inputs).toMatchObject([
      { name: 'arming', active: false, changes: 4, bounces: 2 },
      { name: 'safety', active: false, changes: 0, bounces: 0 },
    ]);
  });

  it('says what was missed', async () => {
    const { chip, changes, troubles, start } = rig();
    await start();
    chip.driveUnseen(bcm.arming, false);
    chip.findMissed();
    expect(troubles).toEqual(['at least 1 changes came too fast to be counted']);
    expect(changes).toMatchObject([{ line: 'arming', value: 'active' }]);
  });

  it('takes nothing when one line is in use, and says by whom', async () => {
    const { chip, start, isFree } = rig();
    chip.occupy(bcm.safety, 'another program');
    await expect(start()).rejects.toThrow('inputs.safety (BCM 27): the line is in use by “another program”');
    expect(isFree(bcm.arming)).toBe(true);
  });

  it('asks for an interface that can pull a line, where one is configured', async () => {
    const [plain, pulled] = [rig(), rig('pull-up')];
    await plain.start();
    await pulled.start();
    expect([plain.opened[0]?.needsBias, pulled.opened[0]?.needsBias]).toEqual([false, true]);
  });
});
