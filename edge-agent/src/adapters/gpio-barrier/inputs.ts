/** The inputs of a barrier: clean edges on the lane's clock, out of what the lines tell. */
import type { Clock, Logger } from '@gatehouse/shared/edge';
import type { InputEdge, LaneInput } from '../../app/ports.js';
import type { GpioAccess, GpioInputOptions } from './access.js';
import { createDebouncer } from './debounce.js';
import type { Debouncer } from './debounce.js';
import { createMissedEdgeLog } from './missed-edges.js';
import type { GpioBarrierSettings, GpioInputSettings } from './settings.js';

export interface Inputs {
  /** As they were when they were opened. */
  readonly levels: ReadonlyMap<LaneInput, boolean>;
  close(): void;
}

export interface InputsOptions {
  readonly access: GpioAccess;
  readonly settings: GpioBarrierSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told what is wrong with `inputs.NAME`; undefined when nothing is any more. */
  readonly report: (where: string, problem: string | undefined) => void;
  readonly onInput: (edge: InputEdge) => void;
  /** Told how many edges were missed, each time. */
  readonly onMissed: (count: number) => void;
}

/** Inputs that act at the first edge. */
const safetyInputs: ReadonlySet<LaneInput> = new Set(['safety', 'photocell']);

/** @throws GpioError */
export function openInputs({ access, settings, clock, logger, report, onInput, onMissed }: InputsOptions): Inputs {
  const wired = Object.entries(settings.inputs) as [LaneInput, GpioInputSettings][];
  const lines = access.inputs(wired.map(([name, input]) => lineOf(name, input, access.debounces)));
  const levels = new Map<LaneInput, boolean>();
  const debouncers = new Map<number, Debouncer>();
  const whereOf = new Map(wired.map(([name, { bcm }]) => [bcm, `inputs.${name}`]));
  const sayMissed = createMissedEdgeLog(clock, logger);

  const debouncerOf = (name: LaneInput, { bcm, debounceMs }: GpioInputSettings, initial: boolean): Debouncer => {
    let last = initial;
    const isSafety = safetyInputs.has(name);
    return createDebouncer({
      clock,
      debounceMs: access.debounces && !isSafety ? 0 : debounceMs,
      activeAtOnce: isSafety,
      initial,
      read: () => {
        try {
          last = lines.read(bcm);
          report(`inputs.${name}`, undefined);
        } catch (error) {
          report(`inputs.${name}`, (error as Error).message);
        }
        return last;
      },
      onEdge: (active, monoMs) => {
        onInput({ input: name, active, monoMs });
      },
    });
  };

  try {
    for (const [name, input] of wired) {
      const initial = lines.read(input.bcm);
      levels.set(name, initial);
      debouncers.set(input.bcm, debouncerOf(name, input, initial));
    }
    lines.watch({
      onEdge({ bcm, active, ageMs }) {
        report(whereOf.get(bcm) ?? 'inputs', undefined);
        debouncers.get(bcm)?.raw(active, clock.monoMs() - ageMs);
      },
      onMissed(count) {
        onMissed(count);
        sayMissed(count);
      },
      onProblem(problem, bcms) {
        for (const bcm of bcms) report(whereOf.get(bcm) ?? 'inputs', problem.message);
      },
    });
  } catch (error) {
    lines.close();
    throw error;
  }
  return {
    levels,
    close() {
      for (const debouncer of debouncers.values()) debouncer.cancel();
      try {
        lines.close();
      } catch (error) {
        logger.warn({ error: String(error) }, 'GPIO inputs could not be released');
      }
    },
  };
}

/** Safety inputs come raw: of them the first edge counts. */
function lineOf(
  name: LaneInput,
  { bcm, activeLow, bias, debounceMs }: GpioInputSettings,
  inKernel: boolean,
): GpioInputOptions {
  const isDebounced = inKernel && !safetyInputs.has(name);
  return { what: `inputs.${name}`, bcm, activeLow, bias, debounceMs: isDebounced ? debounceMs : 0 };
}
