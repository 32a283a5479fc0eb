/**
 * What is on its way to the aggregator: at most a window of batches, opened to one batch after trouble and doubled on progress.
 * Pure; the caller publishes, and keeps the time.
 */
export interface SendWindow {
  /** Everything up to here is acknowledged. */
  readonly acked: number;
  /** Everything up to here was handed to the broker since the last fresh start. */
  readonly sent: number;
  /** The last seq of each batch in flight, rising. */
  readonly inFlight: readonly number[];
  /** Batches that may be in flight now. */
  readonly size: number;
  /** Resends since the last progress. */
  readonly attempts: number;
}

export function newWindow(acked: number, size: number): SendWindow {
  return { acked, sent: acked, inFlight: [], size, attempts: 0 };
}

export function canSend(window: SendWindow, next: number): boolean {
  return window.inFlight.length < window.size && window.sent < next - 1;
}

export function batchSent(window: SendWindow, last: number): SendWindow {
  return { ...window, sent: last, inFlight: [...window.inFlight, last] };
}

/** The aggregator has stored everything up to `upTo`: more may go, and what was sent beyond stays on its way. */
export function acknowledged(window: SendWindow, upTo: number, maxSize: number): SendWindow {
  return {
    acked: upTo,
    sent: Math.max(window.sent, upTo),
    inFlight: window.inFlight.filter((last) => last > upTo),
    size: Math.min(maxSize, window.size * 2),
    attempts: 0,
  };
}

/** Begins again after `upTo`, with one batch: nothing came back, or the aggregator says it stands there. */
export function startAgain(window: SendWindow, upTo: number): SendWindow {
  return { acked: upTo, sent: upTo, inFlight: [], size: 1, attempts: window.attempts + 1 };
}

/** Begins again with the whole window, as after connecting. */
export function startAfresh(window: SendWindow, size: number): SendWindow {
  return { acked: window.acked, sent: window.acked, inFlight: [], size, attempts: 0 };
}

/** How long to wait before sending again: exponential backoff with full jitter, never below the minimum. */
export function resendDelayMs(
  attempts: number,
  bounds: { readonly resendMinMs: number; readonly resendMaxMs: number },
  chance: number,
): number {
  const ceilingMs = Math.min(bounds.resendMaxMs, bounds.resendMinMs * 2 ** Math.min(30, attempts + 1));
  return bounds.resendMinMs + chance * Math.max(0, ceilingMs - bounds.resendMinMs);
}
