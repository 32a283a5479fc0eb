/**
 * Notices requests whose answer does not begin in time. All have the same time, so that they expire in the order they came, and one
 * timer serves them all: a timer and a signal for each would cost more than many a request.
 */
import type { CancelTimer, Clock } from '@gatehouse/shared';

export interface Deadlines<T> {
  /** Its time begins. */
  enter(request: T): void;
  /** It was answered, or given up. May be called for one that never entered, and twice. */
  leave(request: T): void;
  stop(): void;
}

/** `onExpired` is called once for each that did not leave within `timeoutMs`; it has left then. */
export function createDeadlines<T>(
  clock: Pick<Clock, 'monoMs' | 'setTimer'>,
  timeoutMs: number,
  onExpired: (request: T) => void,
): Deadlines<T> {
  /** When each expires, the oldest first. */
  const running = new Map<T, number>();
  let cancelTimer: CancelTimer | null = null;

  const arm = (): void => {
    const [dueMs] = running.values();
    if (dueMs !== undefined) cancelTimer = clock.setTimer(Math.max(1, dueMs - clock.monoMs()), expire);
  };
  const expire = (): void => {
    const nowMs = clock.monoMs();
    for (const [request, dueMs] of running) {
      if (dueMs > nowMs) break;
      running.delete(request);
      onExpired(request);
    }
    cancelTimer = null;
    arm();
  };

  return {
    enter(request) {
      running.delete(request);
      running.set(request, clock.monoMs() + timeoutMs);
      // The timer goes on when its request has left: it looks at the next one then, and is not set anew for each.
      if (cancelTimer === null) arm();
    },
    leave(request) {
      running.delete(request);
    },
    stop() {
      cancelTimer?.();
      cancelTimer = null;
      running.clear();
    },
  };
}
