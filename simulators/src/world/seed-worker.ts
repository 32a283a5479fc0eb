/** A thread of its own that runs worlds: the main thread's end of it. */
import { Worker } from 'node:worker_threads';
import type { SeedRunner } from './campaign.js';
import type { WorldResult } from './run-world.js';
import type { ScenarioOverrides } from './scenario-of.js';

export interface SeedWorker extends SeedRunner {
  stop(): Promise<void>;
}

const youngGenerationMb = 96;

interface Errand {
  readonly resolve: (result: WorldResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A thread that ends is an error of the seed it has.
 *
 * @param program compiled
 */
export function startSeedWorker(
  overrides: ScenarioOverrides,
  program = new URL('./seed-thread.js', import.meta.url),
): SeedWorker {
  const thread = new Worker(program, {
    workerData: overrides,
    // Nearly all that a world makes is soon forgotten: in more room less of it is copied about.
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
  });
  let errand: Errand | undefined;
  let end: Error | undefined;

  const endWith = (error: Error): void => {
    end ??= error;
    errand?.reject(end);
    errand = undefined;
  };
  thread.on('message', (result: WorldResult) => {
    errand?.resolve(result);
    errand = undefined;
  });
  thread.on('error', endWith);
  thread.on('messageerror', endWith);
  thread.on('exit', (code) => {
    endWith(new Error(`its thread ended with ${String(code)}`));
  });

  return {
    run: (seed, signal) =>
      new Promise((resolve, reject) => {
        if (end !== undefined) {
          reject(end);
          return;
        }
        const onAbort = (): void => {
          endWith(new Error('given up'));
          void thread.terminate();
        };
        const settle = (then: () => void): void => {
          signal.removeEventListener('abort', onAbort);
          then();
        };
        signal.addEventListener('abort', onAbort);
        errand = {
          resolve: (result) => {
            settle(() => {
              resolve(result);
            });
          },
          reject: (error) => {
            settle(() => {
              reject(error);
            });
          },
        };
        thread.postMessage(seed);
      }),
    async stop() {
      await thread.terminate();
    },
  };
}
