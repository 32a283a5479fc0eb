/** Waiting with a bound. */
import type { Clock } from '@gatehouse/shared';

/** Resolves when `work` does, and at the latest after `timeoutMs`; answers whether it was in time. Rejects when `work` does. */
export async function withinMs(clock: Clock, timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  let cancel: () => void = () => undefined;
  const timeout = new Promise<boolean>((resolve) => {
    cancel = clock.setTimer(timeoutMs, () => {
      resolve(false);
    });
  });
  try {
    return await Promise.race([work.then(() => true), timeout]);
  } finally {
    cancel();
  }
}
