import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createScaledClock, createVirtualClock } from '../src/index.js';

const realStartMs = 1_000_000;
const simulatedStartMs = 5_000_000;
const time = (factor: number) => ({ simulatedBaseMs: simulatedStartMs, realBaseMs: realStartMs, factor });

describe('a scaled clock', () => {
  it('goes on `factor` times as fast as its base', () => {
    const base = createVirtualClock({ wallMs: realStartMs });
    const clock = createScaledClock(base, time(60));
    base.advance(1_000);
    expect(clock.wallMs()).toBe(simulatedStartMs + 60_000);
    expect(clock.monoMs()).toBe(60_000);
  });

  it('shows the same time in every process that is given the same base, whenever that process began', () => {
    const base = createVirtualClock({ wallMs: realStartMs });
    const early = createScaledClock(base, time(30));
    base.advance(12_345);
    const late = createScaledClock(base, time(30));
    expect(late.wallMs()).toBe(early.wallMs());
  });

  it('fires timers after simulated time', () => {
    const base = createVirtualClock({ wallMs: realStartMs });
    const clock = createScaledClock(base, time(10));
    const fired: number[] = [];
    clock.setTimer(1_000, () => fired.push(clock.monoMs()));
    const cancel = clock.setTimer(1_000, () => fired.push(-1));
    cancel();
    cancel();
    base.advance(99);
    expect(fired).toEqual([]);
    base.advance(1);
    expect(fired).toEqual([1_000]);
  });

  it('arms its timers again when the speed changes', () => {
    const base = createVirtualClock({ wallMs: realStartMs });
    const clock = createScaledClock(base, time(1));
    let fired = false;
    clock.setTimer(1_000, () => (fired = true));
    base.advance(500);
    clock.setFactor(100);
    base.advance(4);
    expect(fired).toBe(false);
    base.advance(1);
    expect(fired).toBe(true);
  });

  it('never goes back when the speed changes', () => {
    const steps = fc.array(fc.record({ ms: fc.nat(1_000), factor: fc.double({ min: 0.01, max: 1_000, noNaN: true }) }));
    fc.assert(
      fc.property(steps, (changes) => {
        const base = createVirtualClock({ wallMs: realStartMs });
        const clock = createScaledClock(base, time(1));
        let [lastMonoMs, lastWallMs] = [clock.monoMs(), clock.wallMs()];
        for (const { ms, factor } of changes) {
          base.advance(ms);
          clock.setFactor(factor);
          expect(clock.monoMs()).toBeGreaterThanOrEqual(lastMonoMs);
          expect(clock.wallMs()).toBeGreaterThanOrEqual(lastWallMs);
          [lastMonoMs, lastWallMs] = [clock.monoMs(), clock.wallMs()];
        }
      }),
    );
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('cannot run at %d', (factor) => {
    const base = createVirtualClock({ wallMs: 0 });
    expect(() => createScaledClock(base, time(factor))).toThrow(RangeError);
    const clock = createScaledClock(base, time(1));
    expect(() => {
      clock.setFactor(factor);
    }).toThrow(RangeError);
    expect(clock.factor).toBe(1);
  });
});
