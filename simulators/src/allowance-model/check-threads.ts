/** Several lines of the check at a time, each in a thread of its own. */
import { Worker } from 'node:worker_threads';
import type { CheckLine } from './check.js';

export interface CheckThreads {
  readonly threads: number;
  /** How many of the lines, from the first. */
  readonly lines: number;
  /** In their order, whichever thread was first. */
  readonly onLine: (line: CheckLine) => void;
  /** Compiled. */
  readonly program?: URL;
}

/** Rejects when a thread ends before its time. */
export async function checkInThreads({ threads, lines, onLine, program }: CheckThreads): Promise<void> {
  const done = new Map<number, CheckLine>();
  let next = 0;
  let due = 0;
  const take = (number: number, line: CheckLine): void => {
    done.set(number, line);
    for (let ready = done.get(due); ready !== undefined; ready = done.get(due)) {
      done.delete(due);
      due += 1;
      onLine(ready);
    }
  };
  const workers = Array.from(
    { length: Math.min(threads, lines) },
    () => new Worker(program ?? new URL('./check-thread.js', import.meta.url)),
  );
  try {
    await Promise.all(
      workers.map(async (worker) => {
        while (next < lines) {
          const number = next;
          next += 1;
          take(number, await answerOf(worker, number));
        }
      }),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function answerOf(worker: Worker, number: number): Promise<CheckLine> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number): void => {
      reject(new Error(`a thread of the check ended with ${String(code)}`));
    };
    worker.once('exit', onExit);
    worker.once('error', reject);
    worker.once('message', (line: CheckLine) => {
      worker.off('exit', onExit);
      worker.off('error', reject);
      resolve(line);
    });
    worker.postMessage(number);
  });
}
