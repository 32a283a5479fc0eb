/** The vehicles of one lane: they queue, drive up, wait for the arm, pass, or do what drivers do instead. */
import type { Random } from '@gatehouse/shared';
import type { Agenda } from './agenda.js';
import type { BarrierMachine } from './barrier-machine.js';
import type { LaneGeometry } from './geometry.js';
import { readPlate } from './misreads.js';
import type { PhysicalEvent, VehicleReport, VehicleStep } from './physical-events.js';
import type { SimulatedLaneSettings, VehicleOrder, VehicleOutcome } from './settings.js';
import { between, createVehicle, createVehicleMover, noteSignText, reportOf } from './vehicle.js';
import type { Vehicle } from './vehicle.js';

export interface TrafficSurroundings {
  readonly settings: SimulatedLaneSettings;
  readonly geometry: LaneGeometry;
  readonly agenda: Agenda;
  readonly random: Random;
  readonly machine: BarrierMachine;
  /** Whether a plate reader is there and works now. */
  readonly canRead: () => boolean;
  readonly lampIsRed: () => boolean;
  readonly onCovered: (loop: 'arming' | 'safety', covered: boolean) => void;
  readonly emit: (event: PhysicalEvent) => void;
}

export interface Traffic {
  /** Answers the vehicle's id, or undefined when the queue is full. */
  send(order: VehicleOrder): string | undefined;
  /** The barrier was asked to open, or the lamp turned green. */
  onGrant(): void;
  onArmOpen(): void;
  onArmClosing(): void;
  onLamp(): void;
  onSign(text: string): void;
  readonly waiting: number;
  readonly inLane: number;
}

/** How far past the last loop, and in front of it, a vehicle is out of the lane. */
const clearanceM = 0.5;

