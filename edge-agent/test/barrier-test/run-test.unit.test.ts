import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createVirtualClock } from '@gatehouse/shared';
import type { VirtualClock } from '@gatehouse/shared';
import { createSimulatedBarrier, simulatedLaneSettingsSchema } from '../../src/adapters/simulated-barrier/index.js';
import type { SimulatedBarrier } from '../../src/adapters/simulated-barrier/index.js';
import type { BarrierDriver, BarrierListener, LaneInput } from '../../src/app/ports.js';
import { clearBoundMs, pauseMs, selfCloseBoundMs, testBarrier } from '../../src/barrier-test/run-test.js';
import type { BarrierTestOptions } from '../../src/barrier-test/run-test.js';
import type { Finding } from '../../src/doctor/finding.js';
import { createSeededRandom } from '../adapters/support/seeded-random.js';

const travelTimeMs = 8_000;

interface Tested {
  readonly clock: VirtualClock;
  readonly findings: Finding[];
  readonly end: AbortController;
  readonly result: Promise<boolean>;
  /** Lets time pass, and what follows from it happen. */
  pass(durationMs: number): Promise<void>;
  /** `check: verdict` of each. */
  told(): string[];
  said(check: string): string;
}

const turnsUntilSettled = 20;
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < turnsUntilSettled; turn += 1) await Promise.resolve();
};

function run(driver: BarrierDriver, clock: VirtualClock, more: Partial<BarrierTestOptions> = {}): Tested {
  const findings: Finding[] = [];
  const end = new AbortController();
  const result = testBarrier({
    ...{ driver, clock, travelTimeMs, contradictAfterMs: 300, closesByItself: false, isHeldOpen: false },
    ...{ end: end.signal, tell: (finding: Finding) => findings.push(finding) },
    ...more,
  });
  return {
    ...{ clock, findings, end, result },
    pass: (durationMs) => clock.advanceSettled(durationMs, settle),
    told: () => findings.map(({ check, verdict }) => `${check}: ${verdict}`),
    said: (check) =>
      findings
        .filter((finding) => finding.check === check)
        .map(({ says, remedy }) => `${says} → ${remedy ?? ''}`)
        .join('\n'),
  };
}

function simulate(
  prepare: (barrier: SimulatedBarrier) => void = () => undefined,
): Tested & { simulated: SimulatedBarrier } {
  const clock = createVirtualClock({ wallMs: 0 });
  const settings = simulatedLaneSettingsSchema.parse({ armOpenMs: 1_800, armCloseMs: 2_200 });
  const simulated = createSimulatedBarrier({
    ...{ clock, random: createSeededRandom(1), gateId: 'entry-1', direction: 'entry', hasReader: false, settings },
  });
  prepare(simulated);
  clock.advance(1_000);
  return { ...run(simulated.barrier, clock), simulated };
}

/** A barrier that does what the test says. */
function scripted(levels: Partial<Record<LaneInput, boolean>>, more: Partial<BarrierTestOptions> = {}) {
  const clock = createVirtualClock({ wallMs: 0 });
  const asked: string[] = [];
  let listener: BarrierListener | undefined;
  const present = new Map(Object.entries(levels) as [LaneInput, boolean][]);
  const driver: BarrierDriver = {
    inputs: new Set(present.keys()),
    start(given) {
      listener = given;
      return Promise.resolve(present);
    },
    requestOpen: () => asked.push('open'),
    requestClose: () => asked.push('close'),
    setHoldOpen: () => asked.push('hold'),
    setLamp: () => asked.push('lamp'),
    showText: () => asked.push('text'),
    stop() {
      asked.push('safe');
      return Promise.resolve();
    },
  };
  const tested = run(driver, clock, more);
  const set = async (input: LaneInput, active: boolean): Promise<void> => {
    listener?.onInput({ input, active, monoMs: clock.monoMs() });
    await settle();
  };
  const trouble = (detail: string): void => listener?.onTrouble(detail);
  return { ...tested, asked, set, trouble };
}

const closedAndClear = { arming: false, safety: false, 'limit-open': false, 'limit-closed': true } as const;

describe('the test of a barrier that is well', () => {
  it('opens it, closes it, and says how long each took', async () => {
    const { pass, result, told, said } = simulate();
    await pass(60_000);
    expect(await result).toBe(true);
    expect(told()).toEqual(['lines: pass', 'lane: pass', 'arm: pass', 'open: pass', 'close: pass']);
    expect(said('open')).toContain('limit-open after 1800 ms, limit-closed left after 0 ms');
    expect(said('close')).toContain('limit-closed after 2200 ms, limit-open left after 0 ms');
  });

  it('leaves the arm open for a moment between', async () => {
    const { asked, pass, set } = scripted(closedAndClear);
    await pass(0);
    await set('limit-closed', false);
    await set('limit-open', true);
    await pass(pauseMs - 1);
    expect(asked).toEqual(['open']);
    await pass(1);
    expect(asked).toEqual(['open', 'close']);
  });

  it('waits for a controller that closes by itself, and says when it does not', async () => {
    const patient = scripted(closedAndClear, { closesByItself: true });
    await patient.pass(0);
    await patient.set('limit-closed', false);
    await patient.set('limit-open', true);
    await patient.pass(selfCloseBoundMs - 1);
    await patient.set('limit-open', false);
    await patient.set('limit-closed', true);
    expect(await patient.result).toBe(true);
    const never = scripted(closedAndClear, { closesByItself: true });
    await never.pass(0);
    await never.set('limit-closed', false);
    await never.set('limit-open', true);
    await never.pass(selfCloseBoundMs);
    expect(await never.result).toBe(false);
    expect(never.said('close')).toContain('set the controller’s automatic closing');
  });
});

