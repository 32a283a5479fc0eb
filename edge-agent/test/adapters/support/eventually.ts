import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until the condition holds; fails with what was awaited when it does not within `timeoutMs`. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`did not come about within ${String(timeoutMs)} ms: ${what}`);
    await sleep(5);
  }
}
