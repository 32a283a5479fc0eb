import { describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';
import { createLaneWatch } from '../../src/barrier-test/lane-watch.js';

function rig() {
  const clock = createVirtualClock({ wallMs: 0 });
  const end = new AbortController();
  return { clock, end, watch: createLaneWatch(clock, end.signal) };
}

describe('waiting for an input', () => {
  it('ends when it comes, or is there already', async () => {
    const { clock, watch } = rig();
    const waited = watch.until(() => watch.isActive('safety'), 100);
    watch.listener.onInput({ input: 'safety', active: true, monoMs: 0 });
    expect(await waited).toBe('met');
    expect(await watch.until(() => watch.isActive('safety'), 100)).toBe('met');
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends when the time is over, and not before', async () => {
    const { clock, watch } = rig();
    let waited = '';
    void watch.until(() => false, 100).then((how) => (waited = how));
    clock.advance(99);
    await Promise.resolve();
    expect(waited).toBe('');
    clock.advance(1);
    await Promise.resolve();
    expect(waited).toBe('late');
  });

  it('ends when the driver fails, and when the end was asked for, also before', async () => {
    const { clock, end, watch } = rig();
    watch.listener.onTrouble('the chip is gone');
    expect(await watch.until(() => true, 100)).toBe('trouble');
    watch.listener.onTroubleOver();
    const waited = watch.until(() => false, 100);
    end.abort();
    expect(await waited).toBe('ended');
    expect(await watch.until(() => true, 100)).toBe('ended');
    expect(clock.pendingTimers).toBe(0);
  });

  it('takes an edge for newer than the levels at the start', () => {
    const { watch } = rig();
    watch.listener.onInput({ input: 'safety', active: true, monoMs: 0 });
    watch.begin(
      new Map([
        ['safety', false],
        ['arming', true],
      ]),
    );
    expect([watch.isActive('safety'), watch.isActive('arming'), watch.isWired('fire')]).toEqual([true, true, false]);
  });
});
