/** The inputs of a simulated lane: what is physically there, through detectors that answer late, fail, or have no power. */
import type { LaneInput } from '../../app/ports.js';
import type { Agenda } from './agenda.js';
import type { PhysicalEvent } from './physical-events.js';
import type { SimulatedLaneSettings } from './settings.js';

export const simulatedInputs = ['arming', 'safety', 'limit-open', 'limit-closed', 'fire', 'tamper'] as const;
export type SimulatedInput = (typeof simulatedInputs)[number] & LaneInput;

export type Defect = 'stuck' | 'dead' | 'chatter';

export interface Sensors {
  /** What is physically so; loops report it after the detector's response time. */
  set(input: SimulatedInput, active: boolean): void;
  setDefect(input: SimulatedInput, defect: Defect, active: boolean): void;
  setPower(on: boolean): void;
  /** What the input reports now. */
  level(input: SimulatedInput): boolean;
  levels(): ReadonlyMap<LaneInput, boolean>;
}

interface Channel {
  /** What is there, as late as the detector sees it. */
  present: boolean;
  reported: boolean;
  chatterHigh: boolean;
  readonly defects: Set<Defect>;
  cancelChatter: (() => void) | undefined;
}

export function createSensors(
  settings: SimulatedLaneSettings,
  agenda: Agenda,
  emit: (event: PhysicalEvent) => void,
  onLevel: (input: SimulatedInput, active: boolean) => void,
): Sensors {
  const channels = new Map<SimulatedInput, Channel>(
    simulatedInputs.map((input) => [
      input,
      { present: false, reported: false, chatterHigh: false, defects: new Set(), cancelChatter: undefined },
    ]),
  );
  let powered = true;

  const channel = (input: SimulatedInput): Channel => {
    const found = channels.get(input);
    if (found === undefined) throw new RangeError(`no input ${input}`);
    return found;
  };
  const reading = ({ defects, present, chatterHigh }: Channel): boolean => {
    if (!powered || defects.has('dead')) return false;
    if (defects.has('stuck')) return true;
    return defects.has('chatter') ? present && chatterHigh : present;
  };
  const refresh = (input: SimulatedInput): void => {
    const state = channel(input);
    const active = reading(state);
    if (active === state.reported) return;
    state.reported = active;
    emit({ type: 'input', atMs: agenda.nowMs, input, active });
    onLevel(input, active);
  };
  const chatter = (input: SimulatedInput): void => {
    const state = channel(input);
    state.cancelChatter?.();
    state.cancelChatter = undefined;
    if (!state.defects.has('chatter') || !state.present) return;
    state.chatterHigh = !state.chatterHigh;
    refresh(input);
    state.cancelChatter = agenda.at(agenda.nowMs + settings.chatterPeriodMs, () => {
      chatter(input);
    });
  };
  const arrive = (input: SimulatedInput, active: boolean): void => {
    const state = channel(input);
    state.present = active;
    chatter(input);
    refresh(input);
  };

  return {
    set(input, active) {
      const lateMs = input === 'arming' || input === 'safety' ? settings.detectorResponseMs : 0;
      if (lateMs === 0) arrive(input, active);
      else
        agenda.at(agenda.nowMs + lateMs, () => {
          arrive(input, active);
        });
    },
    setDefect(input, defect, active) {
      const state = channel(input);
      if (active) state.defects.add(defect);
      else state.defects.delete(defect);
      chatter(input);
      refresh(input);
    },
    setPower(on) {
      powered = on;
      for (const input of simulatedInputs) refresh(input);
    },
    level: (input) => channel(input).reported,
    levels: () => new Map([...channels].map(([input, state]) => [input, state.reported])),
  };
}
