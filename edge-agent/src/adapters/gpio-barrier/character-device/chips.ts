/** The chips that the character device shows. */
import { chooseChip } from '../choose-chip.js';
import { GpioError } from '../gpio-error.js';
import { decodeChipInfo, emptyChipInfo, encodeLineInfo, requests } from './layout.js';
import type { ChipInfo } from './layout.js';
import type { GpioSystem } from './system.js';

export interface DeviceChip extends ChipInfo {
  readonly path: string;
  /** Open. */
  readonly file: number;
}

/** @throws GpioError when there is none, several and no telling which, no permission, or a kernel that is too old. */
export function openDeviceChip(system: GpioSystem, label: string | undefined): DeviceChip {
  const opened: DeviceChip[] = [];
  let chosen: DeviceChip | undefined;
  try {
    openAll(system, label, opened);
    chosen = chooseChip(opened, label, '/dev');
    requireSecondVersion(system, chosen);
    return chosen;
  } catch (error) {
    chosen = undefined;
    throw error;
  } finally {
    for (const chip of opened) if (chip !== chosen) system.close(chip.file);
  }
}

/** Each chip once: some systems have a second name for one. */
function openAll(system: GpioSystem, label: string | undefined, opened: DeviceChip[]): void {
  const paths = system.devices();
  if (paths.length === 0) {
    throw new GpioError(
      'there is no /dev/gpiochip0: this kernel has no GPIO character device (CONFIG_GPIO_CDEV), this machine no GPIO at all, or the device was not given to this container',
    );
  }
  let refusal: GpioError | undefined;
  for (const path of paths) {
    try {
      const file = system.open(path);
      const known = { path, file, ...chipInfo(system, file) };
      if (opened.some(({ name }) => name === known.name)) system.close(file);
      else opened.push(known);
    } catch (error) {
      refusal = refusalOf(path, error);
    }
  }
  const found = label === undefined ? opened.length > 0 : opened.some((chip) => chip.label === label);
  if (!found && refusal !== undefined) throw refusal;
}

function chipInfo(system: GpioSystem, file: number): ChipInfo {
  try {
    const info = emptyChipInfo();
    system.control(file, requests.chipInfo, info);
    return decodeChipInfo(info);
  } catch (error) {
    system.close(file);
    throw error;
  }
}

function requireSecondVersion(system: GpioSystem, { path, file }: DeviceChip): void {
  try {
    system.control(file, requests.lineInfo, encodeLineInfo(0));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'ENOTTY') throw refusalOf(path, error);
    throw new GpioError(
      `${path}: this kernel does not know version 2 of the GPIO character device: use Linux 5.10 or newer, or set driver: onoff`,
      { cause: error },
    );
  }
}

function refusalOf(path: string, error: unknown): GpioError {
  const { code, message } = error as NodeJS.ErrnoException;
  const isPermission = code === 'EACCES' || code === 'EPERM';
  const says = isPermission
    ? 'no permission; add the user that runs the agent to the group "gpio", or give it access by a udev rule'
    : message;
  return new GpioError(`${path}: ${says}`, { cause: error });
}
