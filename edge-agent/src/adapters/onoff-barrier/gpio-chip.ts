/** Finds the sysfs number of a chip's first line. Since Linux 6.6 it is not 0 any more, so that BCM numbers must be added to it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GpioError } from './gpio-module.js';

export interface GpioChip {
  readonly label: string;
  /** sysfs number of line 0. */
  readonly base: number;
  readonly lines: number;
}

export const sysfsGpioRoot = '/sys/class/gpio';

/** The header of a Raspberry Pi 5, then that of the older ones. */
const preferredLabels = [/^pinctrl-rp1/, /^pinctrl-bcm/];

/** @throws GpioError when there is none, or several and no telling which. */
export async function findGpioChip(root: string, label: string | undefined): Promise<GpioChip> {
  const chips = await readChips(root);
  const names = chips.map((chip) => chip.label).join(', ');
  if (chips.length === 0) throw new GpioError(`${root} shows no GPIO chip: is this board's GPIO driver loaded?`);
  if (label !== undefined) {
    const named = chips.find((chip) => chip.label === label);
    if (named === undefined) throw new GpioError(`no GPIO chip is labelled ${label}; there are ${names}`);
    return named;
  }
  for (const pattern of preferredLabels) {
    const found = chips.find((chip) => pattern.test(chip.label));
    if (found !== undefined) return found;
  }
  const [only, another] = chips;
  if (only !== undefined && another === undefined) return only;
  throw new GpioError(`several GPIO chips and none of a Raspberry Pi: set chipLabel to one of ${names}`);
}

async function readChips(root: string): Promise<GpioChip[]> {
  let names: string[];
  try {
    names = await readdir(root);
  } catch (error) {
    throw new GpioError(
      `${root} is not there: this kernel has no sysfs GPIO (CONFIG_GPIO_SYSFS), or this machine no GPIO at all`,
      { cause: error },
    );
  }
  const chips: GpioChip[] = [];
  for (const name of names.filter((entry) => /^gpiochip\d+$/.test(entry)).sort()) {
    const text = async (file: string): Promise<string> => (await readFile(join(root, name, file), 'utf8')).trim();
    const base = Number(await text('base'));
    const lines = Number(await text('ngpio'));
    if (Number.isInteger(base) && Number.isInteger(lines)) chips.push({ label: await text('label'), base, lines });
  }
  return chips;
}

/** @throws GpioError when the chip has no such line. */
export function lineNumber(chip: GpioChip, what: string, bcm: number): number {
  if (bcm < chip.lines) return chip.base + bcm;
  throw new GpioError(`${what} (BCM ${String(bcm)}): ${chip.label} has lines 0 to ${String(chip.lines - 1)}`);
}