describe('the test of a barrier moves nothing', () => {
  it.each(['safety', 'photocell', 'arming', 'stop', 'fire'] as const)('while %s is active', async (input) => {
    const { result, told, said, asked } = scripted({ ...closedAndClear, [input]: true });
    expect(await result).toBe(false);
    expect(told()).toContain('lane: fail');
    expect(said('lane')).toContain(`inputs.${input}.activeLow`);
    expect(asked).toEqual(['safe']);
  });

  it('when a limit says that it is open already, or both say that they are', async () => {
    const open = scripted({ ...closedAndClear, 'limit-open': true, 'limit-closed': false });
    expect(await open.result).toBe(false);
    expect(open.said('arm')).toContain('limit-open is active already');
    const held = scripted({ safety: false, 'limit-open': true }, { isHeldOpen: true });
    expect(await held.result).toBe(false);
    expect(held.said('arm')).toContain('safeHoldOpen');
    const both = scripted({ ...closedAndClear, 'limit-open': true });
    expect(await both.result).toBe(false);
    expect(both.said('arm')).toContain('active at once');
    expect([...open.asked, ...held.asked, ...both.asked]).toEqual(['safe', 'safe', 'safe']);
  });

  it('when its lines cannot be had', async () => {
    const { clock } = simulate();
    const stops: string[] = [];
    const driver: BarrierDriver = {
      ...scripted({}),
      inputs: new Set(),
      start: () => Promise.reject(new Error('outputs.open (BCM 12): the line is in use')),
      ...{
        requestOpen: () => stops.push('open'),
        requestClose: () => stops.push('close'),
        setHoldOpen: () => undefined,
      },
      ...{ setLamp: () => undefined, showText: () => undefined },
      stop: () => {
        stops.push('safe');
        return Promise.resolve();
      },
    };
    const { result, said } = run(driver, clock);
    expect(await result).toBe(false);
    expect(said('lines')).toContain('the line is in use');
    expect(stops).toEqual(['safe']);
  });
});

describe('the test of a barrier that is not well', () => {
  it('says that the arm did not move', async () => {
    const { pass, result, told, said } = simulate((barrier) => {
      barrier.setFault('arm-stuck', true);
    });
    await pass(60_000);
    expect(await result).toBe(false);
    expect(told().at(-1)).toBe('open: fail');
    expect(said('open')).toContain('the arm did not move within 8000 ms: limit-closed is active still');
  });

  it('says that the arm left and no limit told of its end', async () => {
    const { pass, result, said, set } = scripted(closedAndClear);
    await pass(100);
    await set('limit-closed', false);
    await pass(travelTimeMs);
    expect(await result).toBe(false);
    expect(said('open')).toContain('no limit-open within 8000 ms; limit-closed left after 100 ms');
  });

  it('says that the other limit does not let go', async () => {
    const { pass, result, said, set, asked } = scripted(closedAndClear);
    await pass(0);
    await set('limit-open', true);
    await pass(300);
    expect(await result).toBe(false);
    expect(said('open')).toContain('limit-closed is active still');
    expect(asked).toEqual(['open', 'safe']);
  });

  it('never asks to close while somebody is under the arm, and gives up after a while', async () => {
    const { pass, result, told, set, asked } = scripted(closedAndClear);
    await pass(0);
    await set('limit-closed', false);
    await set('limit-open', true);
    await set('safety', true);
    await pass(pauseMs + clearBoundMs);
    expect(await result).toBe(false);
    expect(told().slice(-2)).toEqual(['close: warn', 'close: fail']);
    expect(asked).toEqual(['open', 'safe']);
  });

  it('goes on when the lane is cleared', async () => {
    const { pass, result, set, asked } = scripted(closedAndClear);
    await pass(0);
    await set('limit-closed', false);
    await set('limit-open', true);
    await set('safety', true);
    await pass(pauseMs + 1_000);
    await set('safety', false);
    expect(asked).toEqual(['open', 'close']);
    await set('limit-open', false);
    await set('limit-closed', true);
    expect(await result).toBe(true);
  });

  it('asks to open again when somebody walks under the arm that comes down', async () => {
    const { pass, result, said, set, asked } = scripted(closedAndClear);
    await pass(0);
    await set('limit-closed', false);
    await set('limit-open', true);
    await pass(pauseMs);
    await set('limit-open', false);
    await set('safety', true);
    expect(asked).toEqual(['open', 'close', 'open']);
    await set('limit-open', true);
    expect(await result).toBe(false);
    expect(said('close')).toContain('safety became active while the arm came down');
    expect(asked.at(-1)).toBe('safe');
  });

  it('warns of an arm that leaves its limit unasked', async () => {
    const { pass, told, said, set } = scripted(closedAndClear);
    await pass(0);
    await set('limit-closed', false);
    await set('limit-open', true);
    await pass(500);
    await set('limit-open', false);
    expect(told()).toContain('pause: warn');
    expect(said('pause')).toContain('automatic closing');
  });

  it('tells a closing that does not begin from one that does not end', async () => {
    const still = scripted(closedAndClear);
    await still.pass(0);
    await still.set('limit-closed', false);
    await still.set('limit-open', true);
    await still.pass(pauseMs + travelTimeMs);
    expect(await still.result).toBe(false);
    expect(still.said('close')).toContain('the arm did not move within 8000 ms');
    const between = scripted(closedAndClear);
    await between.pass(0);
    await between.set('limit-closed', false);
    await between.set('limit-open', true);
    await between.pass(pauseMs);
    await between.set('limit-open', false);
    await between.pass(travelTimeMs);
    expect(await between.result).toBe(false);
    expect(between.said('close')).toContain('no limit-closed within 8000 ms; limit-open left after 0 ms');
  });

  it('ends when the driver cannot go on', async () => {
    const { pass, result, said, trouble, asked } = scripted(closedAndClear);
    await pass(0);
    trouble('outputs.open (BCM 12): the chip is gone');
    expect(await result).toBe(false);
    expect(said('lines')).toContain('the chip is gone');
    expect(asked).toEqual(['open', 'safe']);
  });
});

