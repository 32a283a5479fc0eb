/** Knows what physically happens in a lane, and whether its sensors and its agent were in a state to see it. */
import type {
  GateHappening,
  SimulatedFault,
  SimulatedLaneSettings,
  VehicleOrderInput,
  VehicleOutcome,
  VehicleReport,
} from '@gatehouse/edge-agent';
import type { Clock, Direction } from '@gatehouse/shared';
import { passedTo } from '../../passed.js';
import type { Happening, Way } from '../happenings.js';
import type { GatePlan } from '../scenario.js';
import { isTellable } from './what-loops-tell.js';

export interface LaneEnd {
  readonly vehicle: string;
  readonly outcome: VehicleOutcome;
  /** Which way it went through; null if it did not. */
  readonly passed: Direction | null;
  /** The reader took its plate for another. */
  readonly misread: boolean;
}

export interface LaneTruth {
  /** A vehicle was sent to the lane. `id` is the lane's name for it, `name` that of the happenings. */
  expect(id: string, name: string, order: VehicleOrderInput): void;
  onHappening(happening: GateHappening): void;
  setDefect(fault: SimulatedFault, active: boolean): void;
  /** Whether an agent hears the lane. */
  setListening(listening: boolean): void;
  setHeldOpen(heldOpen: boolean): void;
}

/** After a sensor works again, a lane needs so long to believe it: the window in which edges count as chatter. */
const convalescenceMs = 11_000;
/** So soon after a passage, a vehicle that shows itself under the arm alone may be taken for one that follows. */
const followGapMs = 2_500;

/** So long after something that the loops could not tell, a lane may still believe in a vehicle that is not there. */
const confusionMs = 6_500;

/** Defects that hide vehicles from the lane or show some that are not there. */
const blinding: ReadonlySet<SimulatedFault> = new Set<SimulatedFault>([
  'arming-stuck',
  'arming-dead',
  'arming-chatter',
  'safety-stuck',
  'safety-dead',
  'safety-chatter',
  'limits-lost',
]);

/** One vehicle at this lane, from its being sent until it is through or away. */
interface Visit {
  readonly name: string;
  readonly order: VehicleOrderInput;
  inLane: boolean;
  /** It drove on without having stood. */
  follows: boolean;
  stood: boolean;
  /** Something was wrong while it was in the lane. */
  hurt: boolean;
  /** The one before it in the lane was hurt: that one may have been taken for this one. */
  behindHurt: boolean;
  /** It showed itself so soon after a passage. */
  rightBehind: boolean;
  /** The arm was not down for all of its stay. */
  sawOpen: boolean;
}

