/** The GPIO of this machine, looked at without asking for a line. */
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, silentLogger } from '@gatehouse/shared/edge';
import type { GpioWorld } from '../../doctor/gpio.js';
import { openDeviceChip } from '../gpio-barrier/character-device/chips.js';
import { decodeConsumer, encodeLineInfo, requests } from '../gpio-barrier/character-device/layout.js';
import { loadGpioSystem } from '../gpio-barrier/character-device/system.js';
import { openGpio } from '../gpio-barrier/index.js';
import { sysfsGpioRoot } from '../gpio-barrier/sysfs/chips.js';
import { loadOnoff } from '../gpio-barrier/sysfs/onoff.js';

export const machineGpio: GpioWorld = {
  async reach(gate) {
    const opened = await openGpio({ ...gate, logger: silentLogger });
    opened.close();
    return opened;
  },
  async exportProblem() {
    try {
      await access(join(sysfsGpioRoot, 'export'), constants.W_OK);
      return undefined;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? messageOf(error);
    }
  },
  async packages() {
    return [
      { names: 'onoff (sysfs)', problem: await problemOf(loadOnoff) },
      { names: 'koffi and epoll (character device)', problem: await problemOf(loadGpioSystem) },
    ];
  },
  async usersOf(chipLabel, bcms) {
    try {
      const system = await loadGpioSystem();
      const { file } = openDeviceChip(system, chipLabel);
      try {
        return new Map(
          bcms.flatMap((bcm) => {
            const info = encodeLineInfo(bcm);
            system.control(file, requests.lineInfo, info);
            const user = decodeConsumer(info);
            return user === undefined ? [] : [[bcm, user] as const];
          }),
        );
      } finally {
        system.close(file);
      }
    } catch {
      // Only the character device tells, and this machine may have none.
      return undefined;
    }
  },
};

async function problemOf(load: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await load();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
