import { describe, expect, it } from '@jest/globals';
import { createLife } from '../../src/world/processes/life.js';
import { createTimeline } from '../../src/world/timeline.js';

describe('the timeline', () => {
  it('fires timers in the order they are due, those due together in the order they were set', async () => {
    const timeline = createTimeline();
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name} ${String(timeline.nowMs)}`);
    timeline.at(20, note('late'));
    timeline.at(10, note('first'));
    timeline.at(10, note('second'));
    const cancel = timeline.at(15, note('cancelled'));
    cancel();
    await timeline.run(100);
    expect(fired).toEqual(['first 10', 'second 10', 'late 20']);
    expect(timeline.nowMs).toBe(100);
  });

  it('does all asynchronous work at the moment it belongs to', async () => {
    const timeline = createTimeline();
    const seen: number[] = [];
    const chain = async (): Promise<void> => {
      for (let step = 0; step < 50; step += 1) await Promise.resolve();
      seen.push(timeline.nowMs);
      timeline.after(5, () => seen.push(timeline.nowMs));
    };
    timeline.at(10, () => void chain());
    timeline.at(11, () => seen.push(timeline.nowMs));
    await timeline.run(20);
    expect(seen).toEqual([10, 11, 15]);
  });

  it('stops between two timers when it is told to, and says what a timer throws', async () => {
    const timeline = createTimeline();
    let fired = 0;
    for (let at = 1; at <= 10; at += 1) timeline.at(at, () => (fired += 1));
    await timeline.run(100, () => fired === 3);
    expect([fired, timeline.nowMs]).toEqual([3, 3]);
    timeline.at(4, () => {
      throw new Error('broken');
    });
    await expect(timeline.run(100)).rejects.toThrow('broken');
  });
});

describe('a life', () => {
  it('has a clock that drifts and a wall clock that is off, and timers of its own time', async () => {
    const timeline = createTimeline();
    const time = { wallOffsetMs: 5_000, rate: 2 };
    const { clock } = createLife(timeline, time);
    const wallAtBirth = clock.wallMs();
    const fired: number[] = [];
    clock.setTimer(1_000, () => fired.push(timeline.nowMs, clock.monoMs()));
    await timeline.run(600);
    expect(fired).toEqual([500, 1_000]);
    expect(clock.monoMs()).toBe(1_200);
    time.wallOffsetMs -= 3_600_000;
    expect(clock.wallMs() - wallAtBirth).toBe(1_200 - 3_600_000);
  });

  it('hears of nothing when it is over', async () => {
    const timeline = createTimeline();
    const life = createLife(timeline, { wallOffsetMs: 0, rate: 1 });
    const heard: string[] = [];
    life.onEnd(() => heard.push('over'));
    life.clock.setTimer(10, () => heard.push('timer'));
    life.end();
    life.end();
    life.clock.setTimer(10, () => heard.push('later timer'));
    await timeline.run(100);
    expect(heard).toEqual(['over']);
  });
});
