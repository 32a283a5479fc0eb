/** What the machine tells the test outside, and how it waits. */
import { setTimeout as pause } from 'node:timers/promises';

export const pollMs = 5;
/** An emulated processor needs half a minute for the start of the agent when the machine outside is busy. */
const patienceMs = 120_000;

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
