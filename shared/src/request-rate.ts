/** How often somebody may ask: so many times in a window that begins with the first of them. */
import type { Clock } from './ports.js';

export interface RequestRate {
  readonly max: number;
  /** Counts one more; answers for how many seconds nothing more is taken, at least 1, or 0 when it is taken. */
  count(who: string): number;
}

export interface RequestRateBounds {
  /** Of one, in a window. */
  readonly max: number;
  readonly windowMs: number;
  /** Beyond this many, whoever began the longest ago is forgotten. */
  readonly maxRemembered: number;
}

interface Window {
  readonly endMs: number;
  count: number;
}

export function createRequestRate(
  { max, windowMs, maxRemembered }: RequestRateBounds,
  clock: Pick<Clock, 'monoMs'>,
): RequestRate {
  /** In the order they began. */
  const windows = new Map<string, Window>();

  const begin = (who: string, nowMs: number): Window => {
    // Deleted before it is set, so that it comes last.
    windows.delete(who);
    if (windows.size >= maxRemembered) {
      const [oldest] = windows.keys();
      if (oldest !== undefined) windows.delete(oldest);
    }
    const window = { endMs: nowMs + windowMs, count: 0 };
    windows.set(who, window);
    return window;
  };

  return {
    max,
    count(who) {
      const nowMs = clock.monoMs();
      const known = windows.get(who);
      const window = known !== undefined && nowMs < known.endMs ? known : begin(who, nowMs);
      window.count += 1;
      return window.count > max ? Math.max(1, Math.ceil((window.endMs - nowMs) / 1_000)) : 0;
    },
  };
}
