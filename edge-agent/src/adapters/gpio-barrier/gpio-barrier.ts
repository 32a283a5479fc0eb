/**
 * A barrier on GPIO lines. It only asks: what keeps people safe is the barrier's own wiring.
 * A process that is killed may leave outputs as they are; the service manager's stop hook and a hardware one-shot take care of that.
 */
import type { Clock, Logger } from '@gatehouse/shared/edge';
import type { BarrierDriver, BarrierListener, LaneInput } from '../../app/ports.js';
import type { GpioAccess, GpioOutput } from './access.js';
import { lineProblem } from './gpio-error.js';
import { openInputs } from './inputs.js';
import type { Inputs } from './inputs.js';
import { openGpio } from './open-gpio.js';
import { createOutputs } from './outputs.js';
import type { Outputs } from './outputs.js';
import { openSafely, safeLevels } from './safe-levels.js';
import type { OutputName } from './safe-levels.js';
import { biasedInputsSchema } from './settings.js';
import type { GpioBarrierSettings, GpioDriver } from './settings.js';
import { createSign } from './sign.js';

export interface GpioBarrierOptions {
  readonly driver: GpioDriver;
  readonly settings: GpioBarrierSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of edges that no one was told of; what they left is told as usual. */
  readonly onMissedEdges?: (count: number) => void;
  /** Default: the chip of this machine that driver and settings name. */
  readonly open?: () => Promise<GpioAccess>;
}

/** `start` rejects with a GpioError that says what to do when a line cannot be had. */
export function createGpioBarrier(options: GpioBarrierOptions): BarrierDriver {
  const { driver, settings, clock, logger } = options;
  const wired = Object.entries(settings.inputs);
  const sign = settings.sign === undefined ? undefined : createSign(settings.sign, logger);
  const troubles = new Map<string, string>();
  let access: GpioAccess | undefined;
  let inputs: Inputs | undefined;
  let outputs: Outputs | undefined;
  let listener: BarrierListener | undefined;

  const openAccess = (): Promise<GpioAccess> => {
    const needsBias = biasedInputsSchema.safeParse(settings).success;
    return openGpio({ driver, chipLabel: settings.chipLabel, logger, needsBias, clock });
  };

  const report = (where: string, problem: string | undefined): void => {
    if (troubles.get(where) === problem) return;
    if (problem === undefined) troubles.delete(where);
    else troubles.set(where, problem);
    if (problem !== undefined) listener?.onTrouble(problem.slice(0, 200));
    else if (troubles.size === 0) listener?.onTroubleOver();
  };

  const openOutputs = (chip: GpioAccess): void => {
    const lines = new Map<OutputName, GpioOutput>();
    for (const name of safeLevels(settings).keys()) {
      const line = openSafely(chip, settings, name);
      if (line !== undefined) lines.set(name, line);
    }
    outputs = createOutputs({
      settings,
      lines,
      clock,
      onWrite: (name, error) => {
        const line = { what: `outputs.${name}`, bcm: settings.outputs[name]?.bcm ?? 0 };
        report(line.what, error === undefined ? undefined : lineProblem(error, line).message);
      },
    });
    outputs.safe();
  };

  const release = (): void => {
    outputs?.safe();
    outputs = undefined;
    inputs?.close();
    inputs = undefined;
    access?.close();
    access = undefined;
    troubles.clear();
  };

  return {
    inputs: new Set(wired.map(([name]) => name as LaneInput)),
    async start(newListener) {
      access = await (options.open ?? openAccess)();
      listener = newListener;
      try {
        openOutputs(access);
        inputs = openInputs({
          ...{ access, settings, clock, logger, report },
          onInput: (edge) => listener?.onInput(edge),
          onMissed: options.onMissedEdges ?? (() => undefined),
        });
        return inputs.levels;
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