export function createLaneTruth(options: {
  readonly clock: Clock;
  readonly gate: GatePlan;
  readonly settings: SimulatedLaneSettings;
  readonly tell: (happening: Happening) => void;
  readonly onEnd: (end: LaneEnd) => void;
}): LaneTruth {
  const { clock, gate, settings, tell } = options;
  const { gateId } = gate;
  const visits = new Map<string, Visit>();
  const defects = new Set<SimulatedFault>();
  let listening = false;
  let heldOpen = false;
  let wellAgainAtMs = -Infinity;
  let lastThroughAtMs = -Infinity;
  let confusedUntilMs = -Infinity;
  let turnedBack = 0;
  let armIsDown = true;
  /** A detector answers late; a little later the lane has seen what there was to see. */
  const seenAfterMs = settings.detectorResponseMs + 50;

  const isBlind = (): boolean => !listening || defects.size > 0 || clock.monoMs() < wellAgainAtMs;
  const hurtAll = (): void => {
    for (const visit of visits.values()) if (visit.inLane) visit.hurt = true;
  };

  /** What was misunderstood may be taken for something that the next vehicle did. */
  const confuse = (): void => {
    confusedUntilMs = clock.monoMs() + confusionMs;
    for (const visit of visits.values()) if (visit.inLane) visit.behindHurt = true;
  };
  const driveUp = (visit: Visit): void => {
    visit.behindHurt =
      clock.monoMs() < confusedUntilMs || [...visits.values()].some((other) => other.inLane && other.hurt);
    visit.inLane = true;
    visit.sawOpen = !armIsDown;
    visit.hurt = isBlind();
  };
  const stand = (visit: Visit): void => {
    visit.rightBehind = clock.monoMs() - lastThroughAtMs < followGapMs;
    const presents = visit.order.behaviour !== 'wrong-way' && !visit.follows && !visit.stood;
    if (!presents) return;
    visit.stood = true;
    tell({
      type: 'vehicle-stands',
      vehicle: visit.name,
      plate: visit.order.plate ?? null,
      gateId,
      direction: (visit.order.fromFarSide ?? false) === (gate.direction !== 'exit') ? 'exit' : 'entry',
    });
  };
  const end = (id: string, visit: Visit, report: VehicleReport): void => {
    const passed = passedTo(gate.direction, report);
    const { outcome } = report;
    const wayNow = wayOf(outcome, heldOpen);
    if (passed !== null) lastThroughAtMs = clock.monoMs();
    options.onEnd({ vehicle: visit.name, outcome, passed, misread: wasMisread(report) });
    const { name, order, rightBehind } = visit;
    // The sign may turn away a driver whom the open arm would let in.
    const turnedBackFromOpen = outcome === 'backed-out' || (outcome === 'denied-left' && visit.sawOpen);
    const trailer = order.trailer ?? false;
    const course = { report, trailer, rightBehind, turnedBackFromOpen, turnedBackBefore: turnedBack };
    const tellable = isTellable(course, gate.direction, settings);
    turnedBack = passed === null ? turnedBack + (turnedBackFromOpen ? 1 : 0) : 0;
    if (!tellable) confuse();
    clock.setTimer(seenAfterMs, () => {
      visits.delete(id);
      if (visit.hurt) confuse();
      const healthy = tellable && !visit.hurt && !visit.behindHurt;
      if (passed !== null) {
        tell({ type: 'vehicle-through', vehicle: name, gateId, direction: passed, way: wayNow, healthy });
      } else {
        tell({ type: 'vehicle-back', vehicle: name, gateId, healthy });
      }
    });
  };

  return {
    expect(id, name, order) {
      visits.set(id, {
        name,
        order,
        inLane: false,
        follows: false,
        stood: false,
        hurt: false,
        behindHurt: false,
        rightBehind: false,
        sawOpen: false,
      });
    },
    onHappening(happening) {
      if (happening.type === 'arm') {
        armIsDown = happening.step === 'closed';
        for (const visit of visits.values()) visit.sawOpen ||= visit.inLane && !armIsDown;
      }
      if (happening.type !== 'vehicle' && happening.type !== 'ended') return;
      const id = happening.type === 'ended' ? happening.report.vehicleId : happening.vehicleId;
      const visit = visits.get(id);
      if (visit === undefined) throw new Error(`nobody sent ${id} to ${gateId}`);
      if (happening.type === 'ended') end(id, visit, happening.report);
      else if (happening.step === 'driving-up') driveUp(visit);
      else if (happening.step === 'at-loop') stand(visit);
      else if (happening.step === 'started') visit.follows ||= !visit.stood;
    },
    setDefect(fault, active) {
      if (!blinding.has(fault)) return;
      if (active) defects.add(fault);
      else if (defects.delete(fault) && defects.size === 0) wellAgainAtMs = clock.monoMs() + convalescenceMs;
      hurtAll();
    },
    setListening(next) {
      if (next === listening) return;
      listening = next;
      hurtAll();
    },
    setHeldOpen(next) {
      heldOpen = next;
    },
  };
}

function wasMisread({ plate, reads }: VehicleReport): boolean {
  return reads.some((read) => read !== plate?.toUpperCase().replace(/[\s-]/g, ''));
}

function wayOf(outcome: VehicleOutcome, heldOpen: boolean): Way {
  if (outcome === 'wrong-way') return 'wrong-way';
  if (outcome === 'forced') return 'forced';
  if (heldOpen) return 'free-flow';
  return outcome === 'tailgated' ? 'tailgating' : 'as-let-in';
}
