import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { createGpioBarrier, openGpio } from '../../../src/adapters/gpio-barrier/index.js';
import { holdRepeatMs } from '../../../src/adapters/gpio-barrier/outputs.js';
import { gpioBarrierSettingsSchema } from '../../../src/adapters/gpio-barrier/settings.js';
import type { BarrierDriver } from '../../../src/app/ports.js';
import { fakeOnoff } from '../support/fake-onoff.js';
import { createManualClock } from '../support/manual-clock.js';

const base = 512;
const [arming, safety, open, close, red, green] = [base + 17, base + 27, base + 12, base + 16, base + 20, base + 21];
const wiring = {
  inputs: { arming: { bcm: 17, debounceMs: 30 }, safety: { bcm: 27, debounceMs: 30 } },
  outputs: {
    open: { bcm: 12, mode: 'pulse', pulseMs: 500 },
    close: { bcm: 16, pulseMs: 300 },
    red: { bcm: 20 },
    green: { bcm: 21 },
  },
};

describe('the barrier on GPIO lines through sysfs', () => {
  let sysfs: string;
  let driver: BarrierDriver | undefined;
  const chip = async (name: string, label: string, chipBase: number, lines: number) => {
    await mkdir(join(sysfs, name), { recursive: true });
    await writeFile(join(sysfs, name, 'label'), `${label}\n`);
    await writeFile(join(sysfs, name, 'base'), `${String(chipBase)}\n`);
    await writeFile(join(sysfs, name, 'ngpio'), `${String(lines)}\n`);
  };

  beforeEach(async () => {
    sysfs = await mkdtemp(join(tmpdir(), 'gatehouse-gpio-'));
    await chip('gpiochip512', 'pinctrl-bcm2711', base, 58);
    await chip('gpiochip570', 'raspberrypi-exp-gpio', 570, 8);
  });
  afterEach(async () => {
    await driver?.stop();
    driver = undefined;
    await rm(sysfs, { recursive: true, force: true });
  });

  const start = async (settings: object = wiring, onoff = fakeOnoff()) => {
    const clock = createManualClock();
    const seen: string[] = [];
    const parsed = gpioBarrierSettingsSchema.parse(settings);
    driver = createGpioBarrier({
      driver: 'onoff',
      settings: parsed,
      clock,
      logger: silentLogger,
      open: () =>
        openGpio({
          driver: 'onoff',
          chipLabel: parsed.chipLabel,
          logger: silentLogger,
          clock,
          machine: {
            sysfsRoot: sysfs,
            loadOnoff: () => Promise.resolve(onoff.module),
            readSysfsLevel: onoff.readLevel,
          },
        }),
    });
    const levels = await driver.start({
      onInput: ({ input, active, monoMs }) => seen.push(`${input}${active ? '+' : '-'}@${String(monoMs)}`),
      onTrouble: (detail) => seen.push(`trouble ${detail}`),
      onTroubleOver: () => seen.push('over'),
    });
    return { clock, seen, levels, driver, ...onoff };
  };
  const problem = async (settings: object = wiring, onoff = fakeOnoff()): Promise<string> => {
    try {
      await start(settings, onoff);
      return 'started';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('adds the base of the board’s own chip to BCM numbers and answers the present levels', async () => {
    const onoff = fakeOnoff();
    const { levels, lines, driver: barrier } = await start(wiring, onoff);
    expect([...lines.keys()].sort()).toEqual([arming, safety, open, close, red, green].sort());
    expect(lines.get(arming)?.made).toBe('in both');
    expect(Object.fromEntries(levels)).toEqual({ arming: false, safety: false });
    expect([...barrier.inputs]).toEqual(['arming', 'safety']);
  });

  it('takes the chip of a Raspberry Pi 5, a named one, or the only one', async () => {
    await chip('gpiochip569', 'pinctrl-rp1', 600, 54);
    expect([...(await start()).lines.keys()]).toContain(600 + 17);
    await driver?.stop();
    expect([...(await start({ ...wiring, chipLabel: 'pinctrl-bcm2711' })).lines.keys()]).toContain(arming);
    await driver?.stop();
    await rm(sysfs, { recursive: true });
    await chip('gpiochip0', 'some-board', 0, 32);
    expect([...(await start()).lines.keys()]).toContain(17);
  });

  it('starts with every output at its safe level, first level included for active-low relays', async () => {
    const settings = {
      ...wiring,
      outputs: { ...wiring.outputs, open: { bcm: 12, mode: 'pulse', activeLow: true } },
    };
    const { lines, writes } = await start(settings);
    expect(lines.get(open)?.made).toBe('high none activeLow');
    expect(lines.get(close)?.made).toBe('low none');
    expect(writes.filter((write) => write.endsWith('=1'))).toEqual([`${String(red)}=1`]);
  });

  it('reports a change once it has lasted, and nothing of a bounce', async () => {
    const { clock, seen, set } = await start();
    set(arming, 1);
    clock.advance(10);
    set(arming, 0);
    clock.advance(100);
    expect(seen).toEqual([]);
    set(arming, 1);
    clock.advance(29);
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual(['arming+@140']);
  });

  it('reports a covered safety loop at the first edge, and its release only once it has lasted', async () => {
    const { clock, seen, set } = await start();
    set(safety, 1);
    expect(seen).toEqual(['safety+@0']);
    set(safety, 0);
    clock.advance(20);
    set(safety, 1);
    clock.advance(20);
    set(safety, 0);
    clock.advance(30);
    expect(seen).toEqual(['safety+@0', 'safety-@70']);
  });

  it('pulses its relays, never open and close at once', async () => {
    const { clock, driver: barrier, writes } = await start();
    const relays = () =>
      writes.splice(0).filter((write) => write.startsWith(String(open)) || write.startsWith(String(close)));
    relays();
    barrier.requestOpen();
    expect(relays()).toEqual([`${String(close)}=0`, `${String(open)}=1`]);
    clock.advance(499);
    expect(relays()).toEqual([]);
    barrier.requestClose();
    expect(relays()).toEqual([`${String(open)}=0`, `${String(close)}=1`]);
    clock.advance(300);
    expect(relays()).toEqual([`${String(close)}=0`]);
    clock.advance(10_000);
    expect(relays()).toEqual([]);
  });

  it('holds open: by its contact, by a held open output, or by pulses again and again', async () => {
    const byPulses = await start();
    byPulses.writes.length = 0;
    byPulses.driver.setHoldOpen(true);
    byPulses.driver.requestClose();
    byPulses.clock.advance(2 * holdRepeatMs);
    expect(byPulses.writes.filter((write) => write === `${String(open)}=1`)).toHaveLength(3);
    expect(byPulses.writes).not.toContain(`${String(close)}=1`);
    byPulses.driver.setHoldOpen(false);
    byPulses.writes.length = 0;
    byPulses.clock.advance(10 * holdRepeatMs);
    expect(byPulses.writes).not.toContain(`${String(open)}=1`);
    await driver?.stop();

    const held = await start({
      ...wiring,
      outputs: { open: { bcm: 12, mode: 'hold' }, holdOpen: { bcm: 5 } },
      safeHoldOpen: true,
    });
    expect(held.lines.get(base + 5)?.level).toBe(1);
    held.driver.setHoldOpen(false);
    held.driver.requestClose();
    expect([held.lines.get(base + 5)?.level, held.lines.get(open)?.level]).toEqual([0, 0]);
    held.driver.requestOpen();
    held.clock.advance(60_000);
    expect(held.lines.get(open)?.level).toBe(1);
    await held.driver.stop();
    expect([held.lines.get(base + 5)?.level, held.lines.get(open)?.level]).toEqual([1, 1]);
  });

  it('shows lamps, and stops with outputs safe and inputs given back', async () => {
    const { driver: barrier, lines } = await start();
    barrier.setLamp('green');
    barrier.requestOpen();
    expect([lines.get(red)?.level, lines.get(green)?.level]).toEqual([0, 1]);
    await barrier.stop();
    await barrier.stop();
    expect([red, green, open, close].map((line) => lines.get(line)?.level)).toEqual([1, 0, 0, 0]);
    expect(lines.get(arming)).toMatchObject({ unexported: true, watcher: undefined });
    expect(lines.get(open)?.unexported).toBe(false);
  });

  it('tells trouble with a line and its end, and throws nothing', async () => {
    const { driver: barrier, lines, seen } = await start();
    const line = lines.get(open);
    if (line === undefined) throw new Error('not opened');
    line.failure = 'EIO';
    barrier.requestOpen();
    expect(seen).toEqual([expect.stringMatching(/^trouble outputs.open \(BCM 12\)/)]);
    line.failure = undefined;
    barrier.requestOpen();
    expect(seen.at(-1)).toBe('over');
    lines.get(arming)?.watcher?.(new Error('poll failed'), 0);
    expect(seen.at(-1)).toBe('trouble inputs.arming (BCM 17): poll failed');
  });

  it('writes the sign: one line to a device, or the present text to a file, without control characters', async () => {
    const device = join(sysfs, 'device');
    await writeFile(device, '');
    const appended = await start({ ...wiring, sign: { path: device } });
    appended.driver.showText('Slot A7\u001b[2J');
    await appended.driver.stop();
    // The last text counts while a write is under way; the sign is cleared at the end.
    expect((await readFile(device, 'utf8')).split('\r\n')).toEqual(['Slot A7 [2J', '', '']);

    const file = join(sysfs, 'sign.txt');
    const replaced = await start({ ...wiring, sign: { path: file, mode: 'replace' } });
    replaced.driver.showText('x'.repeat(100));
    await replaced.driver.stop();
    expect(await readFile(file, 'utf8')).toBe('\n');
  });

  it('does not stop the gate for a sign that cannot be written', async () => {
    const { driver: barrier, seen } = await start({ ...wiring, sign: { path: join(sysfs, 'no', 'such') } });
    barrier.showText('Hello');
    await barrier.stop();
    expect(seen).toEqual([]);
  });

  it.each([
    ['EINVAL', /inputs.arming \(BCM 17\): the chip has no such line/],
    ['EBUSY', /inputs.arming \(BCM 17\): the line is in use/],
    ['EACCES', /inputs.arming \(BCM 17\): no permission; add the user .* group "gpio"/],
    ['EWEIRD', /inputs.arming \(BCM 17\): EWEIRD: not so/],
  ])('says what to do about %s, and leaves outputs safe', async (code, sentence) => {
    const onoff = fakeOnoff({ [arming]: code });
    expect(await problem(wiring, onoff)).toMatch(sentence);
    expect(onoff.lines.get(open)?.level).toBe(0);
  });

  it('says what to do when there is no chip, no such chip, no such line, or no telling', async () => {
    expect(await problem({ ...wiring, chipLabel: 'nope' })).toMatch(/labelled nope; there are pinctrl-bcm2711/);
    expect(await problem({ ...wiring, inputs: { arming: { bcm: 99 } } })).toMatch(
      /inputs.arming \(BCM 99\): pinctrl-bcm2711 has lines 0 to 57/,
    );
    await rm(sysfs, { recursive: true });
    expect(await problem()).toMatch(/is not there: this kernel has no sysfs GPIO/);
    await mkdir(sysfs);
    expect(await problem()).toMatch(/shows no GPIO chip/);
    await chip('gpiochip0', 'one', 0, 32);
    await chip('gpiochip32', 'two', 32, 32);
    expect(await problem()).toMatch(/set chipLabel to one of one, two/);
  });

  it('refuses a wiring that uses a line twice, or has no loop', () => {
    const twice = { ...wiring, outputs: { ...wiring.outputs, red: { bcm: 17 } } };
    expect(gpioBarrierSettingsSchema.safeParse(twice).error?.issues).toMatchObject([
      { path: ['outputs', 'red'], message: 'uses line 17 like inputs.arming' },
    ]);
    expect(gpioBarrierSettingsSchema.safeParse({ ...wiring, inputs: {} }).success).toBe(false);
  });
});
