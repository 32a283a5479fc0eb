/** The outputs of a barrier: relays that are pulsed or held, never open and close at once. */
import type { Clock } from '@gatehouse/shared/edge';
import type { Lamp } from '../../app/ports.js';
import type { GpioOutput } from './access.js';
import { safeLevels } from './safe-levels.js';
import type { OutputName } from './safe-levels.js';
import type { GpioBarrierSettings } from './settings.js';

export interface Outputs {
  open(): void;
  close(): void;
  setHoldOpen(holdOpen: boolean): void;
  setLamp(lamp: Lamp): void;
  /** Everything to its safe level, timers cancelled. */
  safe(): void;
}

export interface OutputsOptions {
  readonly settings: GpioBarrierSettings;
  readonly lines: ReadonlyMap<OutputName, GpioOutput>;
  readonly clock: Clock;
  /** Told after every write how it went. */
  readonly onWrite: (output: OutputName, problem: unknown) => void;
}

/** Without a contact that holds, the open pulse is repeated, for controllers that close by themselves. */
export const holdRepeatMs = 5_000;

export function createOutputs({ settings, lines, clock, onWrite }: OutputsOptions): Outputs {
  const timers = new Map<OutputName | 'repeat', () => void>();
  let holdOpen = false;

  const write = (output: OutputName, active: boolean): void => {
    const line = lines.get(output);
    if (line === undefined) return;
    try {
      line.write(active);
      onWrite(output, undefined);
    } catch (error) {
      onWrite(output, error);
    }
  };
  const cancel = (name: OutputName | 'repeat'): void => {
    timers.get(name)?.();
    timers.delete(name);
  };
  const pulse = (output: OutputName, pulseMs: number): void => {
    cancel(output);
    write(output, true);
    timers.set(
      output,
      clock.setTimer(pulseMs, () => {
        timers.delete(output);
        write(output, false);
      }),
    );
  };
  const release = (output: OutputName): void => {
    cancel(output);
    write(output, false);
  };
  const open = (): void => {
    release('close');
    const output = settings.outputs.open;
    if (output.mode === 'hold') write('open', true);
    else pulse('open', output.pulseMs);
  };
  const repeatOpen = (): void => {
    open();
    if (settings.outputs.open.mode === 'pulse' && settings.outputs.holdOpen === undefined) {
      timers.set('repeat', clock.setTimer(holdRepeatMs, repeatOpen));
    }
  };

  return {
    open,
    close() {
      if (holdOpen) return;
      release('open');
      if (settings.outputs.close !== undefined) pulse('close', settings.outputs.close.pulseMs);
    },
    setHoldOpen(next) {
      holdOpen = next;
      cancel('repeat');
      write('holdOpen', next);
      if (next) repeatOpen();
    },
    setLamp(lamp) {
      write('red', lamp === 'red');
      write('green', lamp === 'green');
    },
    safe() {
      for (const stop of timers.values()) stop();
      timers.clear();
      holdOpen = false;
      for (const [output, active] of safeLevels(settings)) write(output, active);
    },
  };
}
