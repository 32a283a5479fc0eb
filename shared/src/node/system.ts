/** The clock, chance and hash of the machine. */
import { hash, randomBytes, randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Clock, Random, Sha256 } from '../ports.js';

/** Longest delay `setTimeout` takes; longer ones are armed again. */
const maxTimeoutMs = 2_147_483_647;

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monoMs: () => performance.now(),
  setTimer(delayMs, callback) {
    const dueMs = performance.now() + delayMs;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = Math.max(0, dueMs - performance.now());
      handle = setTimeout(leftMs > maxTimeoutMs ? arm : callback, Math.min(leftMs, maxTimeoutMs));
    };
    arm();
    return () => {
      clearTimeout(handle);
    };
  },
};

/** Chance is drawn ahead: a call of the system for every id costs as much as all else that makes it. */
const drawn = Buffer.alloc(4096);
let drawnUsed = drawn.length;

/** @returns `byteCount` random bytes as hexadecimal digits; none of them stays in memory. */
function randomHex(byteCount: number): string {
  if (byteCount > drawn.length) return randomBytes(byteCount).toString('hex');
  if (drawnUsed + byteCount > drawn.length) {
    randomFillSync(drawn);
    drawnUsed = 0;
  }
  const end = drawnUsed + byteCount;
  const text = drawn.toString('hex', drawnUsed, end);
  drawn.fill(0, drawnUsed, end);
  drawnUsed = end;
  return text;
}

export const systemRandom: Random = {
  next: () => Number.parseInt(randomHex(6), 16) / 2 ** 48,
  hex: randomHex,
};

export const sha256: Sha256 = (text) => hash('sha256', text, 'hex');
