/**
 * Drives planned traffic through the gates of one site on a clock: every vehicle comes at its time, and leaves after its stay if it
 * got in. Goes on where it stopped, from its memory and the aggregator's books.
 */
import { messageOf } from '@gatehouse/shared';
import type { CancelTimer, Clock, Random } from '@gatehouse/shared';
import type { VehicleOrderInput } from '@gatehouse/edge-agent';
import { passedTo } from '../passed.js';
import { logNormal, wholeBelow } from '../random.js';
import type { GateFleet, VehicleFate } from './gate-fleet.js';
import { agreeWithCentre } from './memory.js';
import type { InsideByCentre, InsideVehicle, TrafficMemory } from './memory.js';
import { planTraffic } from './plan.js';
import type { PlannedVisit } from './plan.js';
import type { TrafficProfile } from './profile.js';

export interface LiveTrafficSite {
  readonly siteId: string;
  readonly profile: TrafficProfile;
  readonly entryGates: readonly string[];
  readonly exitGates: readonly string[];
  /** Whether vehicles are known by their plates. */
  readonly hasReaders: boolean;
}

export interface LiveTrafficOptions {
  readonly site: LiveTrafficSite;
  readonly seed: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly fleet: GateFleet;
  readonly memory: TrafficMemory | undefined;
  readonly remember: (memory: TrafficMemory) => void;
  /** undefined: nobody can be asked; only the memory counts. */
  readonly askCentre: (() => Promise<InsideByCentre>) | undefined;
  readonly onTrouble: (sentence: string) => void;
}

export interface LiveTrafficCounts {
  readonly sent: number;
  readonly entered: number;
  readonly refused: number;
  readonly left: number;
  readonly inside: number;
}

export interface LiveTraffic {
  start(): Promise<void>;
  /** Sends nobody any more. Vehicles in the lanes go on by themselves. */
  stop(): void;
  counts(): LiveTrafficCounts;
}

const minuteMs = 60_000;
const planAheadMs = 60 * minuteMs;
/** A vehicle at an exit that did not let it out, or could not be reached, tries again. */
const retryExitMs = 5 * minuteMs;
/** Who came the wrong way by mistake turns back soon. */
const wrongWayPatienceMs = minuteMs;
/** Arrivals missed while nothing ran are not made up for beyond this. */
const maxCatchUpMs = 10 * minuteMs;

export function createLiveTraffic(options: LiveTrafficOptions): LiveTraffic {
  const { site, clock, random, fleet } = options;
  const inside = new Map<string, InsideVehicle>();
  const timers = new Set<CancelTimer>();
  const counts = { sent: 0, entered: 0, refused: 0, left: 0 };
  let sentUntilMs = 0;
  let keys = 0;
  let stopped = false;

  const at = (atMs: number, act: () => void): void => {
    if (stopped) return;
    const cancel = clock.setTimer(atMs - clock.wallMs(), () => {
      timers.delete(cancel);
      act();
    });
    timers.add(cancel);
  };
  const remember = (): void => {
    options.remember({ sentUntilMs: Math.round(sentUntilMs), inside: [...inside.values()] });
  };
  const run = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      options.onTrouble(`traffic at ${site.siteId}: ${messageOf(error)}`);
    });
  };

  const settleIn = (vehicle: InsideVehicle): void => {
    keys += 1;
    const key = String(keys);
    inside.set(key, vehicle);
    at(vehicle.leaveAtMs, () => {
      run(leave(key));
    });
  };
  const order = (vehicle: { plate: string | null; slotClass: PlannedVisit['slotClass'] }): VehicleOrderInput => ({
    plate: vehicle.plate,
    vehicleClass: vehicle.slotClass,
  });

  const arrive = async (visit: PlannedVisit): Promise<void> => {
    sentUntilMs = Math.max(sentUntilMs, visit.arriveAtMs);
    const plate = site.hasReaders ? visit.plate : null;
    if (plate !== null && [...inside.values()].some((vehicle) => vehicle.plate === plate)) return;
    counts.sent += 1;
    const wrongWay = visit.behaviour === 'wrong-way';
    const gate = quietest(fleet, wrongWay ? site.exitGates : site.entryGates, random);
    const fate = await fleet.send(gate, {
      ...order({ plate, slotClass: visit.slotClass }),
      behaviour: visit.behaviour === 'ordinary' ? 'pass' : visit.behaviour,
      ...(wrongWay ? { patienceMs: wrongWayPatienceMs } : {}),
    });
    if (fate === 'lost') await agree();
    else if (passedTo(wrongWay ? 'exit' : 'entry', fate) === 'entry') {
      counts.entered += 1;
      const { visitId, slotClass } = visit;
      settleIn({ visitId, plate, slotClass, leaveAtMs: Math.round(clock.wallMs() + visit.dwellMs) });
    } else counts.refused += 1;
    remember();
  };
  const leave = async (key: string): Promise<void> => {
    const vehicle = inside.get(key);
    if (vehicle === undefined) return;
    let fate: VehicleFate | undefined;
    try {
      fate = await fleet.send(quietest(fleet, site.exitGates, random), order(vehicle));
    } finally {
      if (fate === undefined || (fate !== 'lost' && passedTo('exit', fate) !== 'exit')) {
        at(clock.wallMs() + retryExitMs, () => {
          run(leave(key));
        });
      }
    }
    if (fate === 'lost') await agree();
    else if (passedTo('exit', fate) === 'exit') {
      inside.delete(key);
      counts.left += 1;
    }
    remember();
  };

  /** Nobody knows what became of vehicles in a lane that was started anew, but the aggregator's books. */
  const agree = async (): Promise<void> => {
    if (options.askCentre === undefined || stopped) return;
    const books = await options.askCentre();
    const leaveAtMs = (): number => Math.round(clock.wallMs() + logNormal(random, 90 * minuteMs, 0.8));
    const agreed = agreeWithCentre([...inside.values()], books, leaveAtMs);
    const before = new Map([...inside].map(([key, vehicle]) => [vehicle, key]));
    for (const [key, vehicle] of inside) if (!agreed.includes(vehicle)) inside.delete(key);
    for (const vehicle of agreed) if (!before.has(vehicle)) settleIn(vehicle);
  };

  const planNext = (fromMs: number): void => {
    const toMs = fromMs + planAheadMs;
    for (const visit of planTraffic(options.seed, site.siteId, site.profile, fromMs, toMs)) {
      at(visit.arriveAtMs, () => {
        run(arrive(visit));
      });
    }
    at(toMs, () => {
      planNext(toMs);
    });
  };

  return {
    async start() {
      for (const vehicle of options.memory?.inside ?? []) settleIn(vehicle);
      await agree();
      const nowMs = Math.round(clock.wallMs());
      sentUntilMs = Math.max(options.memory?.sentUntilMs ?? nowMs, nowMs - maxCatchUpMs);
      remember();
      planNext(sentUntilMs + 1);
    },
    stop() {
      stopped = true;
      for (const cancel of timers) cancel();
      timers.clear();
      remember();
    },
    counts: () => ({ ...counts, inside: inside.size }),
  };
}

/** The gate with the fewest vehicles on their way, any of them when several have as few. */
function quietest(fleet: GateFleet, gates: readonly string[], random: Random): string {
  const fewest = Math.min(...gates.map((gate) => fleet.pending(gate)));
  const candidates = gates.filter((gate) => fleet.pending(gate) === fewest);
  const chosen = candidates[wholeBelow(random, candidates.length)];
  if (chosen === undefined) throw new RangeError('the site has no gate for this');
  return chosen;
}