export function createTraffic(surroundings: TrafficSurroundings): Traffic {
  const { settings, geometry, agenda, random, machine, emit } = surroundings;
  const queue: Vehicle[] = [];
  const tailgaters: Vehicle[] = [];
  const inLane = new Set<Vehicle>();
  /** Until then a vehicle that went back is in the way. */
  let clearAtMs = -Infinity;
  const farEndM = geometry.loops.safety.endM + clearanceM;

  const step = (vehicle: Vehicle, name: VehicleStep): void => {
    emit({ type: 'vehicle', atMs: agenda.nowMs, vehicleId: vehicle.id, step: name });
  };
  const comesFromFarSide = ({ order }: Vehicle): boolean => order.fromFarSide || order.behaviour === 'wrong-way';
  const mover = createVehicleMover(agenda, geometry, (loop, covered, vehicle) => {
    surroundings.onCovered(loop, covered);
    if (!covered || vehicle.arrivedAtMs !== null) return;
    vehicle.arrivedAtMs = agenda.nowMs;
    step(vehicle, 'at-loop');
  });

  // ------------------------------------------------------------ coming

  const next = (): void => {
    if (inLane.size > 0 || agenda.nowMs < clearAtMs) return;
    const vehicle = queue.shift();
    if (vehicle === undefined) return;
    inLane.add(vehicle);
    vehicle.phase = 'driving-up';
    step(vehicle, 'driving-up');
    const far = comesFromFarSide(vehicle);
    const fromM = far ? farEndM + vehicle.lengthM : -settings.headwayM;
    const toM = far ? geometry.farStopM + vehicle.lengthM : geometry.stopM;
    mover.move(
      vehicle,
      toM,
      () => {
        wait(vehicle);
      },
      { fromM },
    );
    if (vehicle.order.behaviour !== 'wrong-way') planReads(vehicle, far ? 0 : settings.headwayM / vehicle.speed);
    followLeader(vehicle);
  };
  const planReads = (vehicle: Vehicle, toLoopMs: number): void => {
    const { reader } = settings;
    const plate = vehicle.order.plate;
    if (plate === null) return;
    for (let count = 0; count < reader.readsPerVehicle; count += 1) {
      agenda.at(agenda.nowMs + toLoopMs + between(random, reader.earliestMs, reader.latestMs), () => {
        if (!surroundings.canRead() || !inLane.has(vehicle)) return;
        const read = readPlate(plate, reader, random);
        if (read === undefined) return;
        vehicle.reads.push(read.value);
        emit({ type: 'read', atMs: agenda.nowMs, vehicleId: vehicle.id, ...read });
      });
    }
  };
  const wait = (vehicle: Vehicle): void => {
    vehicle.phase = 'waiting';
    mover.halt(vehicle);
    step(vehicle, 'waiting');
    mover.after(vehicle, vehicle.order.patienceMs ?? settings.patienceMs, () => {
      giveUp(vehicle);
    });
    // What the sign said while it was still rolling counts too.
    if ((vehicle.signTexts.at(-1)?.text ?? '') !== '') heedSign(vehicle);
    tryStart(vehicle, 0);
  };
  const heedSign = (vehicle: Vehicle): void => {
    mover.after(vehicle, settings.signPatienceMs, () => {
      if (!vehicle.granted && !machine.isHeldOpen) giveUp(vehicle);
    });
  };

  // ------------------------------------------------------------ going

  const mayGo = (vehicle: Vehicle): boolean => {
    if (vehicle.phase !== 'waiting' || !machine.isOpen) return false;
    if (vehicle.order.behaviour === 'wrong-way') return true;
    return (vehicle.granted || machine.isHeldOpen) && !surroundings.lampIsRed();
  };
  const tryStart = (vehicle: Vehicle, reactionMs: number): void => {
    if (!mayGo(vehicle)) return;
    mover.after(vehicle, reactionMs, () => {
      if (mayGo(vehicle)) start(vehicle);
    });
  };
  const start = (vehicle: Vehicle): void => {
    if (vehicle.order.behaviour === 'back-out') {
      leave(vehicle, 'backed-out');
      return;
    }
    vehicle.phase = 'passing';
    vehicle.startedAtMs = agenda.nowMs;
    step(vehicle, 'started');
    if (vehicle.order.behaviour === 'reverse-half-way' && !vehicle.following) {
      mover.move(vehicle, geometry.loops.safety.startM + settings.safetyLoopM / 2, () => {
        mover.halt(vehicle);
        mover.after(vehicle, vehicle.reactionMs, () => {
          leave(vehicle, 'backed-out');
        });
      });
    } else {
      passThrough(vehicle);
    }
    for (const follower of inLane) if (follower.phase === 'following') startFollowing(follower, vehicle);
  };
  const passThrough = (vehicle: Vehicle): void => {
    const far = comesFromFarSide(vehicle);
    mover.move(vehicle, far ? -clearanceM : farEndM + vehicle.lengthM, () => {
      const wrongWay = vehicle.order.behaviour === 'wrong-way';
      end(vehicle, wrongWay ? 'wrong-way' : vehicle.following ? 'tailgated' : 'passed', far ? 'outward' : 'inward');
    });
  };
  const giveUp = (vehicle: Vehicle): void => {
    if (vehicle.phase !== 'waiting') return;
    if (vehicle.order.behaviour === 'wrong-way') leave(vehicle, 'wrong-way-left');
    else leave(vehicle, vehicle.granted ? 'backed-out' : 'denied-left');
  };
  /** Away again, the way it came. */
  const leave = (vehicle: Vehicle, outcome: VehicleOutcome): void => {
    vehicle.phase = 'leaving';
    step(vehicle, 'leaving');
    const backM = comesFromFarSide(vehicle) ? farEndM + vehicle.lengthM : -Math.min(clearanceM, settings.headwayM);
    mover.move(vehicle, backM, () => {
      end(vehicle, outcome, null);
    });
    for (const follower of [...inLane]) if (follower.phase === 'following') sendBack(follower);
  };
  const end = (vehicle: Vehicle, outcome: VehicleOutcome, direction: VehicleReport['direction']): void => {
    vehicle.phase = 'gone';
    mover.remove(vehicle);
    inLane.delete(vehicle);
    emit({ type: 'ended', atMs: agenda.nowMs, report: reportOf(vehicle, outcome, direction, agenda.nowMs) });
    if (direction === null) {
      clearAtMs = agenda.nowMs + settings.turnAwayMs;
      agenda.at(clearAtMs, next);
    } else next();
  };

  // ------------------------------------------------------------ following

  /** A waiting tailgater takes its place behind the leader. */
  const followLeader = (leader: Vehicle): void => {
    if (comesFromFarSide(leader)) return;
    const follower = tailgaters.shift();
    if (follower === undefined) return;
    follower.phase = 'following';
    follower.following = true;
    inLane.add(follower);
    step(follower, 'driving-up');
    if (leader.phase === 'passing') startFollowing(follower, leader);
  };
  const startFollowing = (follower: Vehicle, leader: Vehicle): void => {
    follower.phase = 'passing';
    follower.startedAtMs = agenda.nowMs;
    follower.speed = leader.speed;
    const behindM = mover.headM(leader) - leader.lengthM - settings.tailgateGapM;
    mover.move(
      follower,
      farEndM + follower.lengthM,
      () => {
        end(follower, follower.following ? 'tailgated' : 'passed', 'inward');
      },
      { fromM: Math.min(behindM, -0.1) },
    );
    step(follower, 'started');
  };
  const sendBack = (follower: Vehicle): void => {
    inLane.delete(follower);
    follower.phase = 'queued';
    follower.following = false;
    queue.unshift(follower);
  };
  const leaderNow = (): Vehicle | undefined =>
    [...inLane].find((vehicle) => !comesFromFarSide(vehicle) && vehicle.phase !== 'leaving' && !vehicle.following);
  /** Nobody came to follow: it drives up like any other. */
  const stopLurking = (vehicle: Vehicle): void => {
    const index = tailgaters.indexOf(vehicle);
    if (index < 0) return;
    tailgaters.splice(index, 1);
    queue.push(vehicle);
    next();
  };

  return {
    send(order) {
      if (queue.length + tailgaters.length >= settings.maxQueuedVehicles) return undefined;
      const vehicle = createVehicle(order, `v-${random.hex(8)}`, settings, random, agenda.nowMs);
      step(vehicle, 'queued');
      if (order.behaviour === 'tailgate') {
        tailgaters.push(vehicle);
        agenda.at(agenda.nowMs + (order.patienceMs ?? settings.patienceMs), () => {
          stopLurking(vehicle);
        });
        const leader = leaderNow();
        if (leader !== undefined) followLeader(leader);
      } else {
        queue.push(vehicle);
        next();
      }
      return vehicle.id;
    },
    onGrant() {
      for (const vehicle of inLane) {
        if (vehicle.arrivedAtMs === null || (vehicle.phase !== 'waiting' && vehicle.phase !== 'driving-up')) continue;
        vehicle.granted = true;
        tryStart(vehicle, vehicle.reactionMs);
      }
    },
    onArmOpen() {
      for (const vehicle of inLane) tryStart(vehicle, vehicle.reactionMs);
    },
    onArmClosing() {
      for (const vehicle of inLane) {
        if (vehicle.phase === 'waiting' || vehicle.phase === 'driving-up') vehicle.granted = false;
        if (vehicle.phase !== 'passing' || comesFromFarSide(vehicle)) continue;
        if (mover.headM(vehicle) > geometry.armM - 0.2) continue;
        vehicle.following = false;
        vehicle.granted = false;
        vehicle.startedAtMs = null;
        step(vehicle, 'halted');
        wait(vehicle);
      }
    },
    onLamp() {
      for (const vehicle of inLane) tryStart(vehicle, vehicle.reactionMs);
    },
    onSign(text) {
      for (const vehicle of inLane) {
        if (vehicle.arrivedAtMs === null || vehicle.phase === 'passing' || vehicle.phase === 'leaving') continue;
        noteSignText(vehicle, { atMs: agenda.nowMs, text });
        if (text !== '') heedSign(vehicle);
      }
    },
    get waiting() {
      return queue.length + tailgaters.length;
    },
    get inLane() {
      return inLane.size;
    },
  };
}
