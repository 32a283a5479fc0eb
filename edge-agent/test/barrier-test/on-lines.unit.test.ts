import { describe, expect, it } from '@jest/globals';
import { createVirtualClock, silentLogger } from '@gatehouse/shared';
import { createGpioBarrier } from '../../src/adapters/gpio-barrier/index.js';
import { createMemoryChip } from '../../src/adapters/gpio-barrier/memory-chip.js';
import type { MemoryChip } from '../../src/adapters/gpio-barrier/memory-chip.js';
import { gpioBarrierSettingsSchema } from '../../src/adapters/gpio-barrier/settings.js';
import { testBarrier } from '../../src/barrier-test/run-test.js';
import type { Finding } from '../../src/doctor/finding.js';

const bcm = { safety: 27, limitOpen: 22, limitClosed: 23, open: 12, close: 16 };
const pulseMs = 500;
const travelMs = 2_000;
const stepMs = 10;

/** Steel that follows relays: a pulse starts it, and it tells of its ends by contacts that close to ground. */
function createSteel(chip: MemoryChip) {
  let target: 'open' | 'closed' = 'closed';
  let position = 0;
  const levels: { readonly open: boolean; readonly close: boolean }[] = [];
  const setContact = (line: number, isClosed: boolean): void => {
    if (chip.isHigh(line) === isClosed) chip.drive(line, !isClosed);
  };
  const step = (): void => {
    // Relays of the open line draw when high, of the close line when low.
    const relays = { open: chip.isHigh(bcm.open), close: !chip.isHigh(bcm.close) };
    levels.push(relays);
    if (relays.open) target = 'open';
    else if (relays.close) target = 'closed';
    const direction = target === 'open' ? 1 : -1;
    position = Math.min(1, Math.max(0, position + (direction * stepMs) / travelMs));
    setContact(bcm.limitOpen, position === 1);
    setContact(bcm.limitClosed, position === 0);
  };
  return { levels, step };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

async function test(endAfterMs?: number) {
  const clock = createVirtualClock({ wallMs: 0 });
  const chip = createMemoryChip();
  for (const line of [bcm.limitOpen, bcm.close]) chip.drive(line, true);
  const steel = createSteel(chip);
  const settings = gpioBarrierSettingsSchema.parse({
    inputs: {
      safety: { bcm: bcm.safety },
      'limit-open': { bcm: bcm.limitOpen, activeLow: true },
      'limit-closed': { bcm: bcm.limitClosed, activeLow: true },
    },
    outputs: {
      open: { bcm: bcm.open, mode: 'pulse', pulseMs },
      close: { bcm: bcm.close, activeLow: true, pulseMs },
    },
  });
  const open = () => Promise.resolve(chip.open());
  const driver = createGpioBarrier({ driver: 'gpio', settings, clock, logger: silentLogger, open });
  const findings: Finding[] = [];
  const end = new AbortController();
  const result = testBarrier({
    ...{ driver, clock, travelTimeMs: 8_000, contradictAfterMs: 300, closesByItself: false, isHeldOpen: false },
    ...{ end: end.signal, tell: (finding: Finding) => findings.push(finding) },
  });
  for (let atMs = 0; atMs < 20_000; atMs += stepMs) {
    if (atMs === endAfterMs) end.abort();
    await clock.advanceSettled(stepMs, settle);
    steel.step();
  }
  return { isGood: await result, findings, relays: steel.levels };
}

describe('the test of a barrier on real lines', () => {
  it('pulses the relay of each way once, and leaves both fallen off', async () => {
    const { isGood, findings, relays } = await test();
    expect(findings.map(({ check, verdict }) => `${check}: ${verdict}`)).toEqual([
      ...['lines: pass', 'lane: pass', 'arm: pass', 'open: pass', 'close: pass'],
    ]);
    expect(isGood).toBe(true);
    for (const relay of ['open', 'close'] as const) {
      const drawn = relays.map((levels) => levels[relay]);
      expect(drawn.filter((isDrawn, index) => isDrawn && drawn[index - 1] !== true)).toHaveLength(1);
      expect(drawn.filter(Boolean).length * stepMs).toBeGreaterThanOrEqual(pulseMs - stepMs);
      expect(drawn.filter(Boolean).length * stepMs).toBeLessThanOrEqual(pulseMs + stepMs);
      expect(drawn.at(-1)).toBe(false);
    }
  });

  it('lets the relay fall off at once when it is ended in the middle of a pulse', async () => {
    const endAfterMs = 200;
    const { isGood, findings, relays } = await test(endAfterMs);
    expect(isGood).toBe(false);
    expect(findings.at(-1)?.says).toContain('outputs are at their safe level');
    const drawn = relays.filter(({ open }) => open).length * stepMs;
    expect(drawn).toBeGreaterThan(0);
    expect(drawn).toBeLessThanOrEqual(endAfterMs + stepMs);
    expect(relays.some(({ close }) => close)).toBe(false);
  });
});
