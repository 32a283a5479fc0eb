/** What the machine tells the test outside, and how it waits. */
import { setTimeout as pause } from 'node:timers/promises';

/** An emulated processor has little time for it. */
export const pollMs = 20;
/** On a busy machine the agent needs minutes to start. */
const patienceMs = 300_000;

/** @param {string} what @param {Record<string, unknown>} [more] */
export function tell(what, more = {}) {
  const atMs = Math.round(performance.now());
  process.stdout.write(`\n@gpio ${JSON.stringify({ what, atMs, ...more })}\n`);
}

/** @param {string} awaited @param {() => boolean | Promise<boolean>} holds */
export async function until(awaited, holds) {
  const endMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`${awaited}: not within ${String(patienceMs)} ms`);
    await pause(pollMs);
  }
}