describe('the test of a barrier with few wires', () => {
  it('does not close where nothing tells of somebody under the arm', async () => {
    const { pass, result, told, set, asked } = scripted({ arming: false, 'limit-open': false, 'limit-closed': true });
    await pass(0);
    await set('limit-closed', false);
    await set('limit-open', true);
    await pass(pauseMs);
    expect(await result).toBe(true);
    expect(told()).toEqual([...['lines: pass', 'lane: pass', 'lane: warn', 'arm: pass', 'open: pass', 'close: warn']]);
    expect(asked).toEqual(['open', 'safe']);
  });

  it('says without limits that only a person can see', async () => {
    const { pass, result, told, asked } = scripted({ safety: false });
    await pass(travelTimeMs + pauseMs + travelTimeMs);
    expect(await result).toBe(true);
    expect(told()).toEqual(['lines: pass', 'lane: pass', 'arm: warn', 'open: warn', 'close: warn']);
    expect(asked).toEqual(['open', 'close', 'safe']);
  });
});

describe('however the test of a barrier goes', () => {
  const input = fc.constantFrom<LaneInput>('safety', 'limit-open', 'limit-closed', 'photocell');
  const step = fc.record({ afterMs: fc.integer({ min: 0, max: 4_000 }), input, active: fc.boolean() });

  it('never asks to close while somebody is under the arm, and ends at the safe level', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.option(fc.nat(30)),
        fc.boolean(),
        async (steps, endAfter, closesByItself) => {
          const levels = new Map<LaneInput, boolean>([
            ['safety', false],
            ['photocell', false],
          ]);
          const tested = scripted({ ...closedAndClear, photocell: false }, { closesByItself });
          await tested.pass(0);
          for (const [index, { afterMs, input, active }] of steps.entries()) {
            if (index === endAfter) tested.end.abort();
            const closesBefore = tested.asked.filter((what) => what === 'close').length;
            await tested.pass(afterMs);
            const closes = tested.asked.filter((what) => what === 'close').length;
            if (levels.get('safety') === true || levels.get('photocell') === true) expect(closes).toBe(closesBefore);
            levels.set(input, active);
            await tested.set(input, active);
          }
          await tested.pass(2 * travelTimeMs + pauseMs + clearBoundMs + selfCloseBoundMs);
          await tested.result;
          expect(tested.asked.filter((what) => what === 'safe')).toEqual(['safe']);
          expect(tested.asked.at(-1)).toBe('safe');
          expect(tested.clock.pendingTimers).toBe(0);
        },
      ),
    );
  });

  it('moves nothing when it is ended before it began', async () => {
    const { end, result, told, asked } = scripted(closedAndClear);
    end.abort();
    expect(await result).toBe(false);
    expect(told().at(-1)).toBe('end: fail');
    expect(asked).toEqual(['safe']);
  });

  it('ends at once when asked to, and says so', async () => {
    const { pass, end, result, told, asked } = scripted(closedAndClear);
    await pass(100);
    end.abort();
    expect(await result).toBe(false);
    expect(told().at(-1)).toBe('end: fail');
    expect(asked).toEqual(['open', 'safe']);
  });
});
