/**
 * What every part asks of the world outside it. Factories take these as arguments, so that the simulators can run the
 * production code with a virtual clock, chance and log.
 */

/** Cancels the timer; calling it again, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/** Two clocks and one kind of timer. Records take the wall clock, durations and timers the monotonic one. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. May jump, in both directions. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start; never goes back within one boot. May carry a fraction. */
  monoMs(): number;
  /** Calls `callback` once, `delayMs` of monotonic time from now (0 or less: as soon as possible, never at once). */
  setTimer(delayMs: number, callback: () => void): CancelTimer;
}

/** A source of chance: cryptographic in production, seeded in simulations. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** `byteCount` random bytes as lower-case hexadecimal. */
  hex(byteCount: number): string;
}

/** SHA-256 of the UTF-8 bytes of a text, as 64 lower-case hexadecimal digits. */
export type Sha256 = (text: string) => string;

/** Fields of a structured log line. Never put a plate, a key or a code in one. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A structured log: `debug` for developers, `info` for operators, `warn` and `error` for whoever is called at night. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
