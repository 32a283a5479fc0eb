/** The GPIO of this machine through sysfs. */
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@gatehouse/shared';
import type { GpioWorld } from '../../doctor/gpio.js';
import { findSysfsChip, sysfsGpioRoot } from '../gpio-barrier/sysfs/chips.js';
import { loadOnoff } from '../gpio-barrier/sysfs/onoff.js';

export const machineGpio: GpioWorld = {
  findChip: (label) => findSysfsChip(sysfsGpioRoot, label),
  async exportProblem() {
    try {
      await access(join(sysfsGpioRoot, 'export'), constants.W_OK);
      return undefined;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? messageOf(error);
    }
  },
  async driverProblem() {
    try {
      await loadOnoff();
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  },
};
