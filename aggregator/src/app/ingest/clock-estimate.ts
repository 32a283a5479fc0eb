/**
 * What an edge's clocks show compared with ours. A message is never older on arrival than when it was written, so that latency
 * and backlogs only make the edge's clock look slow: the highest of the recent samples is the best one.
 */

export interface EdgeClockReading {
  readonly atMs: number;
  readonly monoMs: number;
  readonly bootId: string;
}

export interface CorrectedTime {
  /** Time of the event on our clock; never after its receipt. */
  readonly atMs: number;
  /** The edge's clock was further off than the bound. */
  readonly clockOff: boolean;
}

export interface ClockEstimate {
  /** The clock of a `state`, read at the edge just before it was sent. */
  onState(reading: EdgeClockReading, receivedAtMs: number): void;
  /** The time of the newest event of a batch: tells something only if the clock is ahead of the estimate. */
  onEvent(atMs: number, receivedAtMs: number): void;
  /** The edge's wall clock minus ours, ms; null until known. */
  readonly offsetMs: number | null;
  readonly isOff: boolean;
  correct(event: EdgeClockReading, receivedAtMs: number): CorrectedTime;
}

/** Samples that are looked back on. */
const maxSamples = 8;
/** A wall clock and a monotonic clock that agree this well between two states run at the same rate. */
const steadyMs = 1_000;

export function createClockEstimate(boundMs: number, storedOffsetMs: number | null): ClockEstimate {
  let samples: number[] = storedOffsetMs === null ? [] : [storedOffsetMs];
  let doubtful: number | null = null;
  let lastState: EdgeClockReading | null = null;
  let isSteady = false;

  const offsetMs = (): number | null => (samples.length === 0 ? null : Math.max(...samples));

  const add = (sample: number): void => {
    samples = [...samples, sample].slice(-maxSamples);
  };

  /** One sample far below the estimate may have been slow to come; two that agree mean that the clock was moved. */
  const onSample = (sample: number): void => {
    const estimate = offsetMs();
    if (estimate === null || Math.abs(sample - estimate) <= boundMs) {
      doubtful = null;
      add(sample);
      return;
    }
    if (doubtful !== null && Math.abs(sample - doubtful) <= boundMs) {
      doubtful = null;
      samples = [sample];
      return;
    }
    doubtful = sample;
  };

  /** Where the wall clock stood on the monotonic one when an event was written, compared with now: not 0 if it was moved since. */
  const movedSince = (event: EdgeClockReading): number => {
    if (!isSteady || lastState?.bootId !== event.bootId) return 0;
    return lastState.atMs - lastState.monoMs - (event.atMs - event.monoMs);
  };

  return {
    onState(reading, receivedAtMs) {
      if (lastState?.bootId === reading.bootId && reading.monoMs > lastState.monoMs) {
        const drift = reading.atMs - lastState.atMs - (reading.monoMs - lastState.monoMs);
        isSteady = Math.abs(drift) <= steadyMs;
      } else {
        isSteady = false;
      }
      lastState = reading;
      onSample(reading.atMs - receivedAtMs);
    },
    onEvent(atMs, receivedAtMs) {
      const sample = atMs - receivedAtMs;
      const estimate = offsetMs();
      if (estimate !== null && sample > estimate) onSample(sample);
    },
    get offsetMs() {
      return offsetMs();
    },
    get isOff() {
      return Math.abs(offsetMs() ?? 0) > boundMs;
    },
    correct(event, receivedAtMs) {
      const moved = movedSince(event);
      const atMs = Math.abs(moved) > boundMs ? event.atMs + moved : event.atMs;
      const offset = offsetMs() ?? 0;
      const corrected = Math.abs(offset) > boundMs ? atMs - offset : atMs;
      const clockOff = corrected !== event.atMs || corrected > receivedAtMs + boundMs;
      return { atMs: Math.max(0, Math.min(corrected, receivedAtMs)), clockOff };
    },
  };
}
