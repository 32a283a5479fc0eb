import type { Logger } from '@gatehouse/shared/edge';

/** Waits for what stops, and logs what does not stop well: one failure keeps nothing else from being stopped. */
export function createStopping(logger: Logger): (what: string, ...work: readonly Promise<unknown>[]) => Promise<void> {
  return async (what, ...work) => {
    for (const result of await Promise.allSettled(work)) {
      if (result.status === 'rejected') logger.warn({ error: String(result.reason) }, `${what} did not stop well`);
    }
  };
}
