/**
 * A barrier on GPIO lines through sysfs, by the `onoff` package. It only asks: what keeps people safe is the barrier's own wiring.
 * A process that is killed leaves outputs as they are; the service manager's stop hook and a hardware one-shot take care of that.
 */
import type { Clock, Logger } from '@gatehouse/shared';
import type { BarrierDriver, BarrierListener, LaneInput } from '../../app/ports.js';
import { createDebouncer } from './debounce.js';
import type { Debouncer } from './debounce.js';
import { findGpioChip, lineNumber, sysfsGpioRoot } from './gpio-chip.js';
import type { GpioChip } from './gpio-chip.js';
import { lineProblem, loadOnoff } from './gpio-module.js';
import type { GpioLine, GpioModule } from './gpio-module.js';
import { createOutputs } from './outputs.js';
import type { OutputName, Outputs } from './outputs.js';
import type { OnoffBarrierSettings, OnoffInputSettings } from './settings.js';
import { createSign } from './sign.js';

export interface OnoffBarrierOptions {
  readonly settings: OnoffBarrierSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: loads the `onoff` package. */
  readonly load?: () => Promise<GpioModule>;
  /** Default `/sys/class/gpio`; only for finding the chip. */
  readonly sysfsRoot?: string;
}

/** Inputs that act at the first edge. */
const safetyInputs: ReadonlySet<LaneInput> = new Set(['safety', 'photocell']);

/** `start` rejects with a GpioError that says what to do when a line cannot be had. */
export function createOnoffBarrier(options: OnoffBarrierOptions): BarrierDriver {
  const { settings, clock, logger } = options;
  const wired = Object.entries(settings.inputs) as [LaneInput, OnoffInputSettings][];
  const sign = settings.sign === undefined ? undefined : createSign(settings.sign, logger);
  const inputLines = new Map<LaneInput, GpioLine>();
  const debouncers = new Map<LaneInput, Debouncer>();
  const troubles = new Map<string, string>();
  let outputs: Outputs | undefined;
  let listener: BarrierListener | undefined;

  const report = (where: string, problem: string | undefined): void => {
    const hadTrouble = troubles.size > 0;
    if (problem === undefined) troubles.delete(where);
    else troubles.set(where, problem);
    if (problem !== undefined) listener?.onTrouble(problem.slice(0, 200));
    else if (hadTrouble && troubles.size === 0) listener?.onTroubleOver();
  };

  const openOutputs = (gpio: GpioModule, chip: GpioChip): void => {
    const lines = new Map<OutputName, GpioLine>();
    for (const [name, output] of Object.entries(settings.outputs)) {
      if (output === undefined) continue;
      // The kernel takes the first level raw, before active-low counts.
      const first = output.activeLow ? 'high' : 'low';
      const line = openLine(
        `outputs.${name}`,
        output.bcm,
        (number) => {
          return new gpio.Gpio(number, first, 'none', { activeLow: output.activeLow });
        },
        chip,
      );
      lines.set(name as OutputName, line);
    }
    outputs = createOutputs({
      settings,
      lines,
      clock,
      onWrite: (name, error) => {
        const bcm = settings.outputs[name]?.bcm ?? 0;
        report(`outputs.${name}`, error === undefined ? undefined : lineProblem(error, `outputs.${name}`, bcm).message);
      },
    });
    outputs.safe();
  };

  const openInput = (gpio: GpioModule, chip: GpioChip, name: LaneInput, input: OnoffInputSettings): boolean => {
    const what = `inputs.${name}`;
    const line = openLine(
      what,
      input.bcm,
      (number) => {
        return new gpio.Gpio(number, 'in', 'both', { activeLow: input.activeLow });
      },
      chip,
    );
    inputLines.set(name, line);
    const initial = line.readSync() === 1;
    let last = initial;
    const debouncer = createDebouncer({
      clock,
      debounceMs: input.debounceMs,
      activeAtOnce: safetyInputs.has(name),
      initial,
      read: () => {
        try {
          last = line.readSync() === 1;
          report(what, undefined);
        } catch (error) {
          report(what, lineProblem(error, what, input.bcm).message);
        }
        return last;
      },
      onEdge: (active) => listener?.onInput({ input: name, active, monoMs: clock.monoMs() }),
    });
    debouncers.set(name, debouncer);
    line.watch((error, level) => {
      if (error !== null && error !== undefined) {
        report(what, lineProblem(error, what, input.bcm).message);
        return;
      }
      report(what, undefined);
      last = level === 1;
      debouncer.raw(last);
    });
    return initial;
  };

  const release = (): void => {
    outputs?.safe();
    for (const debouncer of debouncers.values()) debouncer.cancel();
    debouncers.clear();
    for (const [name, line] of inputLines) {
      try {
        line.unwatchAll();
        line.unexport();
      } catch (error) {
        logger.warn({ input: name, error: String(error) }, 'a GPIO line could not be released');
      }
    }
    inputLines.clear();
    // Output lines stay exported: giving one back can let its level go.
    outputs = undefined;
  };

  return {
    inputs: new Set(wired.map(([name]) => name)),
    async start(newListener) {
      const gpio = await (options.load ?? loadOnoff)();
      const chip = await findGpioChip(options.sysfsRoot ?? sysfsGpioRoot, settings.chipLabel);
      logger.info({ chip: chip.label, base: chip.base }, 'GPIO chip found');
      listener = newListener;
      try {
        openOutputs(gpio, chip);
        return new Map(wired.map(([name, input]) => [name, openInput(gpio, chip, name, input)]));
      } catch (error) {
        listener = undefined;
        release();
        throw error;
      }
    },
    requestOpen: () => outputs?.open(),
    requestClose: () => outputs?.close(),
    setHoldOpen: (holdOpen) => outputs?.setHoldOpen(holdOpen),
    setLamp: (lamp) => outputs?.setLamp(lamp),
    showText: (text) => sign?.show(text),
    async stop() {
      listener = undefined;
      if (outputs === undefined) return;
      release();
      sign?.show('');
      await sign?.idle();
    },
  };
}

function openLine(what: string, bcm: number, make: (number: number) => GpioLine, chip: GpioChip): GpioLine {
  const number = lineNumber(chip, what, bcm);
  try {
    return make(number);
  } catch (error) {
    throw lineProblem(error, what, bcm);
  }
}
