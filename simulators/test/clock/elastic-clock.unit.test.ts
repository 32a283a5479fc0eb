import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createVirtualClock } from '@gatehouse/shared';
import { createElasticClock } from '../../src/clock/elastic-clock.js';

const startWallMs = Date.UTC(2024, 0, 1);

const createPair = (speed: number) => {
  const base = createVirtualClock({ wallMs: 0 });
  return { base, clock: createElasticClock({ base, startWallMs, speed }) };
};

describe('elastic clock', () => {
  it('runs as many times as fast as real time as it is told', () => {
    const { base, clock } = createPair(3600);
    base.advance(1000);
    expect(clock.monoMs()).toBe(3_600_000);
    expect(clock.wallMs()).toBe(startWallMs + 3_600_000);
  });

  it('stands exactly at the moment a timer is due while it fires, however late the event loop is', () => {
    const { base, clock } = createPair(1000);
    const seen: number[] = [];
    clock.setTimer(7, () => seen.push(clock.monoMs()));
    clock.setTimer(3, () => seen.push(clock.wallMs() - startWallMs));
    base.advance(50);
    expect(seen).toEqual([3, 7]);
  });

  it('does not pass a timer that has not fired', () => {
    const real = { nowMs: 0 };
    const waiting: (() => void)[] = [];
    const base = {
      wallMs: () => real.nowMs,
      monoMs: () => real.nowMs,
      setTimer: (_delayMs: number, callback: () => void) => {
        waiting.push(callback);
        return () => undefined;
      },
    };
    const clock = createElasticClock({ base, startWallMs, speed: 100 });
    clock.setTimer(500, () => undefined);
    real.nowMs = 60_000;
    expect(clock.monoMs()).toBe(500);
    waiting[0]?.();
    expect(clock.monoMs()).toBeGreaterThan(500);
  });

  it('slows down while somebody asks for it, to the slowest pace asked for', () => {
    const { base, clock } = createPair(1000);
    const releaseOne = clock.slowTo(10);
    const releaseTwo = clock.slowTo(2);
    base.advance(100);
    expect(clock.monoMs()).toBe(200);
    releaseTwo();
    base.advance(100);
    expect(clock.monoMs()).toBe(1200);
    releaseOne();
    releaseOne();
    base.advance(1);
    expect(clock.monoMs()).toBe(2200);
    expect(clock.stats().slowedMs).toBe(200);
  });

  it('never runs faster than its speed because somebody asks for a faster pace', () => {
    const { base, clock } = createPair(5);
    clock.slowTo(100);
    base.advance(10);
    expect(clock.monoMs()).toBe(50);
  });

  it('takes a slower pace from the moment of the timer that asked for it', () => {
    const { base, clock } = createPair(1000);
    const firedAtRealMs: number[] = [];
    clock.setTimer(1000, () => {
      clock.slowTo(1);
    });
    clock.setTimer(1005, () => firedAtRealMs.push(base.monoMs()));
    base.advance(100);
    expect(firedAtRealMs).toEqual([6]);
  });

  it('goes from timer to timer at infinite speed, and stands still between them', () => {
    const { base, clock } = createPair(Infinity);
    base.advance(1000);
    expect(clock.monoMs()).toBe(0);
    const seen: number[] = [];
    clock.setTimer(3_600_000, () => {
      seen.push(clock.monoMs());
      clock.setTimer(86_400_000, () => seen.push(clock.monoMs()));
    });
    base.advance(0);
    expect(seen).toEqual([3_600_000, 90_000_000]);
  });

  it('makes up for lateness within its bound and counts what is beyond it', () => {
    const real = { nowMs: 0 };
    const waiting: (() => void)[] = [];
    const clock = createElasticClock({
      base: {
        wallMs: () => real.nowMs,
        monoMs: () => real.nowMs,
        setTimer: (_delayMs, callback) => {
          waiting.push(callback);
          return () => undefined;
        },
      },
      startWallMs,
      speed: 10,
      maxLatenessMs: 100,
    });
    clock.setTimer(10, () => undefined);
    real.nowMs = 1001;
    waiting.shift()?.();
    expect(clock.stats().givenUpMs).toBe(900);
    expect(clock.monoMs()).toBe(10 + 100 * 10);
  });

  it('goes on after a timer that throws', () => {
    const { base, clock } = createPair(1);
    let fired = false;
    clock.setTimer(5, () => {
      throw new Error('a broken callback');
    });
    clock.setTimer(6, () => (fired = true));
    expect(() => {
      base.advance(5);
    }).toThrow('a broken callback');
    base.advance(5);
    expect(fired).toBe(true);
  });

  it('fires nothing after it was stopped', () => {
    const { base, clock } = createPair(1);
    let fired = false;
    clock.setTimer(5, () => (fired = true));
    clock.stop();
    base.advance(100);
    expect(fired).toBe(false);
  });

  it('refuses a speed or pace that is not above 0', () => {
    expect(() => createPair(0)).toThrow(RangeError);
    expect(() => createPair(NaN)).toThrow(RangeError);
    expect(() => createPair(1).clock.slowTo(-1)).toThrow(RangeError);
  });
});

type Step =
  | { readonly act: 'timer'; readonly delayMs: number }
  | { readonly act: 'slow'; readonly pace: number }
  | { readonly act: 'release' }
  | { readonly act: 'cancel' }
  | { readonly act: 'wait'; readonly realMs: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ act: fc.constant('timer' as const), delayMs: fc.nat(100_000) }),
    fc.record({ act: fc.constant('slow' as const), pace: fc.integer({ min: 1, max: 2000 }) }),
    fc.record({ act: fc.constant('release' as const) }),
    fc.record({ act: fc.constant('cancel' as const) }),
    fc.record({ act: fc.constant('wait' as const), realMs: fc.nat(200) }),
  ),
  { maxLength: 60 },
);

describe('elastic clock, whatever happens', () => {
  it('fires every timer once, in due order, at its due time, and time never goes back', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(1, 60, 10_000, Infinity), (given, speed) => {
        const { base, clock } = createPair(speed);
        const fired: { dueMs: number; order: number; atMs: number }[] = [];
        const expected: { dueMs: number; order: number }[] = [];
        const releases: (() => void)[] = [];
        const cancels: { order: number; cancel: () => void }[] = [];
        const cancelled = new Set<number>();
        let latestMs = 0;
        const look = (): void => {
          const nowMs = clock.monoMs();
          expect(nowMs).toBeGreaterThanOrEqual(latestMs);
          latestMs = nowMs;
        };
        for (const step of given) {
          look();
          if (step.act === 'timer') {
            const due = { dueMs: clock.monoMs() + step.delayMs, order: expected.length };
            expected.push(due);
            const cancel = clock.setTimer(step.delayMs, () => {
              look();
              fired.push({ ...due, atMs: clock.monoMs() });
            });
            cancels.push({ order: due.order, cancel });
          } else if (step.act === 'slow') releases.push(clock.slowTo(step.pace));
          else if (step.act === 'release') releases.pop()?.();
          else if (step.act === 'wait') base.advance(step.realMs);
          else {
            const last = cancels.pop();
            last?.cancel();
            if (last !== undefined && !fired.some(({ order }) => order === last.order)) cancelled.add(last.order);
          }
        }
        for (const release of releases) release();
        base.advance(10_000_000);
        for (const { dueMs, atMs } of fired) expect(atMs).toBe(dueMs);
        const inOrder = expected
          .filter(({ order }) => !cancelled.has(order))
          .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order);
        expect(fired.map(({ order }) => order)).toEqual(inOrder.map(({ order }) => order));
      }),
    );
  });
});
