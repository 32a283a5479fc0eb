import { createVirtualClock } from '@gatehouse/shared';
import { describe, expect, it } from '@jest/globals';
import { timestampSeconds } from '../../src/http/metrics-source.js';

describe('a moment of the records', () => {
  it('is told as it stands while records go by the time of the machine', () => {
    const clock = createVirtualClock({ wallMs: 9_000 });
    expect(timestampSeconds({ clock, systemClock: clock }, 2_500)).toBe(2.5);
  });

  it('is as long ago as it is by the records while these go by another clock', () => {
    const clock = createVirtualClock({ wallMs: 700_000 });
    const systemClock = createVirtualClock({ wallMs: 9_000 });
    expect(timestampSeconds({ clock, systemClock }, 696_000)).toBe(5);
  });
});
