/** The vehicles of one lane: they queue, drive up, wait for the arm, pass, or do what drivers do instead. */
import type { Random } from '@gatehouse/shared/edge';
import type { Lamp } from '../../app/ports.js';
import type { Agenda } from './agenda.js';
import type { BarrierMachine } from './barrier-machine.js';
import { headAt } from './geometry.js';
import type { LaneGeometry } from './geometry.js';
import { readPlate } from './misreads.js';
import type { PhysicalEvent, VehiclePlace, VehicleReport, VehicleStep } from './physical-events.js';
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
  readonly lamp: () => Lamp;
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
  places(atMs: number): readonly VehiclePlace[];
  readonly waiting: number;
  readonly inLane: number;
}

/** How far past the last loop, and in front of it, a vehicle is out of the lane. */
const clearanceM = 0.5;
/** How much room is left between a vehicle that goes and the one that closes up behind it. */
const closingUpGapM = 0.5;
/** A green lamp that was there before is the vehicle's own when it has stayed so long: the one before it has gone. */
const steadyGreenMs = 6_000;

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
    const [vehicle] = queue;
    if (vehicle === undefined || agenda.nowMs < clearAtMs || !hasRoomFor(vehicle)) return;
    queue.shift();
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
  const hasRoomFor = (vehicle: Vehicle): boolean => {
    if (inLane.size === 0) return true;
    if (!settings.closesUp || comesFromFarSide(vehicle)) return false;
    return [...inLane].every((ahead) => goesThrough(ahead) && tailM(ahead) >= geometry.stopM + closingUpGapM);
  };
  const goesThrough = (vehicle: Vehicle): boolean =>
    vehicle.phase === 'passing' && !comesFromFarSide(vehicle) && !turnsBack(vehicle);
  const turnsBack = ({ order, following }: Vehicle): boolean =>
    !following && (order.behaviour === 'reverse-half-way' || order.behaviour === 'reverse-between');
  const tailM = (vehicle: Vehicle): number => mover.headM(vehicle) - vehicle.lengthM;
  /** Lets the next vehicle close up once the tail of this one is out of its way. */
  const closeUpBehind = (vehicle: Vehicle): void => {
    if (!settings.closesUp) return;
    const toGoM = geometry.stopM + closingUpGapM - tailM(vehicle);
    // A little later, so that rounding does not leave the tail in the way.
    mover.after(vehicle, Math.max(0, toGoM) / vehicle.speed + 1, next);
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
    mover.after(vehicle, steadyGreenMs, () => {
      if (surroundings.lamp() === 'green') vehicle.granted = true;
      tryStart(vehicle, 0);
    });
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
    if (vehicle.order.behaviour === 'wrong-way' || vehicle.forcing) return true;
    return (vehicle.granted || machine.isHeldOpen) && surroundings.lamp() !== 'red';
  };
  const tryStart = (vehicle: Vehicle, reactionMs: number): void => {
    if (!mayGo(vehicle)) return;
    mover.after(vehicle, reactionMs, () => {
      if (!mayGo(vehicle)) return;
      const distanceMs = keepsDistanceForMs(vehicle);
      if (distanceMs > 0) tryStart(vehicle, distanceMs);
      else start(vehicle);
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
    // Nobody overtakes in a lane.
    vehicle.speed = Math.min(vehicle.speed, ...passingAhead(vehicle).map(({ speed }) => speed));
    if (turnsBack(vehicle)) {
      for (const follower of [...inLane]) if (follower.phase === 'following') sendBack(follower);
      const { safety } = geometry.loops;
      const halfWay = vehicle.order.behaviour === 'reverse-half-way';
      const turnM = halfWay ? safety.startM + settings.safetyLoopM / 2 : safety.startM - 0.05;
      mover.move(vehicle, turnM, () => {
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
  const passingAhead = (vehicle: Vehicle): Vehicle[] =>
    comesFromFarSide(vehicle) ? [] : [...inLane].filter((ahead) => ahead !== vehicle && ahead.phase === 'passing');
  /** How long until whoever goes through before it is as far ahead as one that follows keeps. */
  const keepsDistanceForMs = (vehicle: Vehicle): number => {
    const headM = mover.headM(vehicle);
    const waitsMs = passingAhead(vehicle).map((ahead) => {
      const missingM = headM + settings.tailgateGapM - tailM(ahead);
      return missingM <= 0 ? 0 : missingM / ahead.speed + 1;
    });
    return Math.max(0, ...waitsMs);
  };
  const passThrough = (vehicle: Vehicle): void => {
    const far = comesFromFarSide(vehicle);
    mover.move(vehicle, far ? -clearanceM : farEndM + vehicle.lengthM, () => {
      end(vehicle, outcomeOf(vehicle), far ? 'outward' : 'inward');
    });
    if (!far) closeUpBehind(vehicle);
  };
  const outcomeOf = (vehicle: Vehicle): VehicleOutcome => {
    if (vehicle.order.behaviour === 'wrong-way') return 'wrong-way';
    if (vehicle.forcing) return 'forced';
    return vehicle.following ? 'tailgated' : 'passed';
  };
  const giveUp = (vehicle: Vehicle): void => {
    if (vehicle.phase !== 'waiting') return;
    if (vehicle.order.behaviour === 'force' && !vehicle.granted && !vehicle.forcing) {
      vehicle.forcing = true;
      machine.push();
      // Nobody waits for ever under an arm that does not go up.
      mover.after(vehicle, settings.patienceMs, () => {
        giveUp(vehicle);
      });
      return;
    }
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
    if (vehicle.forcing) machine.fallBack();
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
        end(follower, outcomeOf(follower), 'inward');
      },
      { fromM: Math.min(behindM, -0.1) },
    );
    closeUpBehind(follower);
    step(follower, 'started');
  };
  const sendBack = (follower: Vehicle): void => {
    mover.remove(follower);
    inLane.delete(follower);
    follower.phase = 'queued';
    follower.following = false;
    queue.unshift(follower);
  };
  /** Who would be followed now: the last one in the lane, unless it may come back. */
  const leaderNow = (): Vehicle | undefined => {
    const last = [...inLane].at(-1);
    if (last === undefined || last.following || comesFromFarSide(last)) return undefined;
    return last.phase === 'leaving' || (last.phase === 'passing' && turnsBack(last)) ? undefined : last;
  };
  /** Whoever closed up or followed goes back into the queue: the one before it stopped, and may come back. */
  const makeRoomBehind = (halted: Vehicle): void => {
    const order = [...inLane];
    for (const behind of order.slice(order.indexOf(halted) + 1).reverse()) sendBack(behind);
  };
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
      for (const vehicle of [...inLane]) {
        if (vehicle.phase === 'waiting' || vehicle.phase === 'driving-up') vehicle.granted = false;
        if (vehicle.phase !== 'passing' || comesFromFarSide(vehicle)) continue;
        if (mover.headM(vehicle) > geometry.armM - 0.2) continue;
        vehicle.following = false;
        vehicle.granted = false;
        vehicle.startedAtMs = null;
        step(vehicle, 'halted');
        makeRoomBehind(vehicle);
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
    places(atMs) {
      return [...inLane]
        .filter((vehicle) => vehicle.phase !== 'following')
        .map((vehicle) => {
          const headM = headAt(vehicle.motion, atMs);
          return { vehicleId: vehicle.id, tailM: headM - vehicle.lengthM, headM };
        });
    },
    get waiting() {
      return queue.length + tailgaters.length;
    },
    get inLane() {
      return inLane.size;
    },
  };
}
