import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createStepPace } from '../../src/app/step-pace.js';

/** What steps of `pace` take on a store that needs `flushMs` for any and `rowMs` for each row. */
function run(
  pace: ReturnType<typeof createStepPace>,
  steps: number,
  flushMs: number,
  rowMs: number,
  targetMs: number,
): number[] {
  const durationsMs: number[] = [];
  for (let step = 0; step < steps; step += 1) {
    const { rows } = pace;
    const durationMs = flushMs + rows * rowMs;
    durationsMs.push(durationMs);
    pace.onStep(rows, durationMs, targetMs);
  }
  return durationsMs;
}

describe('the size of a step', () => {
  it('grows until a step takes about as long as it may', () => {
    const durationsMs = run(createStepPace(10_000), 20, 1, 0.02, 5);
    expect(durationsMs[0]).toBeLessThan(2);
    expect(durationsMs.at(-1)).toBeGreaterThan(4);
    expect(durationsMs.at(-1)).toBeLessThanOrEqual(5.1);
  });

  it('settles at or below what it may, whatever the disk is like', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 4.5, noNaN: true }),
        fc.double({ min: 0.001, max: 20, noNaN: true }),
        (flushMs, rowMs) => {
          const pace = createStepPace(500);
          const durationsMs = run(pace, 60, flushMs, rowMs, 5);
          const isLeast = pace.rows === 1;
          return isLeast || (durationsMs.at(-1) ?? 0) <= 5.05;
        },
      ),
    );
  });

  it('stays between one row and the bound', () => {
    const slow = createStepPace(500);
    run(slow, 20, 100, 50, 5);
    expect(slow.rows).toBe(1);
    const fast = createStepPace(500);
    run(fast, 20, 0, 0, 5);
    expect(fast.rows).toBe(500);
    expect(createStepPace(3).rows).toBe(3);
  });

  it('loses no more than three quarters to one step that met a slow disk, and finds back', () => {
    const pace = createStepPace(400);
    run(pace, 20, 0, 0.01, 5);
    expect(pace.rows).toBe(400);
    pace.onStep(400, 2_000, 5);
    expect(pace.rows).toBe(100);
    run(pace, 2, 0, 0.01, 5);
    expect(pace.rows).toBe(400);
  });

  it('learns nothing from a step that found little', () => {
    const pace = createStepPace(500);
    pace.onStep(3, 0.1, 5);
    expect(pace.rows).toBe(16);
  });
});
