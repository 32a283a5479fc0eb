/** Which of a machine's GPIO chips has the lines that a barrier is wired to. */
import { GpioError } from './gpio-error.js';

/** The header of a Raspberry Pi 5, then that of the older ones. */
const preferredLabels = [/^pinctrl-rp1/, /^pinctrl-bcm/];

/** @throws GpioError when there is none, or several and no telling which. */
export function chooseChip<C extends { readonly label: string }>(
  chips: readonly C[],
  label: string | undefined,
  place: string,
): C {
  const names = chips.map((chip) => chip.label).join(', ');
  if (chips.length === 0) throw new GpioError(`${place} shows no GPIO chip: is this board's GPIO driver loaded?`);
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
