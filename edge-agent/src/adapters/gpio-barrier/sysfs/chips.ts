/** The chips that sysfs shows. Since Linux 6.6 the number of a chip's first line is not 0 any more, so that BCM numbers must be added to it. */
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseChip } from '../choose-chip.js';
import { GpioError } from '../gpio-error.js';

export interface SysfsChip {
  readonly label: string;
  /** sysfs number of line 0. */
  readonly base: number;
  readonly lines: number;
  readonly path: string;
}

export const sysfsGpioRoot = '/sys/class/gpio';

/** @throws GpioError when there is none, or several and no telling which. */
export async function findSysfsChip(root: string, label: string | undefined): Promise<SysfsChip> {
  return chooseChip(await readChips(root), label, root);
}

async function readChips(root: string): Promise<SysfsChip[]> {
  let names: string[];
  try {
    names = await readdir(root);
  } catch (error) {
    throw new GpioError(
      `${root} is not there: this kernel has no sysfs GPIO (CONFIG_GPIO_SYSFS), or this machine no GPIO at all`,
      { cause: error },
    );
  }
  const chips: SysfsChip[] = [];
  for (const name of names.filter((entry) => /^gpiochip\d+$/.test(entry)).sort()) {
    const path = join(root, name);
    const text = async (file: string): Promise<string> => (await readFile(join(path, file), 'utf8')).trim();
    const base = Number(await text('base'));
    const lines = Number(await text('ngpio'));
    if (Number.isInteger(base) && Number.isInteger(lines))
      chips.push({ label: await text('label'), base, lines, path });
  }
  return chips;
}

/** Whether the line with this number is active, by a file of its own: reading the one that is waited on would take back the notice of an edge. */
export function readSysfsLevel(number: number): boolean {
  return readFileSync(join(sysfsGpioRoot, `gpio${String(number)}`, 'value'), 'latin1').startsWith('1');
}
