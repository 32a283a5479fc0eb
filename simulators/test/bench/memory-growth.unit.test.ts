import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { heapsAfterCollection } from '../../src/bench/figures/memory-growth.js';

describe('the heap that great collections leave', () => {
  it('is read from what V8 tells between other output, in millions of bytes', () => {
    const output = [
      'Gatehouse aggregator',
      '[812:0x5581]     1203 ms: Mark-Compact 101.2 (140.5) -> 50.0 (129.7) MB, 12.34 / 0.50 ms  (average mu = 0.990, current mu = 0.985) task; scavenge might not succeed',
      '{"level":"warn","msg":"an edge is offline"}',
      '[812:0x5581]     5871 ms: Mark-Compact (reduce) 98.0 (139.0) -> 25.0 (60.2) MB, 30.1 / 0.0 ms  (+ 3.1 ms in 12 steps since start of marking) finalize incremental marking via task',
      '[812:0x5581]     5872 ms: Scavenge 60.0 (90.0) -> 59.0 (90.0) MB, 1.0 / 0.0 ms  allocation failure;',
      '',
    ].join('\n');
    expect(heapsAfterCollection(output)).toEqual([52.4288, 26.2144]);
    expect(heapsAfterCollection('')).toEqual([]);
  });

  it('is told so by this Node.js', () => {
    const trace = execFileSync(
      process.execPath,
      ['--trace-gc', '--trace-gc-ignore-scavenger', '--expose-gc', '-e', 'gc(); gc();'],
      { encoding: 'utf8' },
    );
    const heaps = heapsAfterCollection(trace);
    expect(heaps).toHaveLength(2);
    for (const heap of heaps) expect(heap).toBeGreaterThan(1);
  });
});
