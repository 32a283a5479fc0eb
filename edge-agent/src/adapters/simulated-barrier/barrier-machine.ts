/** The barrier itself: a motor that takes time, limit switches, and the wired interlock that never closes on a vehicle. */
import { armArrivalMs, armPosition, arrivedArm, closedArm, driveArm } from './arm.js';
import type { Arm } from './arm.js';
import type { Agenda } from './agenda.js';
import type { ArmStep } from './physical-events.js';
import type { Sensors } from './sensors.js';
import type { SimulatedLaneSettings } from './settings.js';

export interface BarrierMachine {
  open(): void;
  close(): void;
  /** Somebody lifts the arm by force. */
  push(): void;
  /** The arm falls back after it was pushed, unless it was asked to open meanwhile. */
  fallBack(): void;
  setHoldOpen(holdOpen: boolean): void;
  setPower(on: boolean): void;
  setStuck(stuck: boolean): void;
  setLimitsLost(lost: boolean): void;
  /** The safety loop's detector, wired to the motor control. */
  onSafety(active: boolean): void;
  readonly isOpen: boolean;
  readonly isHeldOpen: boolean;
  readonly isClosing: boolean;
}

export function createBarrierMachine(
  settings: SimulatedLaneSettings,
  agenda: Agenda,
  sensors: Sensors,
  onStep: (step: ArmStep) => void,
): BarrierMachine {
  let arm: Arm = { ...closedArm, sinceMs: agenda.nowMs };
  let powered = true;
  let stuck = false;
  let limitsLost = false;
  let holdOpen = false;
  let pushed = false;
  let cancelArrival: () => void = () => undefined;

  const setLimits = (): void => {
    const position = armPosition(arm, settings, agenda.nowMs);
    const still = arm.moving === 'still';
    sensors.set('limit-open', !limitsLost && still && position >= 1);
    sensors.set('limit-closed', !limitsLost && still && position <= 0);
  };
  const drive = (wanted: Arm['wanted'], canMove: boolean): void => {
    const before = arm.moving;
    arm = driveArm(arm, settings, agenda.nowMs, wanted, canMove);
    cancelArrival();
    const arrivalMs = armArrivalMs(arm, settings);
    if (arrivalMs !== undefined) cancelArrival = agenda.at(arrivalMs, arrive);
    setLimits();
    if (arm.moving === before) return;
    if (arm.moving === 'up') onStep(before === 'down' ? 'reversed' : 'opening');
    else onStep(arm.moving === 'down' ? 'closing' : 'stopped');
  };
  const arrive = (): void => {
    const step = arm.moving === 'up' ? 'open' : 'closed';
    arm = arrivedArm(arm, agenda.nowMs);
    setLimits();
    onStep(step);
  };
  const request = (wanted: 'up' | 'down'): void => {
    if (!powered) return;
    pushed = false;
    if (wanted === 'down' && (sensors.level('safety') || holdOpen)) {
      onStep('close-refused');
      return;
    }
    drive(wanted, !stuck);
  };

  setLimits();
  return {
    open: () => {
      request('up');
    },
    close: () => {
      request('down');
    },
    push() {
      pushed = true;
      drive('up', true);
    },
    fallBack() {
      if (pushed && !holdOpen) drive('down', !stuck);
      pushed = false;
    },
    setHoldOpen(next) {
      holdOpen = next;
      if (holdOpen) request('up');
    },
    setPower(on) {
      powered = on;
      if (on) drive(holdOpen ? 'up' : 'still', !stuck);
      else if (settings.powerCutArm === 'stays') drive('still', false);
      else drive(settings.powerCutArm === 'drops' ? 'down' : 'up', !stuck);
    },
    setStuck(next) {
      stuck = next;
      drive(arm.wanted, powered && !stuck);
    },
    setLimitsLost(lost) {
      limitsLost = lost;
      setLimits();
    },
    onSafety(active) {
      if (active && arm.moving === 'down' && powered) drive('up', !stuck);
    },
    get isOpen() {
      return arm.moving !== 'down' && armPosition(arm, settings, agenda.nowMs) >= 1;
    },
    get isHeldOpen() {
      return holdOpen;
    },
    get isClosing() {
      return arm.moving === 'down';
    },
  };
}
