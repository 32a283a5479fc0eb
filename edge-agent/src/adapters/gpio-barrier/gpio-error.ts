/** Lines cannot be used; the message says what a technician should do. */
export class GpioError extends Error {
  override readonly name = 'GpioError';
}

const permission =
  'no permission; add the user that runs the agent to the group "gpio", or give it access by a udev rule';
const advice: Readonly<Record<string, string>> = {
  EINVAL: 'the chip has no such line; check the BCM number and chipLabel',
  EBUSY:
    'the line is in use by another driver or program; see "gpioinfo" or /sys/kernel/debug/gpio, and free it or use another',
  EACCES: permission,
  EPERM: permission,
  ENODEV: 'the chip is gone; see the kernel log, and restart the machine',
};

/** What went wrong with lines, and what to do about it. `special` goes before what is said of a code otherwise. */
export function lineProblem(
  error: unknown,
  { what, bcm }: { readonly what: string; readonly bcm: number | readonly number[] },
  special: Readonly<Record<string, string>> = {},
): GpioError {
  if (error instanceof GpioError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  const says = special[code] ?? advice[code] ?? message;
  const numbers = typeof bcm === 'number' ? [bcm] : bcm;
  return new GpioError(`${what} (BCM ${numbers.join(', ')}): ${says}`, { cause: error });
}
