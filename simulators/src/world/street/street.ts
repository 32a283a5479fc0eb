/** The street of a world: every lane with what stands in it and behind it, and every vehicle that is on its way or parked. */
import type { SimulatedFault, VehicleOrderInput, VehicleOutcome } from '@gatehouse/edge-agent';
import { createSeededRandom } from '../../random.js';
import type { FaultKind } from '../happenings.js';
import type { GatePlan, SitePlan } from '../scenario.js';
import type { CreateStreet } from '../street-port.js';
import { createItineraries } from './itineraries.js';
import type { Itineraries, SiteLanes } from './itineraries.js';
import { drawLaneSettings, mendReader } from './lane-design.js';
import { createStreetLane } from './lane.js';
import type { StreetLane } from './lane.js';
import type { LaneEnd } from './lane-truth.js';
import type { Visitor } from './visitors.js';

/** So many are handed to a lane ahead of time: a tailgater that lurks, and whom it may follow. */
const maxWaitingInLane = 2;

interface Gate {
  readonly lane: StreetLane;
  readonly itineraries: Itineraries;
  readonly queue: { readonly vehicle: string; order: VehicleOrderInput }[];
  inUse: boolean;
}

export const createStreet: CreateStreet = (ports) => {
  const { clock, tell } = ports;
  const seed = ports.random.hex(16);
  const gates = new Map<string, Gate>();
  const sites = new Map<string, { readonly site: SitePlan; readonly itineraries: Itineraries }>();
  const mischief = new Map<FaultKind, number>();
  let passages = 0;

  const gateOf = (gateId: string): Gate => {
    const gate = gates.get(gateId);
    if (gate === undefined) throw new Error(`there is no lane ${gateId}`);
    return gate;
  };
  const sendNext = (gate: Gate): void => {
    while (gate.lane.waiting < maxWaitingInLane) {
      const next = gate.queue.shift();
      if (next === undefined) return;
      gate.lane.send(next.vehicle, next.order);
    }
  };
  const disperse = (gate: Gate, isConcerned: (order: VehicleOrderInput) => boolean): void => {
    const gone = gate.queue.filter(({ order }) => isConcerned(order));
    const kept = gate.queue.filter(({ order }) => !isConcerned(order));
    gate.queue.splice(0, gate.queue.length, ...kept);
    for (const { vehicle } of gone)
      gate.itineraries.onEnd({ vehicle, outcome: 'denied-left', passed: null, misread: false });
  };

  const lanesOf = (gateIds: ReadonlySet<string>): SiteLanes => {
    const inUse = (suits: (gate: GatePlan) => boolean): GatePlan[] =>
      [...gateIds]
        .map(gateOf)
        .filter((gate) => gate.inUse && suits(gate.lane.gate))
        .map(({ lane }) => lane.gate);
    return {
      serving: (direction: 'entry' | 'exit') =>
        inUse((gate) => gate.direction === direction || gate.direction === 'both'),
      oneWay: (direction: 'entry' | 'exit') => inUse((gate) => gate.direction === direction),
      queue(gateId: string) {
        const { queue, lane } = gateOf(gateId);
        return queue.length + lane.waiting;
      },
      send(gateId: string, { vehicle }: Visitor, order: VehicleOrderInput) {
        const gate = gateOf(gateId);
        gate.queue.push({ vehicle, order });
        sendNext(gate);
      },
    };
  };
  const gateIdsBySite = new Map<string, Set<string>>();
  const build = (siteId: string, plan: GatePlan): void => {
    const built = sites.get(siteId);
    const gateIds = gateIdsBySite.get(siteId);
    if (built === undefined || gateIds === undefined) throw new Error(`there is no site ${siteId}`);
    const before = gates.get(plan.gateId);
    if (before !== undefined) {
      before.inUse = true;
      return;
    }
    const random = createSeededRandom(seed, 'lane', plan.gateId);
    const { itineraries } = built;
    const lane = createStreetLane({
      clock,
      random,
      gate: plan,
      settings: drawLaneSettings(random, built.site.habits),
      tell,
      onEnd(end) {
        if (end.passed !== null) passages += 1;
        for (const kind of mischiefOf(end)) mischief.set(kind, (mischief.get(kind) ?? 0) + 1);
        itineraries.onEnd(end);
      },
      onRoom() {
        sendNext(gate);
      },
    });
    const gate: Gate = { lane, itineraries, queue: [], inUse: true };
    gates.set(plan.gateId, gate);
    gateIds.add(plan.gateId);
  };

  for (const site of ports.sites) {
    const gateIds = new Set<string>();
    gateIdsBySite.set(site.siteId, gateIds);
    const itineraries = createItineraries({
      clock,
      random: createSeededRandom(seed, 'visitors', site.siteId),
      site,
      lanes: lanesOf(gateIds),
    });
    sites.set(site.siteId, { site, itineraries });
    for (const edge of site.edges) for (const plan of edge.gates) build(site.siteId, plan);
  }

  return {
    open() {
      for (const { itineraries } of sites.values()) itineraries.open();
    },
    close() {
      for (const { itineraries } of sites.values()) itineraries.close();
    },
    attach: (life) => gateOf(life.gateId).lane.attach(life),
    setFault(gateId, fault: SimulatedFault, active) {
      gateOf(gateId).lane.setFault(fault, active);
    },
    mendAll() {
      for (const gate of gates.values()) {
        gate.lane.mend();
        mendReader(gate.lane.settings);
        disperse(gate, ({ behaviour }) => behaviour === 'wrong-way');
        for (const waiting of gate.queue) waiting.order = { ...waiting.order, behaviour: 'pass' };
      }
      for (const { itineraries } of sites.values()) itineraries.behave();
    },
    flood(gateId, vehicles) {
      const gate = gateOf(gateId);
      for (let count = 0; count < vehicles; count += 1) gate.itineraries.comeTo(gateId);
    },
    addGate: build,
    removeGate(gateId) {
      const gate = gateOf(gateId);
      gate.inUse = false;
      disperse(gate, () => true);
    },
    get vehiclesAtGates() {
      let count = 0;
      for (const { itineraries } of sites.values()) count += itineraries.atGates.size;
      return count;
    },
    get passages() {
      return passages;
    },
    mischief,
  };
};

const mischiefByOutcome: Partial<Record<VehicleOutcome, FaultKind>> = {
  'backed-out': 'vehicle-backs-out',
  tailgated: 'vehicle-tailgates',
  forced: 'vehicle-wrong-way',
  'wrong-way': 'vehicle-wrong-way',
  'wrong-way-left': 'vehicle-wrong-way',
};

function mischiefOf({ outcome, misread }: LaneEnd): readonly FaultKind[] {
  const ofDriver = mischiefByOutcome[outcome];
  return [...(ofDriver === undefined ? [] : [ofDriver]), ...(misread ? (['reader-misread'] as const) : [])];
}
