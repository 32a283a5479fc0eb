/** How the outputs of a barrier stand while no program looks after it: at start, at stop, and after a crash. */
import type { GpioAccess, GpioOutput } from './access.js';
import type { SafeSettings } from './settings.js';

export type OutputName = keyof SafeSettings['outputs'];

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

/** Makes a line an output that is at its safe level from the first moment. @throws GpioError */
export function openSafely(access: GpioAccess, settings: SafeSettings, name: OutputName): GpioOutput | undefined {
  const output = settings.outputs[name];
  if (output === undefined) return undefined;
  const { bcm, activeLow } = output;
  return access.output({ what: `outputs.${name}`, bcm, activeLow, initial: safeLevels(settings).get(name) ?? false });
}
