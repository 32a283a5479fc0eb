/** One vehicle in the model: its body, how it moves, and which loops it covers. */
import type { Random } from '@gatehouse/shared/edge';
import type { Agenda } from './agenda.js';
import { crossings, endMs, headAt, vehicleBody } from './geometry.js';
import type { LaneGeometry, LoopName, Motion, Span } from './geometry.js';
import type { SignText, VehicleReport } from './physical-events.js';
import type { SimulatedLaneSettings, VehicleOrder, VehicleOutcome } from './settings.js';

/** following: behind a leader that has not driven off yet. */
export type VehiclePhase = 'queued' | 'following' | 'driving-up' | 'waiting' | 'passing' | 'leaving' | 'gone';

export interface Vehicle {
  readonly id: string;
  readonly order: VehicleOrder;
  readonly lengthM: number;
  readonly body: readonly Span[];
  /** Metres in a millisecond. */
  speed: number;
  readonly reactionMs: number;
  readonly queuedAtMs: number;
  phase: VehiclePhase;
  motion: Motion;
  readonly covered: Set<string>;
  /** The barrier was asked to open, or the lamp turned green, while it was there. */
  granted: boolean;
  /** It goes through behind another. */
  following: boolean;
  /** It pushes the arm up. */
  forcing: boolean;
  arrivedAtMs: number | null;
  startedAtMs: number | null;
  readonly reads: string[];
  readonly signTexts: SignText[];
  /** What was scheduled for it; cancelled when it starts another movement or goes. */
  readonly pending: Set<() => void>;
}

const maxSignTexts = 20;

export function createVehicle(
  order: VehicleOrder,
  id: string,
  settings: SimulatedLaneSettings,
  random: Random,
  nowMs: number,
): Vehicle {
  const lengthM = order.lengthM ?? defaultLengthM(order, random);
  const speedKmh = order.speedKmh ?? between(random, settings.minSpeedKmh, settings.maxSpeedKmh);
  const speed = speedKmh / 3_600;
  return {
    id,
    order,
    lengthM,
    body: vehicleBody(order, lengthM),
    speed,
    reactionMs: between(random, settings.minReactionMs, settings.maxReactionMs),
    queuedAtMs: nowMs,
    phase: 'queued',
    motion: { startMs: nowMs, fromM: 0, toM: 0, speed },
    covered: new Set(),
    granted: false,
    following: false,
    forcing: false,
    arrivedAtMs: null,
    startedAtMs: null,
    reads: [],
    signTexts: [],
    pending: new Set(),
  };
}

function defaultLengthM(order: VehicleOrder, random: Random): number {
  if (order.trailer || order.vehicleClass === 'large') return 12;
  return order.vehicleClass === 'motorcycle' ? 2.2 : between(random, 3.5, 6);
}

export function between(random: Random, low: number, high: number): number {
  return low + random.next() * Math.max(0, high - low);
}

export interface VehicleMover {
  /** Moves the head to `toM` from where it is (or from `fromM`), beginning at `startMs`; `then` runs when it is there. */
  move(
    vehicle: Vehicle,
    toM: number,
    then: () => void,
    options?: { readonly fromM?: number; readonly speed?: number },
  ): void;
  /** Stops it where it is. */
  halt(vehicle: Vehicle): void;
  /** Runs `run` in `delayMs` unless the vehicle has moved on by then. */
  after(vehicle: Vehicle, delayMs: number, run: () => void): void;
  headM(vehicle: Vehicle): number;
  /** Takes it off the loops. */
  remove(vehicle: Vehicle): void;
}

/** Moves vehicles and tells which loops are covered; `onCovered` is called with the number of parts over a loop when it changes from or to none. */
export function createVehicleMover(
  agenda: Agenda,
  geometry: LaneGeometry,
  onCovered: (loop: LoopName, covered: boolean, vehicle: Vehicle) => void,
): VehicleMover {
  const counts: Record<LoopName, number> = { arming: 0, safety: 0 };

  const setCovered = (vehicle: Vehicle, loop: LoopName, part: number, covered: boolean): void => {
    const key = `${loop}:${String(part)}`;
    if (vehicle.covered.has(key) === covered) return;
    if (covered) vehicle.covered.add(key);
    else vehicle.covered.delete(key);
    counts[loop] += covered ? 1 : -1;
    onCovered(loop, counts[loop] > 0, vehicle);
  };
  /** Makes what is covered agree with where the vehicle is, whatever rounding did to the last movement. */
  const settle = (vehicle: Vehicle, headM: number): void => {
    for (const loop of ['arming', 'safety'] as const) {
      const span = geometry.loops[loop];
      for (const [part, piece] of vehicle.body.entries()) {
        const over = headM - piece.startM > span.startM + 1e-9 && headM - piece.endM < span.endM - 1e-9;
        setCovered(vehicle, loop, part, over);
      }
    }
  };
  const cancelPending = (vehicle: Vehicle): void => {
    for (const cancel of vehicle.pending) cancel();
    vehicle.pending.clear();
  };
  const schedule = (vehicle: Vehicle, atMs: number, run: () => void): void => {
    const cancel = agenda.at(atMs, () => {
      vehicle.pending.delete(cancel);
      run();
    });
    vehicle.pending.add(cancel);
  };
  const headM = (vehicle: Vehicle): number => headAt(vehicle.motion, agenda.nowMs);

  return {
    headM,
    move(vehicle, toM, then, options = {}) {
      const fromM = options.fromM ?? headM(vehicle);
      cancelPending(vehicle);
      vehicle.motion = { startMs: agenda.nowMs, fromM, toM, speed: options.speed ?? vehicle.speed };
      settle(vehicle, fromM);
      for (const crossing of crossings(vehicle.motion, vehicle.body, geometry)) {
        schedule(vehicle, crossing.atMs, () => {
          setCovered(vehicle, crossing.loop, crossing.part, crossing.covered);
        });
      }
      schedule(vehicle, endMs(vehicle.motion), then);
    },
    halt(vehicle) {
      const restM = headM(vehicle);
      cancelPending(vehicle);
      vehicle.motion = { startMs: agenda.nowMs, fromM: restM, toM: restM, speed: vehicle.speed };
      settle(vehicle, restM);
    },
    after(vehicle, delayMs, run) {
      schedule(vehicle, agenda.nowMs + delayMs, run);
    },
    remove(vehicle) {
      cancelPending(vehicle);
      for (const loop of ['arming', 'safety'] as const) {
        for (const part of vehicle.body.keys()) setCovered(vehicle, loop, part, false);
      }
    },
  };
}

export function noteSignText(vehicle: Vehicle, sign: SignText): void {
  if (vehicle.signTexts.length < maxSignTexts) vehicle.signTexts.push(sign);
}

export function reportOf(
  vehicle: Vehicle,
  outcome: VehicleOutcome,
  direction: VehicleReport['direction'],
  endedAtMs: number,
): VehicleReport {
  const { order } = vehicle;
  return {
    vehicleId: vehicle.id,
    plate: order.plate,
    vehicleClass: order.vehicleClass,
    behaviour: order.behaviour,
    label: order.label ?? null,
    lengthM: vehicle.lengthM,
    queuedAtMs: vehicle.queuedAtMs,
    arrivedAtMs: vehicle.arrivedAtMs,
    startedAtMs: vehicle.startedAtMs,
    endedAtMs,
    outcome,
    direction,
    reads: [...vehicle.reads],
    signTexts: [...vehicle.signTexts],
  };
}
