/** How vehicles follow one another, and requests of the floor likewise: one after the other, with chance between. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than an edge waits to tell its state after a change: steel is slower than that. */
const pauseMinMs = 70;
const pauseMaxMs = 110;

/** Keeps what is measured out of step with timers and with the disk. */
export function pauseByChance(): Promise<void> {
  return sleep(pauseMinMs + Math.random() * (pauseMaxMs - pauseMinMs));
}
