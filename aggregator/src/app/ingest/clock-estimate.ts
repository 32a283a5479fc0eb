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

export function createClockEstimate(boundMs: number, storedOffsetMs: number | null): ClockEstimate {
  let samples: readonly number[] = storedOffsetMs === null ? [] : [storedOffsetMs];
  let doubtful: number | null = null;
  let lastState: EdgeClockReading | null = null;
  /** Our time minus the monotonic one, of the states of this boot: a wall clock that is moved changes nothing of it. */
  let monoSamples: readonly number[] = [];

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

  /** By how much the wall clock was moved on the monotonic one of the same boot, from one reading to another. */
  const movedBetween = (from: EdgeClockReading, to: EdgeClockReading): number =>
    from.bootId === to.bootId ? to.atMs - to.monoMs - (from.atMs - from.monoMs) : 0;

  return {
    onState(reading, receivedAtMs) {
      const sample = reading.atMs - receivedAtMs;
      const moved = lastState === null ? 0 : movedBetween(lastState, reading);
      const far = sample - (offsetMs() ?? sample);
      // What the edge itself shows to have been moved need not be seen twice.
      if (Math.abs(moved) > boundMs && Math.abs(far - moved) < Math.abs(far)) {
        samples = samples.map((earlier) => earlier + moved);
        doubtful = null;
      }
      const monoSample = receivedAtMs - reading.monoMs;
      const isSameBoot = lastState?.bootId === reading.bootId;
      monoSamples = [...(isSameBoot ? monoSamples : []), monoSample].slice(-maxSamples);
      lastState = reading;
      onSample(sample);
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
      const offset = offsetMs() ?? 0;
      const isOff = Math.abs(offset) > boundMs;
      const wasMoved = lastState !== null && Math.abs(movedBetween(event, lastState)) > boundMs;
      const byWall = isOff ? event.atMs - offset : event.atMs;
      const isSameBoot = lastState?.bootId === event.bootId;
      const found = isSameBoot && (isOff || wasMoved) ? event.monoMs + Math.min(...monoSamples) : byWall;
      // A clock that agrees with that is right by now.
      const corrected = Math.abs(found - event.atMs) <= boundMs ? event.atMs : found;
      const clockOff = corrected !== event.atMs || corrected > receivedAtMs + boundMs;
      return { atMs: Math.max(0, Math.min(corrected, receivedAtMs)), clockOff };
    },
  };
}
