/** How often somebody may ask. */
import { describe, expect, it } from '@jest/globals';
import { createRequestRate } from '../src/request-rate.js';
import { createVirtualClock } from '../src/virtual-clock.js';

const bounds = { max: 3, windowMs: 60_000, maxRemembered: 2 };

describe('how often somebody may ask', () => {
  it('is bounded in a window that begins with the first request, and begins anew after it', () => {
    const clock = createVirtualClock({ wallMs: 0 });
    const rate = createRequestRate(bounds, clock);
    expect([rate.count('a'), rate.count('a'), rate.count('a')]).toEqual([0, 0, 0]);
    expect(rate.count('a')).toBe(60);
    clock.advance(59_500);
    expect(rate.count('a')).toBe(1);
    clock.advance(500);
    expect([rate.count('a'), rate.count('a'), rate.count('a'), rate.count('a')]).toEqual([0, 0, 0, 60]);
  });

  it('begins the next window with the first request after the last one, however late that comes', () => {
    const clock = createVirtualClock({ wallMs: 0 });
    const rate = createRequestRate(bounds, clock);
    rate.count('a');
    clock.advance(90_000);
    for (let asked = 0; asked < 3; asked += 1) rate.count('a');
    clock.advance(59_999);
    expect(rate.count('a')).toBe(1);
    clock.advance(1);
    expect(rate.count('a')).toBe(0);
  });

  it('is counted for each by itself', () => {
    const rate = createRequestRate(bounds, createVirtualClock({ wallMs: 0 }));
    for (let asked = 0; asked < 4; asked += 1) rate.count('a');
    expect(rate.count('a')).toBe(60);
    expect(rate.count('b')).toBe(0);
  });

  it('is remembered of so many, and forgotten of who began the longest ago', () => {
    const clock = createVirtualClock({ wallMs: 0 });
    const rate = createRequestRate(bounds, clock);
    for (let asked = 0; asked < 4; asked += 1) rate.count('a');
    clock.advance(1);
    for (let asked = 0; asked < 4; asked += 1) rate.count('b');
    expect(rate.count('a')).toBeGreaterThan(0);
    rate.count('c');
    expect(rate.count('b')).toBeGreaterThan(0);
    expect(rate.count('a')).toBe(0);
  });

  it('forgets nobody while a window begins anew among as many as are remembered', () => {
    const clock = createVirtualClock({ wallMs: 0 });
    const rate = createRequestRate(bounds, clock);
    rate.count('a');
    clock.advance(30_000);
    for (let asked = 0; asked < 4; asked += 1) rate.count('b');
    clock.advance(30_000);
    rate.count('a');
    expect(rate.count('b')).toBeGreaterThan(0);
  });
});
