import { describe, expect, it } from '@jest/globals';
import { checkInThreads } from '../../src/allowance-model/check-threads.js';
import type { CheckLine } from '../../src/allowance-model/check.js';
import { scenarios } from '../../src/allowance-model/scenario.js';

const program = new URL('../../dist/allowance-model/check-thread.js', import.meta.url);

describe('the check in threads', () => {
  it('gives its lines in their order, whichever thread is first', async () => {
    const lines: CheckLine[] = [];
    await checkInThreads({ threads: 2, lines: 2, program, onLine: (line) => lines.push(line) });
    const { network, longer } = scenarios;
    expect(lines.map(({ scenario, ok }) => [scenario, ok])).toEqual([
      [network.name, true],
      [longer.name, true],
    ]);
  }, 120_000);

  it('fails when a thread does', async () => {
    const broken = new URL(
      'data:text/javascript,import{parentPort as p}from"node:worker_threads";p.on("message",()=>process.exit(3))',
    );
    const run = checkInThreads({ threads: 1, lines: 1, program: broken, onLine: () => undefined });
    await expect(run).rejects.toThrow('a thread of the check ended with 3');
  });
});
