/** Notices when two running agents use one identity: each start draws a new instance, so an older one that comes back lives on. */

export interface IdentityWatch {
  /** Answers whether this message shows two instances alternating. */
  onInstance(instance: string, monoMs: number): boolean;
  /** Whether an alarm is due; at most one a period. Call `onAlarm` once it is stored. */
  isAlarmDue(monoMs: number): boolean;
  onAlarm(monoMs: number): void;
}

/** Instances remembered of one edge. */
const maxInstances = 16;
/** What an older instance had under way may come late, once; this many returns in a period do not happen by lateness. */
const returnsThatAlarm = 2;

export function createIdentityWatch(periodMs: number): IdentityWatch {
  return new Watch(periodMs);
}

const nothing: readonly never[] = [];

/** A class, because there is one for every edge. */
class Watch implements IdentityWatch {
  readonly #periodMs: number;
  /** In the order they were first seen. */
  #seen: readonly string[] = nothing;
  #current: string | null = null;
  #returnedAtMs: readonly number[] = nothing;
  #alarmedAtMs: number | null = null;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  onInstance(instance: string, monoMs: number): boolean {
    if (instance === this.#current) return false;
    this.#current = instance;
    if (!this.#seen.includes(instance)) {
      this.#seen = [...this.#seen, instance].slice(-maxInstances);
      return false;
    }
    if (instance === this.#seen.at(-1)) return false;
    const recent = this.#returnedAtMs.filter((at) => monoMs - at < this.#periodMs);
    this.#returnedAtMs = [...recent, monoMs].slice(-returnsThatAlarm);
    return this.#returnedAtMs.length >= returnsThatAlarm;
  }

  isAlarmDue(monoMs: number): boolean {
    return this.#alarmedAtMs === null || monoMs - this.#alarmedAtMs >= this.#periodMs;
  }

  onAlarm(monoMs: number): void {
    this.#alarmedAtMs = monoMs;
  }
}
