/** The clock, chance and hash of the machine. */
import { hash, randomBytes } from 'node:crypto';
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

export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  hex: (byteCount) => randomBytes(byteCount).toString('hex'),
};

export const sha256: Sha256 = (text) => hash('sha256', text, 'hex');
