import { afterEach, describe, expect, it } from '@jest/globals';
import { startSeedWorker } from '../../src/world/seed-worker.js';
import type { SeedWorker } from '../../src/world/seed-worker.js';

const never = new AbortController().signal;
let worker: SeedWorker | undefined;

function startThread(onSeed: string): SeedWorker {
  const source = `import { parentPort, workerData } from 'node:worker_threads'; parentPort.on('message', (seed) => { ${onSeed} });`;
  worker = startSeedWorker({ minutes: 3 }, new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  return worker;
}

afterEach(() => worker?.stop());

describe('a thread that runs worlds', () => {
  it('answers seed after seed', async () => {
    const thread = startThread('parentPort.postMessage({ passages: seed * workerData.minutes })');
    expect(await thread.run(2, never)).toEqual({ passages: 6 });
    expect(await thread.run(5, never)).toEqual({ passages: 15 });
  });

  it.each([
    ['throws', 'throw new Error("a mistake")', 'a mistake'],
    ['leaves a rejection to nobody', 'Promise.reject(new Error("unheard"))', 'unheard'],
    ['ends by itself', 'process.exit(3)', 'its thread ended with 3'],
  ])('fails the seed that it has, and every later one, when it %s', async (_what, onSeed, message) => {
    const thread = startThread(onSeed);
    await expect(thread.run(1, never)).rejects.toThrow(message);
    await expect(thread.run(2, never)).rejects.toThrow(message);
  });

  it('gives up the seed that it has when it is told to', async () => {
    const thread = startThread('for (;;);');
    const interrupt = new AbortController();
    const run = thread.run(1, interrupt.signal);
    interrupt.abort();
    await expect(run).rejects.toThrow('given up');
  });
});
