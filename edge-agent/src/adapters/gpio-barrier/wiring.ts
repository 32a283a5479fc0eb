/** What is wrong with the wiring of the gates of one machine, as far as the configuration shows it. */
import type { GpioBarrierSettings, GpioDriver } from './settings.js';

export interface GateOnLines {
  readonly gateId: string;
  readonly barrier:
    { readonly driver: GpioDriver; readonly settings: GpioBarrierSettings } | { readonly driver: 'simulated' };
}

export interface WiringProblem {
  /** From the list of gates on. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export function wiringProblems(gates: readonly GateOnLines[]): WiringProblem[] {
  return [...sharedLines(gates), ...biasesThroughSysfs(gates)];
}

/** What to do where a bias is wanted and sysfs, which cannot set one, is used. */
export function biasAdvice(bcm: number, bias: string): string {
  const pull = { 'pull-up': 'pu', 'pull-down': 'pd', disabled: 'pn' }[bias] ?? '';
  return `sysfs cannot set it: on a Raspberry Pi write gpio=${String(bcm)}=${pull} into config.txt and leave it out here, or set driver: character-device`;
}

/** Gates without a label have the chip that others may name. */
function sharedLines(gates: readonly GateOnLines[]): WiringProblem[] {
  const taken: { readonly bcm: number; readonly chipLabel: string | undefined; readonly gateId: string }[] = [];
  return gates.flatMap(({ gateId, barrier }, index) => {
    if (barrier.driver === 'simulated') return [];
    const { inputs, outputs, chipLabel } = barrier.settings;
    return [...Object.values(inputs), ...Object.values(outputs)].flatMap((line) => {
      if (line === undefined) return [];
      const { bcm } = line;
      const other = taken.find((one) => {
        const mayBeSameChip = one.chipLabel === chipLabel || one.chipLabel === undefined || chipLabel === undefined;
        return one.bcm === bcm && one.gateId !== gateId && mayBeSameChip;
      });
      taken.push({ bcm, chipLabel, gateId });
      if (other === undefined) return [];
      const message = `line ${String(bcm)} belongs to gate ${other.gateId} already`;
      return [{ path: [index, 'barrier', 'settings'], message }];
    });
  });
}

function biasesThroughSysfs(gates: readonly GateOnLines[]): WiringProblem[] {
  return gates.flatMap(({ barrier }, index) => {
    if (barrier.driver !== 'onoff') return [];
    return Object.entries(barrier.settings.inputs).flatMap(([name, { bcm, bias }]) => {
      if (bias === 'as-is') return [];
      const path = [index, 'barrier', 'settings', 'inputs', name, 'bias'];
      return [{ path, message: biasAdvice(bcm, bias) }];
    });
  });
}
