/** The inputs of a real gate without a barrier driver: asked for as inputs, not debounced, and no output is touched. */
import type { Clock, Logger } from '@gatehouse/shared/edge';
import type { LaneInput } from '../../app/ports.js';
import type { Wires } from '../../watch/own-lines.js';
import { openGpio } from '../gpio-barrier/index.js';
import type { GpioAccess, GpioInputs, OpenGpioOptions } from '../gpio-barrier/index.js';
import type { GpioBarrierSettings } from '../gpio-barrier/settings.js';

export interface GpioWiresOptions {
  readonly driver: OpenGpioOptions['driver'];
  readonly settings: Pick<GpioBarrierSettings, 'chipLabel' | 'inputs'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: this machine. */
  readonly open?: typeof openGpio;
}

export function createGpioWires({ driver, settings, clock, logger, open = openGpio }: GpioWiresOptions): Wires {
  const wanted = Object.entries(settings.inputs).map(([name, { bcm, activeLow, bias }]) => {
    return { name: name as LaneInput, what: `inputs.${name}`, bcm, activeLow, bias, debounceMs: 0 };
  });
  const nameOf = new Map(wanted.map(({ bcm, name }) => [bcm, name]));
  let access: GpioAccess | undefined;
  let lines: GpioInputs | undefined;
  return {
    async start(listener) {
      const needsBias = wanted.some(({ bias }) => bias !== 'as-is');
      access = await open({ driver, chipLabel: settings.chipLabel, logger, needsBias, clock });
      const inputs = access.inputs(wanted);
      lines = inputs;
      const levels = new Map(wanted.map(({ name, bcm }) => [name, inputs.read(bcm)]));
      inputs.watch({
        onEdge({ bcm, active, ageMs }) {
          const name = nameOf.get(bcm);
          if (name !== undefined) listener.onRaw(name, active, clock.monoMs() - ageMs);
        },
        onMissed(count) {
          listener.onTrouble(`at least ${String(count)} changes came too fast to be counted`);
        },
        onProblem(problem) {
          listener.onTrouble(problem.message);
        },
      });
      return levels;
    },
    stop() {
      lines?.close();
      access?.close();
      lines = undefined;
      access = undefined;
      return Promise.resolve();
    },
  };
}
