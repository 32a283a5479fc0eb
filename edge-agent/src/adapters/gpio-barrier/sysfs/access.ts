/** Lines through sysfs, by the `onoff` package. The kernel neither debounces here nor tells when an edge was; missed ones are found by reading back. */
import type { Clock } from '@gatehouse/shared/edge';
import { requireLine } from '../access.js';
import type {
  GpioAccess,
  GpioInputOptions,
  GpioInputs,
  GpioLineOptions,
  GpioOutput,
  GpioOutputOptions,
} from '../access.js';
import { GpioError, lineProblem } from '../gpio-error.js';
import { biasAdvice } from '../wiring.js';
import type { SysfsChip } from './chips.js';
import { createSysfsInputs } from './inputs.js';
import type { OnoffLine, OnoffModule } from './onoff.js';

const special = { ENOENT: 'the kernel offers no sysfs GPIO; it needs CONFIG_GPIO_SYSFS' };

export interface SysfsAccessOptions {
  readonly onoff: OnoffModule;
  readonly chip: SysfsChip;
  /** For reading back. */
  readonly clock: Clock;
  /** Whether the line with this number is active; must not touch the file that `onoff` waits on. */
  readonly readLevel: (number: number) => boolean;
}

export function createSysfsAccess({ onoff, chip, clock, readLevel }: SysfsAccessOptions): GpioAccess {
  const opened = new Set<GpioInputs>();

  const open = (wanted: GpioLineOptions, make: (number: number) => OnoffLine): OnoffLine => {
    requireLine(wanted, chip);
    return attempt(wanted, () => make(chip.base + wanted.bcm));
  };
  const openInput = (wanted: GpioInputOptions): OnoffLine => {
    const { what, bcm, activeLow, bias } = wanted;
    if (bias !== 'as-is') throw new GpioError(`${what}.bias: ${biasAdvice(bcm, bias)}`);
    return open(wanted, (number) => new onoff.Gpio(number, 'in', 'both', { activeLow }));
  };

  return {
    interface: 'sysfs',
    chip,
    debounces: false,
    inputs(wanted) {
      const lines = new Map<GpioInputOptions, OnoffLine>();
      try {
        for (const one of wanted) lines.set(one, openInput(one));
      } catch (error) {
        for (const line of lines.values()) line.unexport();
        throw error;
      }
      const inputs = createSysfsInputs(lines, clock, (bcm) => readLevel(chip.base + bcm));
      opened.add(inputs);
      return inputs;
    },
    output(wanted: GpioOutputOptions): GpioOutput {
      const { activeLow, initial } = wanted;
      // The kernel takes the first level raw, before active-low counts.
      const first = initial === activeLow ? 'low' : 'high';
      const line = open(wanted, (number) => new onoff.Gpio(number, first, 'none', { activeLow }));
      return {
        write(active) {
          attempt(wanted, () => {
            line.writeSync(active ? 1 : 0);
          });
        },
        read: () => attempt(wanted, () => line.readSync() === 1),
      };
    },
    close() {
      for (const inputs of opened) inputs.close();
      opened.clear();
      // Output lines stay exported: giving one back can let its level go.
    },
  };
}

function attempt<T>(wanted: GpioLineOptions, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw lineProblem(error, wanted, special);
  }
}
