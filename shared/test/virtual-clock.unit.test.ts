import { describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';

describe('virtual clock', () => {
  it('fires timers in due order, each exactly at its due time, those due together in the order they were set', () => {
    const clock = createVirtualClock({ wallMs: 1_000_000 });
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name}@${String(clock.monoMs())}`);
    clock.setTimer(20, note('late'));
    clock.setTimer(10, note('first'));
    clock.setTimer(10, note('second'));
    clock.advance(15);
    expect(fired).toEqual(['first@10', 'second@10']);
    expect(clock.monoMs()).toBe(15);
    expect(clock.wallMs()).toBe(1_000_015);
    clock.advance(5);
    expect(fired).toEqual(['first@10', 'second@10', 'late@20']);
  });

  it('fires timers that timers set, if they fall due on the way', () => {
    const clock = createVirtualClock({ wallMs: 0 });
    const firedAtMs: number[] = [];
    const again = (): void => {
      firedAtMs.push(clock.monoMs());
      if (firedAtMs.length < 5) clock.setTimer(10, again);
    };
    clock.setTimer(10, again);
    clock.advance(35);
    expect(firedAtMs).toEqual([10, 20, 30]);
    expect(clock.nextDueMonoMs).toBe(40);
  });

  it('never fires a cancelled timer, and never at once', () => {
    const clock = createVirtualClock({ wallMs: 0 });
    let fired = 0;
    const cancel = clock.setTimer(0, () => (fired += 1));
    clock.setTimer(-5, () => (fired += 10));
    expect(fired).toBe(0);
    cancel();
    cancel();
    clock.advance(0);
    expect(fired).toBe(10);
    expect(clock.pendingTimers).toBe(0);
  });

  it('moves the wall clock without touching monotonic time', () => {
    const clock = createVirtualClock({ wallMs: 50, monoMs: 7 });
    clock.jumpWall(-1000);
    expect([clock.wallMs(), clock.monoMs()]).toEqual([-950, 7]);
  });

  it('lets asynchronous work settle at the moment it belongs to', async () => {
    const clock = createVirtualClock({ wallMs: 0 });
    const seenAtMs: number[] = [];
    clock.setTimer(10, () => void Promise.resolve().then(() => seenAtMs.push(clock.monoMs())));
    clock.setTimer(20, () => undefined);
    await clock.advanceSettled(30, async () => {
      await Promise.resolve();
    });
    expect(seenAtMs).toEqual([10]);
  });
});
