/** The lines of one GPIO chip, whatever interface of the kernel leads to them. */
import { GpioError } from './gpio-error.js';

export type GpioInterface = 'sysfs' | 'character-device';

/** How the chip itself pulls an input; `as-is`: as it was set at the start of the machine. */
export const gpioBiases = ['as-is', 'pull-up', 'pull-down', 'disabled'] as const;
export type GpioBias = (typeof gpioBiases)[number];

export interface GpioLineOptions {
  /** How messages call it, such as `inputs.arming`. */
  readonly what: string;
  /** Number of the line within the chip: on a Raspberry Pi its BCM number. */
  readonly bcm: number;
  /** The line is active when it is low. */
  readonly activeLow: boolean;
}

export interface GpioInputOptions extends GpioLineOptions {
  readonly bias: GpioBias;
  /** How long a change must last before the kernel tells it. Has to be 0 where the kernel does not debounce. */
  readonly debounceMs: number;
}

export interface GpioOutputOptions extends GpioLineOptions {
  /** Whether it is active from the moment it is an output. */
  readonly initial: boolean;
}

export interface GpioEdge {
  readonly bcm: number;
  readonly active: boolean;
  /** How long ago the kernel saw it; 0 where it does not tell. */
  readonly ageMs: number;
}

export interface GpioEdgeListener {
  /** In the order in which the kernel saw them. May tell a level that was told before. */
  onEdge(edge: GpioEdge): void;
  /** At least so many edges were not told. What is different since then is told by `onEdge`. */
  onMissed(count: number): void;
  /** Edges of these lines may not be told any more. */
  onProblem(problem: GpioError, bcms: readonly number[]): void;
}

/** Inputs that were asked for together. */
export interface GpioInputs {
  /** Whether the line is active now. @throws GpioError */
  read(bcm: number): boolean;
  /** May be called once. */
  watch(listener: GpioEdgeListener): void;
  /** Gives the lines back. May be called twice. */
  close(): void;
}

export interface GpioOutput {
  /** @throws GpioError */
  write(active: boolean): void;
  /** Whether it is active now. @throws GpioError */
  read(): boolean;
}

/** Lines are asked for with the consumer `gatehouse`. Errors are GpioErrors, whose message says what a technician should do. */
export interface GpioAccess {
  readonly interface: GpioInterface;
  readonly chip: {
    readonly label: string;
    readonly lines: number;
    /** Where the kernel shows it: `/dev/gpiochip0`, or `/sys/class/gpio/gpiochip512`. */
    readonly path: string;
    /** Number of line 0 in sysfs; only there. */
    readonly base?: number;
  };
  /** Whether the kernel debounces inputs. */
  readonly debounces: boolean;
  /** @throws GpioError when one of them cannot be had; then none is taken. */
  inputs(wanted: readonly GpioInputOptions[]): GpioInputs;
  /** Stays an output until `close`. @throws GpioError */
  output(wanted: GpioOutputOptions): GpioOutput;
  /**
   * Gives everything back. May be called twice. Through sysfs an output stays as it is; through the character device the kernel decides
   * what an output does that nobody holds any more.
   */
  close(): void;
}

/** @throws GpioError when the chip has no such line. */
export function requireLine(
  { what, bcm }: GpioLineOptions,
  chip: { readonly label: string; readonly lines: number },
): void {
  if (bcm < chip.lines) return;
  throw new GpioError(`${what} (BCM ${String(bcm)}): ${chip.label} has lines 0 to ${String(chip.lines - 1)}`);
}
