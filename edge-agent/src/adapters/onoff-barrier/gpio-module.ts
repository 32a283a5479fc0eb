/** The part of the `onoff` package that is used, loaded only when a gate is wired to real lines. */

export type GpioLevel = 0 | 1;

export interface GpioLine {
  readSync(): GpioLevel;
  writeSync(level: GpioLevel): void;
  watch(callback: (error: Error | null | undefined, level: GpioLevel) => void): void;
  unwatchAll(): void;
  unexport(): void;
}

export interface GpioModule {
  readonly Gpio: new (
    line: number,
    direction: 'in' | 'high' | 'low',
    edge: 'none' | 'both',
    options: { readonly activeLow: boolean },
  ) => GpioLine;
}

/** The barrier's lines cannot be used; the message says what a technician should do. */
export class GpioError extends Error {
  override readonly name = 'GpioError';
}

export async function loadOnoff(): Promise<GpioModule> {
  try {
    return await import('onoff');
  } catch (error) {
    throw new GpioError(
      'the driver onoff needs the npm package "onoff", which is not installed or was not built here: run "npm install onoff" (it needs a C++ compiler, make and python3)',
      { cause: error },
    );
  }
}

/** What went wrong with one line, and what to do about it. */
export function lineProblem(error: unknown, what: string, bcm: number): GpioError {
  const { code, message } = error as NodeJS.ErrnoException;
  const line = `${what} (BCM ${String(bcm)})`;
  const advice: Readonly<Record<string, string>> = {
    EINVAL: 'the chip has no such line; check the BCM number and chipLabel',
    EBUSY:
      'the line is in use by another driver or program; see "gpioinfo" or /sys/kernel/debug/gpio, and free it or use another',
    EACCES: 'no permission; add the user that runs the agent to the group "gpio", or give it access by a udev rule',
    EPERM: 'no permission; add the user that runs the agent to the group "gpio", or give it access by a udev rule',
    ENOENT: 'the kernel offers no sysfs GPIO; it needs CONFIG_GPIO_SYSFS',
  };
  return new GpioError(`${line}: ${advice[code ?? ''] ?? message}`, { cause: error });
}
