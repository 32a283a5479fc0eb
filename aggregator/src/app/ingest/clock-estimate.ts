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
  return new Estimate(boundMs, storedOffsetMs);
}

const nothing: readonly never[] = [];

/** A class, because there is one for every edge. */
class Estimate implements ClockEstimate {
  readonly #boundMs: number;
  #samples: readonly number[];
  #doubtful: number | null = null;
  #lastState: EdgeClockReading | null = null;
  /** Our time minus the monotonic one, of the states of this boot: a wall clock that is moved changes nothing of it. */
  #monoSamples: readonly number[] = nothing;

  constructor(boundMs: number, storedOffsetMs: number | null) {
    this.#boundMs = boundMs;
    this.#samples = storedOffsetMs === null ? nothing : [storedOffsetMs];
  }

  onState(reading: EdgeClockReading, receivedAtMs: number): void {
    const before = this.#lastState;
    const sample = reading.atMs - receivedAtMs;
    const moved = before === null ? 0 : movedBetween(before, reading);
    const far = sample - (this.offsetMs ?? sample);
    // What the edge itself shows to have been moved need not be seen twice.
    if (Math.abs(moved) > this.#boundMs && Math.abs(far - moved) < Math.abs(far)) {
      this.#samples = this.#samples.map((earlier) => earlier + moved);
      this.#doubtful = null;
    }
    const monoSample = receivedAtMs - reading.monoMs;
    const isSameBoot = before?.bootId === reading.bootId;
    this.#monoSamples = [...(isSameBoot ? this.#monoSamples : []), monoSample].slice(-maxSamples);
    this.#lastState = reading;
    this.#onSample(sample);
  }

  onEvent(atMs: number, receivedAtMs: number): void {
    const sample = atMs - receivedAtMs;
    const estimate = this.offsetMs;
    if (estimate !== null && sample > estimate) this.#onSample(sample);
  }

  get offsetMs(): number | null {
    return this.#samples.length === 0 ? null : Math.max(...this.#samples);
  }

  get isOff(): boolean {
    return Math.abs(this.offsetMs ?? 0) > this.#boundMs;
  }

  correct(event: EdgeClockReading, receivedAtMs: number): CorrectedTime {
    const boundMs = this.#boundMs;
    const lastState = this.#lastState;
    const offset = this.offsetMs ?? 0;
    const isOff = Math.abs(offset) > boundMs;
    const wasMoved = lastState !== null && Math.abs(movedBetween(event, lastState)) > boundMs;
    const byWall = isOff ? event.atMs - offset : event.atMs;
    const isSameBoot = lastState?.bootId === event.bootId;
    const found = isSameBoot && (isOff || wasMoved) ? event.monoMs + Math.min(...this.#monoSamples) : byWall;
    // A clock that agrees with that is right by now.
    const corrected = Math.abs(found - event.atMs) <= boundMs ? event.atMs : found;
    const clockOff = corrected !== event.atMs || corrected > receivedAtMs + boundMs;
    return { atMs: Math.max(0, Math.min(corrected, receivedAtMs)), clockOff };
  }

  /** One sample far below the estimate may have been slow to come; two that agree mean that the clock was moved. */
  #onSample(sample: number): void {
    const estimate = this.offsetMs;
    if (estimate === null || Math.abs(sample - estimate) <= this.#boundMs) {
      this.#doubtful = null;
      this.#samples = [...this.#samples, sample].slice(-maxSamples);
      return;
    }
    if (this.#doubtful !== null && Math.abs(sample - this.#doubtful) <= this.#boundMs) {
      this.#doubtful = null;
      this.#samples = [sample];
      return;
    }
    this.#doubtful = sample;
  }
}

/** By how much the wall clock was moved on the monotonic one of the same boot, from one reading to another. */
function movedBetween(from: EdgeClockReading, to: EdgeClockReading): number {
  return from.bootId === to.bootId ? to.atMs - to.monoMs - (from.atMs - from.monoMs) : 0;
}
