/** Waiting for a condition with a deadline, never for a time. */
import { setTimeout as sleep } from 'node:timers/promises';

export async function until(what: string, condition: () => boolean, deadlineMs = 10_000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`did not come about within ${String(deadlineMs)} ms: ${what}`);
    await sleep(5);
  }
}
