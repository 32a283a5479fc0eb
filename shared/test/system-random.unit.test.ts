import { describe, expect, it } from '@jest/globals';
import { systemRandom } from '../src/node/system.js';

describe('chance of the machine', () => {
  it('gives as many hexadecimal digits as asked for, never the same ones again', () => {
    const seen = new Set<string>();
    for (let round = 0; round < 2_000; round += 1) {
      for (const byteCount of [8, 16, 33]) {
        const text = systemRandom.hex(byteCount);
        expect(text).toMatch(new RegExp(`^[0-9a-f]{${String(2 * byteCount)}}$`));
        seen.add(text);
      }
    }
    expect(seen.size).toBe(6_000);
    expect(systemRandom.hex(10_000)).toHaveLength(20_000);
    expect(systemRandom.hex(0)).toBe('');
  });

  it('draws numbers from 0 up to 1, evenly', () => {
    const drawn = Array.from({ length: 20_000 }, () => systemRandom.next());
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThan(1);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    // Ten standard deviations of the mean of 20,000 even draws.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.0205);
  });
});
