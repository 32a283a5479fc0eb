import { describe, expect, it } from '@jest/globals';
import type { Random } from '@gatehouse/shared';
import { createIds } from '../../src/app/turn/new-id.js';

function constant(digit: string): Random {
  return { next: () => 0.5, hex: (byteCount) => digit.repeat(byteCount * 2) };
}

describe('ids of rows', () => {
  it('are 128 bits as hexadecimal, at any time', () => {
    for (const nowMs of [0, Date.UTC(2026, 10, 23), 2 ** 48 - 1, 2 ** 60, -5]) {
      expect(createIds(constant('a'), nowMs)()).toMatch(/^[0-9a-f]{12}a{20}$/);
    }
  });

  it('go up with time, whatever is drawn', () => {
    const nowMs = Date.UTC(2026, 10, 23);
    expect(createIds(constant('f'), nowMs)() < createIds(constant('0'), nowMs + 1)()).toBe(true);
  });
});
