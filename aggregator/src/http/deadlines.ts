/**
 * Notices requests whose answer does not begin in time. All have the same time, so that one timer serves them all: a timer and a signal
 * for each would cost more than many a request.
 */
import type { CancelTimer, Clock } from '@gatehouse/shared';

export interface Deadlines<T> {
  /** Its time begins. Answers its place. */
  enter(request: T): number;
  /** It was answered, or given up. May be called for one that has left already. */
  leave(request: T, place: number): void;
  stop(): void;
}

interface Place<T> {
  request: T | null;
  dueMs: number;
}

/** `onExpired` is called once for each that did not leave within `timeoutMs`, the oldest first; it has left then. */
export function createDeadlines<T>(
  clock: Pick<Clock, 'monoMs' | 'setTimer'>,
  timeoutMs: number,
  onExpired: (request: T) => void,
): Deadlines<T> {
  /**
   * As many as ever ran at once, used again and again. A Map makes itself a new table after so many changes, and an old table keeps what
   * was in it, and the table after it, for the next great collection of garbage: every request would live until then.
   */
  const places: Place<T>[] = [];
  const free: number[] = [];
  let cancelTimer: CancelTimer | null = null;

  const vacate = (place: Place<T>, index: number): void => {
    place.request = null;
    free.push(index);
  };

  const arm = (): void => {
    let nextMs = Infinity;
    for (const { request, dueMs } of places) if (request !== null && dueMs < nextMs) nextMs = dueMs;
    if (nextMs < Infinity) cancelTimer = clock.setTimer(Math.max(1, nextMs - clock.monoMs()), expire);
  };
  const expire = (): void => {
    const nowMs = clock.monoMs();
    const expired: { readonly request: T; readonly dueMs: number }[] = [];
    for (const [index, place] of places.entries()) {
      const { request, dueMs } = place;
      if (request === null || dueMs > nowMs) continue;
      expired.push({ request, dueMs });
      vacate(place, index);
    }
    expired.sort((a, b) => a.dueMs - b.dueMs);
    for (const { request } of expired) onExpired(request);
    cancelTimer = null;
    arm();
  };

  return {
    enter(request) {
      const dueMs = clock.monoMs() + timeoutMs;
      const index = free.pop() ?? places.push({ request: null, dueMs }) - 1;
      const place = places[index];
      if (place !== undefined) {
        place.request = request;
        place.dueMs = dueMs;
      }
      // The timer goes on when its request has left: it looks at the next one then, and is not set anew for each.
      cancelTimer ??= clock.setTimer(timeoutMs, expire);
      return index;
    },
    leave(request, index) {
      const place = places[index];
      // Somebody else may have its place by now.
      if (place?.request === request) vacate(place, index);
    },
    stop() {
      cancelTimer?.();
      cancelTimer = null;
      places.length = 0;
      free.length = 0;
    },
  };
}
