/** What vehicles do: they come to a site, are let in or not, park, and leave again. Each is in one place at any time. */
import type { VehicleOrderInput } from '@gatehouse/edge-agent';
import type { Clock, Random } from '@gatehouse/shared';
import { exponential, logNormal, wholeBelow } from '../../random.js';
import type { GatePlan, SitePlan } from '../scenario.js';
import type { LaneEnd } from './lane-truth.js';
import { drawManners, drawVisitor, farSideManners } from './visitors.js';
import type { Visitor } from './visitors.js';

/** The lanes of one site, as its visitors see them. */
export interface SiteLanes {
  /** Lanes that serve this direction and are in use. */
  serving(direction: 'entry' | 'exit'): readonly GatePlan[];
  /** Lanes of one direction only. */
  oneWay(direction: 'entry' | 'exit'): readonly GatePlan[];
  queue(gateId: string): number;
  send(gateId: string, visitor: Visitor, order: VehicleOrderInput): void;
}

export interface Itineraries {
  open(): void;
  close(): void;
  behave(): void;
  /** One more vehicle comes to this lane now. */
  comeTo(gateId: string): void;
  /** What became of a vehicle at a lane; of a queue that was dispersed, `passed` is null. */
  onEnd(end: LaneEnd): void;
  /** By names. Whoever is at a gate is inside until it is through. */
  readonly inside: ReadonlySet<string>;
  readonly atGates: ReadonlySet<string>;
}

/** Who sees more vehicles than this before a lane goes elsewhere, or waits in its slot. */
const longestQueue = 8;
const comesAgainShare = 0.5;
const maxTries = 4;
const shortestStayMs = 20_000;
const wrongWayOrder: VehicleOrderInput = { behaviour: 'wrong-way', patienceMs: 8_000 };

interface Trip {
  readonly visitor: Visitor;
  /** While at a gate: on which side of it. */
  side: 'outside' | 'inside';
  atGate: boolean;
  tries: number;
}

export function createItineraries(options: {
  readonly clock: Clock;
  readonly random: Random;
  readonly site: SitePlan;
  readonly lanes: SiteLanes;
}): Itineraries {
  const { clock, random, site, lanes } = options;
  /** Who is on the way, at a gate or inside; whoever has gone is forgotten. */
  const trips = new Map<string, Trip>();
  const plates = new Set<string>();
  const inside = new Set<string>();
  const atGates = new Set<string>();
  let isOpen = false;
  let habits = site.habits;
  let named = 0;

  const newTrip = (): Trip => {
    named += 1;
    const name = `${site.siteId}/v${String(named)}`;
    const visitor = drawVisitor(random, site, name, (plate) => plates.has(plate));
    const trip: Trip = { visitor, side: 'outside', atGate: false, tries: 0 };
    trips.set(name, trip);
    if (visitor.plate !== null) plates.add(visitor.plate);
    return trip;
  };
  const forget = ({ visitor }: Trip): void => {
    trips.delete(visitor.vehicle);
    if (visitor.plate !== null) plates.delete(visitor.plate);
  };
  const put = (trip: Trip, side: Trip['side'], atGate: boolean): void => {
    const { vehicle } = trip.visitor;
    trip.side = side;
    trip.atGate = atGate;
    if (side === 'inside') inside.add(vehicle);
    else inside.delete(vehicle);
    if (atGate) atGates.add(vehicle);
    else atGates.delete(vehicle);
  };
  const later = (meanMs: number, run: () => void): void => {
    clock.setTimer(exponential(random, meanMs), () => {
      if (isOpen) run();
    });
  };
  const choose = (gates: readonly GatePlan[]): GatePlan | undefined => gates[wholeBelow(random, gates.length)];
  const goTo = (trip: Trip, gate: GatePlan, order: VehicleOrderInput): void => {
    put(trip, trip.side, true);
    lanes.send(gate.gateId, trip.visitor, { ...trip.visitor.body, plate: trip.visitor.plate, ...order });
  };

  // ------------------------------------------------------------ coming

  const comeNext = (): void => {
    later(3_600_000 / Math.max(0.001, site.vehiclesPerHour), () => {
      comeNext();
      come(newTrip());
    });
  };
  const come = (trip: Trip): void => {
    const wrongWay = random.next() < habits.wrongWay;
    const gate = choose(wrongWay ? lanes.oneWay('exit') : lanes.serving('entry'));
    if (gate === undefined || lanes.queue(gate.gateId) >= longestQueue) forget(trip);
    else goTo(trip, gate, wrongWay ? wrongWayOrder : { behaviour: drawManners(random, habits) });
  };
  const turnedAway = (trip: Trip): void => {
    put(trip, 'outside', false);
    trip.tries += 1;
    if (!isOpen || trip.tries >= maxTries || random.next() >= comesAgainShare) {
      forget(trip);
      return;
    }
    later(60_000, () => {
      come(trip);
    });
  };

  // ------------------------------------------------------------ staying and leaving

  const park = (trip: Trip): void => {
    put(trip, 'inside', false);
    trip.tries = 0;
    leaveIn(trip, Math.max(shortestStayMs, logNormal(random, site.stayMinutes * 60_000, 0.6)));
  };
  const leaveIn = (trip: Trip, delayMs: number): void => {
    clock.setTimer(delayMs, () => {
      if (isOpen) leave(trip);
    });
  };
  const leave = (trip: Trip): void => {
    const wrongWay = random.next() < habits.wrongWay;
    const gate = choose(wrongWay ? lanes.oneWay('entry') : lanes.serving('exit'));
    if (gate === undefined || lanes.queue(gate.gateId) >= longestQueue) {
      leaveIn(trip, 30_000 + exponential(random, 60_000));
      return;
    }
    const fromFarSide = gate.direction === 'both';
    const manners = drawManners(random, habits);
    const behaviour = fromFarSide ? farSideManners(manners) : manners;
    goTo(trip, gate, wrongWay ? wrongWayOrder : { behaviour, fromFarSide });
  };

  return {
    open() {
      if (isOpen) return;
      isOpen = true;
      comeNext();
    },
    close() {
      isOpen = false;
    },
    behave() {
      habits = { ...habits, backsOut: 0, tailgates: 0, wrongWay: 0 };
    },
    comeTo(gateId) {
      const gate = lanes.serving('entry').find((one) => one.gateId === gateId);
      if (gate !== undefined) goTo(newTrip(), gate, { behaviour: 'pass' });
    },
    onEnd({ vehicle, passed }) {
      const trip = trips.get(vehicle);
      if (trip?.atGate !== true) throw new Error(`${vehicle} is at no gate`);
      const wayFromHere = trip.side === 'inside' ? 'exit' : 'entry';
      if (passed !== null && passed !== wayFromHere) throw new Error(`${vehicle} passed from where it was not`);
      if (passed === 'entry') park(trip);
      else if (passed === 'exit') {
        put(trip, 'outside', false);
        forget(trip);
      } else if (trip.side === 'inside') {
        put(trip, 'inside', false);
        leaveIn(trip, 10_000 + exponential(random, 30_000));
      } else turnedAway(trip);
    },
    inside,
    atGates,
  };
}
