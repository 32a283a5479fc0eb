/** Readings of the machine for a page of metrics: a volume, a certificate. */
import { X509Certificate } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import type { Clock, Logger } from '../ports.js';

/** undefined when it failed or did not come in time. */
export type Reading<T> = () => Promise<T | undefined>;

export interface Volume {
  /** For an ordinary user: what is kept back for root does not count. */
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

/** A volume that hangs must not hang the page, nor take a thread for every scrape. */
const readingTimeoutMs = 2_000;

/** One at a time, given up after 2 s. The first of a row of failures is logged. */
export function createReading<T>(
  what: string,
  read: () => Promise<T>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Reading<T> {
  let underWay: Promise<T | undefined> | undefined;
  let failed = false;
  const attempt = async (): Promise<T | undefined> => {
    try {
      const value = await read();
      failed = false;
      return value;
    } catch (error) {
      if (!failed) logger.warn({ error: String(error) }, `${what} could not be read`);
      failed = true;
      return undefined;
    } finally {
      underWay = undefined;
    }
  };
  return async () => {
    underWay ??= attempt();
    let cancel: () => void = () => undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      cancel = clock.setTimer(readingTimeoutMs, () => {
        resolve(undefined);
      });
    });
    const value = await Promise.race([underWay, tooLate]);
    cancel();
    return value;
  };
}

/** Of the volume that `directory` is on. */
export async function readVolume(directory: string): Promise<Volume> {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
}

/**
 * When the first certificate of a PEM file ends, the one that its owner shows as its own; in seconds since the Unix epoch. Throws for
 * what is none.
 */
export function certificateEndSeconds(pem: Buffer): number {
  return Date.parse(new X509Certificate(pem).validTo) / 1000;
}
