/** How the outputs of a barrier stand while no program looks after it: at start, at stop, and after a crash. */
import type { GpioAccess, GpioOutput } from './access.js';
import type { GpioBarrierSettings } from './settings.js';

export type OutputName = keyof GpioBarrierSettings['outputs'];
export type SafeSettings = Pick<GpioBarrierSettings, 'outputs' | 'safeLamp' | 'safeHoldOpen'>;

/** Of the outputs that are wired: whether each is active. What closes lets go first, so that open and close never draw together. */
export function safeLevels({ outputs, safeLamp, safeHoldOpen }: SafeSettings): ReadonlyMap<OutputName, boolean> {
  const levels: readonly (readonly [OutputName, boolean])[] = [
    ['close', false],
    ['open', safeHoldOpen && outputs.open.mode === 'hold'],
    ['holdOpen', safeHoldOpen],
    ['red', safeLamp === 'red'],
    ['green', safeLamp === 'green'],
  ];
  return new Map(levels.filter(([name]) => outputs[name] !== undefined));
}

/** Makes the lines outputs, each at its safe level from the first moment. @throws GpioError */
export function openSafely(access: GpioAccess, settings: SafeSettings): ReadonlyMap<OutputName, GpioOutput> {
  const opened = new Map<OutputName, GpioOutput>();
  for (const [name, initial] of safeLevels(settings)) {
    const output = settings.outputs[name];
    if (output === undefined) continue;
    const { bcm, activeLow } = output;
    opened.set(name, access.output({ what: `outputs.${name}`, bcm, activeLow, initial }));
  }
  return opened;
}
