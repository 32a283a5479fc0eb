/**
 * The physical model of one lane: loops, arm, limit switches, interlock, plate reader and vehicles. A discrete-event model that
 * knows no clock: it is told the time, answers what happened until then with exact times, and says when it next has something to do.
 */
import type { Random } from '@gatehouse/shared/edge';
import type { Lamp, LaneInput } from '../../app/ports.js';
import { createAgenda } from './agenda.js';
import { createBarrierMachine } from './barrier-machine.js';
import { laneGeometry } from './geometry.js';
import type { PhysicalEvent, VehiclePlace } from './physical-events.js';
import { createSensors } from './sensors.js';
import type { Defect, SimulatedInput } from './sensors.js';
import type { SimulatedFault, SimulatedLaneSettings, VehicleOrder } from './settings.js';
import { createTraffic } from './traffic.js';

export type LaneOutput =
  | { readonly kind: 'open' }
  | { readonly kind: 'close' }
  | { readonly kind: 'hold-open'; readonly on: boolean }
  | { readonly kind: 'lamp'; readonly lamp: Lamp }
  | { readonly kind: 'text'; readonly text: string };

export interface LanePhysicsOptions {
  readonly settings: SimulatedLaneSettings;
  readonly hasReader: boolean;
  readonly random: Random;
  /** The time at which the model begins; the arm is closed and the lane empty. */
  readonly startMs: number;
}

export interface LanePhysics {
  /** Answers the vehicle's id, or undefined when the queue is full. */
  send(atMs: number, order: VehicleOrder): string | undefined;
  /** An output of the controller. A time that is past means now. */
  output(atMs: number, output: LaneOutput): void;
  setFault(atMs: number, fault: SimulatedFault, active: boolean): void;
  setPower(atMs: number, on: boolean): void;
  /** Lets the model run until `nowMs`; answers what happened, in order. */
  advanceTo(nowMs: number): readonly PhysicalEvent[];
  /** When something happens next if nobody interferes; undefined for never. */
  readonly nextMs: number | undefined;
  levels(): ReadonlyMap<LaneInput, boolean>;
  /** Where each vehicle in the lane is, from its tail to its head along the lane; asked for no time after `nextMs`. */
  places(atMs: number): readonly VehiclePlace[];
  /** Vehicles that wait behind the lane. */
  readonly queuedVehicles: number;
  readonly vehiclesInLane: number;
}

export function createLanePhysics(options: LanePhysicsOptions): LanePhysics {
  const { settings, random } = options;
  const agenda = createAgenda(options.startMs);
  const geometry = laneGeometry(settings);
  let happened: PhysicalEvent[] = [];
  const emit = (event: PhysicalEvent): void => {
    happened.push(event);
  };
  const faults = new Set<SimulatedFault>();
  let powered = true;
  let lamp: Lamp = 'off';

  const sensors = createSensors(settings, agenda, emit, (input, active) => {
    if (input === 'safety') machine.onSafety(active);
  });
  const machine = createBarrierMachine(settings, agenda, sensors, (step) => {
    emit({ type: 'arm', atMs: agenda.nowMs, step });
    if (step === 'open') traffic.onArmOpen();
    if (step === 'closing') traffic.onArmClosing();
  });
  const traffic = createTraffic({
    settings,
    geometry,
    agenda,
    random,
    machine,
    emit,
    canRead: () => options.hasReader && powered && !faults.has('reader-silent'),
    lamp: () => lamp,
    onCovered: (loop, covered) => {
      sensors.set(loop, covered);
    },
  });

  const drive = (output: LaneOutput): void => {
    switch (output.kind) {
      case 'open':
        machine.open();
        if (powered) traffic.onGrant();
        break;
      case 'close':
        machine.close();
        break;
      case 'hold-open':
        machine.setHoldOpen(output.on);
        if (output.on && machine.isOpen) traffic.onArmOpen();
        break;
      case 'lamp':
        lamp = powered ? output.lamp : 'off';
        if (lamp === 'green') traffic.onGrant();
        else traffic.onLamp();
        break;
      case 'text':
        if (powered) traffic.onSign(output.text);
        break;
    }
  };
  const applyFault = (fault: SimulatedFault, active: boolean): void => {
    if (active) faults.add(fault);
    else faults.delete(fault);
    const loop = /^(arming|safety)-(stuck|dead|chatter)$/.exec(fault);
    if (loop !== null) sensors.setDefect(loop[1] as SimulatedInput, loop[2] as Defect, active);
    else if (fault === 'arm-stuck') machine.setStuck(active);
    else if (fault === 'limits-lost') machine.setLimitsLost(active);
    else if (fault === 'fire' || fault === 'tamper') sensors.set(fault, active);
  };
  const applyPower = (on: boolean): void => {
    if (on === powered) return;
    powered = on;
    emit({ type: 'power', atMs: agenda.nowMs, on });
    if (!on) lamp = 'off';
    sensors.setPower(on);
    machine.setPower(on);
  };

  return {
    send: (atMs, order) => {
      agenda.advanceTo(atMs);
      return traffic.send(order);
    },
    output(atMs, output) {
      agenda.at(atMs, () => {
        drive(output);
      });
    },
    setFault(atMs, fault, active) {
      agenda.at(atMs, () => {
        applyFault(fault, active);
      });
    },
    setPower(atMs, on) {
      agenda.at(atMs, () => {
        applyPower(on);
      });
    },
    advanceTo(nowMs) {
      agenda.advanceTo(nowMs);
      const events = happened;
      happened = [];
      return events;
    },
    get nextMs() {
      return happened.length > 0 ? agenda.nowMs : agenda.nextMs;
    },
    levels: () => sensors.levels(),
    places: (atMs) => traffic.places(atMs),
    get queuedVehicles() {
      return traffic.waiting;
    },
    get vehiclesInLane() {
      return traffic.inLane;
    },
  };
}
