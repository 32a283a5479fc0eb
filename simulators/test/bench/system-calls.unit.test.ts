/** What strace wrote, counted. */
import { describe, expect, it } from '@jest/globals';
import { callsOn } from '../../src/bench/edge-cost/system-calls.js';

const trace = [
  '101 10.000000 pwrite64(7</data/outbox.sqlite-wal>, ""..., 4096, 32) = 4096',
  '101 10.100000 pwrite64(7</data/outbox.sqlite-wal>, ""..., 24, 8) = 24',
  '102 10.200000 fdatasync(7</data/outbox.sqlite-wal>) = 0',
  '102 10.300000 fdatasync(8</elsewhere/log> <unfinished ...>',
  '101 10.400000 write(1</elsewhere/log>, ""..., 100) = 100',
  '102 10.500000 fsync(9</data/outbox.sqlite> <unfinished ...>',
  '102 10.600000 <... fsync resumed>) = 0',
  '103 20.000000 write(7</data/outbox.sqlite-wal>, ""..., 999) = 999',
  'not a call',
].join('\n');

describe('the calls that strace saw', () => {
  it('are those on files below the folder, each once, also when another thread interrupts it', () => {
    expect(callsOn(trace, '/data', 0, 60_000)).toEqual({ syncs: 2, writes: 3, writtenBytes: 4096 + 24 + 999 });
  });

  it('are those of the time that is asked for', () => {
    expect(callsOn(trace, '/data', 10_050, 10_250)).toEqual({ syncs: 1, writes: 1, writtenBytes: 24 });
  });
});
