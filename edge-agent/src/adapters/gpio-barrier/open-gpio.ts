/** Opens a GPIO chip through the interface of the kernel that a driver stands for. */
import type { Clock, Logger } from '@gatehouse/shared/edge';
import { systemClock } from '@gatehouse/shared/node';
import type { GpioAccess } from './access.js';
import { createDeviceAccess } from './character-device/access.js';
import { openDeviceChip } from './character-device/chips.js';
import { loadGpioSystem } from './character-device/system.js';
import type { GpioSystem } from './character-device/system.js';
import { GpioError } from './gpio-error.js';
import type { GpioDriver } from './settings.js';
import { createSysfsAccess } from './sysfs/access.js';
import { findSysfsChip, readSysfsLevel, sysfsGpioRoot } from './sysfs/chips.js';
import { loadOnoff } from './sysfs/onoff.js';
import type { OnoffModule } from './sysfs/onoff.js';

export interface OpenGpioOptions {
  readonly driver: GpioDriver;
  /** Undefined: the chip of a Raspberry Pi's header, else the only one there is. */
  readonly chipLabel: string | undefined;
  /** Told which chip was found. */
  readonly logger?: Logger;
  /** An input has to be pulled, which sysfs cannot do: then `gpio` chooses the character device. */
  readonly needsBias?: boolean;
  /** For reading back; default: that of the machine. */
  readonly clock?: Clock;
  /** Default: this machine. */
  readonly machine?: Partial<GpioMachine>;
}

export interface GpioMachine {
  readonly sysfsRoot: string;
  readonly loadOnoff: () => Promise<OnoffModule>;
  /** Whether the line with this number of sysfs is active. @throws an error with the code of the system */
  readonly readSysfsLevel: (number: number) => boolean;
  readonly loadSystem: () => Promise<GpioSystem>;
}

/** @throws GpioError that says what to do. */
export async function openGpio(options: OpenGpioOptions): Promise<GpioAccess> {
  const access = await openAny(options);
  const { label, base, path } = access.chip;
  options.logger?.info({ chip: label, base, path, interface: access.interface }, 'GPIO chip found');
  return access;
}

async function openAny(options: OpenGpioOptions): Promise<GpioAccess> {
  const machine = {
    ...{ sysfsRoot: sysfsGpioRoot, loadOnoff, readSysfsLevel, loadSystem: loadGpioSystem },
    ...options.machine,
  };
  if (options.driver === 'onoff') return openSysfs(options, machine);
  if (options.driver === 'character-device' || options.needsBias === true) return openDevice(options, machine);
  try {
    return await openSysfs(options, machine);
  } catch (sysfsProblem) {
    if (!(sysfsProblem instanceof GpioError)) throw sysfsProblem;
    try {
      return await openDevice(options, machine);
    } catch (error) {
      if (!(error instanceof GpioError)) throw error;
      throw new GpioError(`neither way to GPIO works: ${error.message}; and ${sysfsProblem.message}`, { cause: error });
    }
  }
}

async function openSysfs(
  { chipLabel, clock = systemClock }: OpenGpioOptions,
  machine: GpioMachine,
): Promise<GpioAccess> {
  const onoff = await machine.loadOnoff();
  const chip = await findSysfsChip(machine.sysfsRoot, chipLabel);
  return createSysfsAccess({ onoff, chip, clock, readLevel: machine.readSysfsLevel });
}

async function openDevice({ chipLabel }: OpenGpioOptions, machine: GpioMachine): Promise<GpioAccess> {
  const system = await machine.loadSystem();
  return createDeviceAccess(system, openDeviceChip(system, chipLabel));
}
