/**
 * Lines through the kernel's GPIO character device. The kernel debounces, tells when an edge was and counts edges, so that none is missed
 * unnoticed. A line is held as long as its file is open. What an output does that nobody holds any more is up to kernel and chip: it
 * stays as it is, or becomes an input, and then the pulls of board and wiring decide.
 */
import { requireLine } from '../access.js';
import type { GpioAccess, GpioInputOptions, GpioInputs, GpioLineOptions } from '../access.js';
import { lineProblem } from '../gpio-error.js';
import type { DeviceChip } from './chips.js';
import { createDeviceInputs } from './inputs.js';
import {
  decodeConsumer,
  decodeRequestedFile,
  decodeValues,
  encodeLineInfo,
  encodeLineRequest,
  encodeValues,
  lineFlags,
  requests,
} from './layout.js';
import type { LineRequest } from './layout.js';
import { inputRequests } from './input-requests.js';
import type { GpioSystem } from './system.js';

const consumer = 'gatehouse';
const special = {
  EINVAL: 'the kernel gives no such line, or not in this way; see "gpioinfo", and use another',
  ENXIO: 'the line cannot tell its edges, because it has no interrupt; use another',
};

export function createDeviceAccess(system: GpioSystem, chip: DeviceChip): GpioAccess {
  const opened = new Set<GpioInputs>();
  const outputs = new Set<number>();
  let isClosed = false;

  const request = (wanted: readonly GpioLineOptions[], asked: Omit<LineRequest, 'consumer' | 'offsets'>): number => {
    const bytes = encodeLineRequest({ ...asked, consumer, offsets: wanted.map(({ bcm }) => bcm) });
    try {
      system.control(chip.file, requests.lines, bytes);
      return decodeRequestedFile(bytes);
    } catch (error) {
      throw requestProblem(system, chip, wanted, error);
    }
  };

  return {
    interface: 'character-device',
    chip,
    debounces: true,
    inputs(wanted) {
      for (const one of wanted) requireLine(one, chip);
      const groups: { readonly file: number; readonly lines: readonly GpioInputOptions[] }[] = [];
      try {
        for (const { lines, asked } of inputRequests(wanted)) groups.push({ file: request(lines, asked), lines });
      } catch (error) {
        for (const { file } of groups) system.close(file);
        throw error;
      }
      const inputs = createDeviceInputs(system, groups);
      opened.add(inputs);
      return inputs;
    },
    output(wanted) {
      requireLine(wanted, chip);
      const file = request([wanted], {
        flags: lineFlags.output | (wanted.activeLow ? lineFlags.activeLow : 0n),
        attributes: [{ kind: 'outputValues', value: wanted.initial ? 1n : 0n, mask: 1n }],
        bufferedEvents: 0,
      });
      outputs.add(file);
      const control = (kind: 'getValues' | 'setValues', values: Uint8Array): bigint => {
        try {
          system.control(file, requests[kind], values);
          return decodeValues(values);
        } catch (error) {
          throw lineProblem(error, wanted);
        }
      };
      return {
        write(active) {
          control('setValues', encodeValues(active ? 1n : 0n, 1n));
        },
        read: () => control('getValues', encodeValues(0n, 1n)) === 1n,
      };
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      for (const inputs of opened) inputs.close();
      for (const file of outputs) system.close(file);
      system.close(chip.file);
    },
  };
}

/** Of several lines the kernel does not say which one it refuses; a used one can be found. */
function requestProblem(
  system: GpioSystem,
  chip: DeviceChip,
  wanted: readonly GpioLineOptions[],
  error: unknown,
): Error {
  const { code } = error as NodeJS.ErrnoException;
  for (const line of code === 'EBUSY' ? wanted : []) {
    const user = consumerOf(system, chip, line.bcm);
    if (user === undefined) continue;
    return lineProblem(error, line, { EBUSY: usedBy(user) });
  }
  const all = { what: wanted.map(({ what }) => what).join(', '), bcm: wanted.map(({ bcm }) => bcm) };
  return lineProblem(error, all, special);
}

function usedBy(user: string): string {
  if (user === 'sysfs') {
    return 'the line is in use through sysfs, as an agent with the driver onoff leaves its outputs; write the number it has there to /sys/class/gpio/unexport, or restart the machine';
  }
  const name = user === '' ? 'another driver or program' : `“${user}”`;
  return `the line is in use by ${name}; free it or use another`;
}

function consumerOf(system: GpioSystem, chip: DeviceChip, bcm: number): string | undefined {
  try {
    const info = encodeLineInfo(bcm);
    system.control(chip.file, requests.lineInfo, info);
    return decodeConsumer(info);
  } catch {
    // Only for the message; the refusal itself is told in any case.
    return undefined;
  }
}
