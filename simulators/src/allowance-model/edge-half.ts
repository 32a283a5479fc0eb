/** What an edge does, around the production code's rules for new sets and for giving out. */
import { acceptAllowance, giveOut, noAllowance } from '@gatehouse/edge-agent';
import type { Rules } from './rules.js';
import type { Acceptance, Edge, Pending, SetMessage, Vehicle, World } from './state.js';
import { edgeOf, logEvent, logOf, ownEdge, slotName, slotNumber, slotRef } from './state.js';

/** Slots that may be promised to a vehicle now. */
export function usableSlots(edge: Readonly<Edge>, rules: Rules): number[] {
  const accepting = acceptanceOf(edge);
  return heldSlots(edge).filter((slot) => {
    if (rules['promised-once'] && isPromised(edge, slot)) return false;
    return accepting === undefined || !rules['both-sets-until-stored'] || accepting.set.slots.includes(slot);
  });
}

export function heldSlots(edge: Readonly<Edge>): number[] {
  return edge.held.slots.map(({ slotId }) => slotNumber(slotId));
}

/** A set arrives. False: the edge leaves it aside. */
export function receiveSet(world: World, rules: Rules, set: SetMessage): boolean {
  const edge = edgeOf(world, set.edge);
  if (rules['own-epoch'] && set.epoch !== edge.epoch) return false;
  if (rules['newer-only'] && set.version <= edge.held.version) return false;
  if (acceptanceOf(edge) !== undefined || set.asOf > logOf(edge).length) return false;
  ownEdge(world, set.edge).pending = [...edge.pending, { kind: 'accepted', set, acceptance: null }];
  return true;
}

/** The edge promises a slot to a vehicle: to the one of `arrival`, or, with 0, to one that just came. */
export function admitAlone(world: World, rules: Rules, edgeNumber: number, arrival: number, slot: number): void {
  const edge = ownEdge(world, edgeNumber);
  edge.waiting = edge.waiting.filter((waiting) => waiting !== arrival);
  edge.pending = [...edge.pending, { kind: 'admitted', arrival, slot }];
  if (rules['admission-stored-first']) return;
  const seq = logOf(edge).length + edge.pending.length;
  addVehicle(world, {
    edge: edgeNumber,
    epoch: edge.epoch,
    arrival: arrival === 0 ? seq : arrival,
    slot,
    at: 'gate',
  });
}

/** The acceptance that waits gets its number, which settles what it returns. */
export function numberNext(world: World, rules: Rules, edgeNumber: number, maxReturned: number): boolean {
  const [next, ...later] = edgeOf(world, edgeNumber).pending;
  if (next?.kind !== 'accepted' || next.acceptance !== null) return false;
  const edge = ownEdge(world, edgeNumber);
  const acceptance = accept(edge, rules, next.set, maxReturned);
  edge.pending = acceptance === null ? later : [{ ...next, acceptance }, ...later];
  return true;
}

export function isNumbered(edge: Readonly<Edge>): boolean {
  const [next] = edge.pending;
  return next?.kind === 'accepted' && next.acceptance !== null;
}

function accept(edge: Readonly<Edge>, rules: Rules, set: SetMessage, maxReturned: number): Acceptance | null {
  const { held } = edge;
  const surplus = heldSlots(edge).filter((slot) => !set.slots.includes(slot));
  const promised = surplus.filter((slot) => isPromised(edge, slot));
  // The bound of one event is 100 slots. A smaller one is the same as some that cannot be returned for another reason.
  const beyond = surplus.filter((slot) => !promised.includes(slot)).slice(maxReturned);
  return acceptAllowance(
    {
      ...held,
      version: rules['newer-only'] ? held.version : -1,
      parted: rules['as-of'] ? held.parted : [],
      forgottenUpTo: rules['as-of'] ? held.forgottenUpTo : 0,
    },
    { version: set.version, asOf: set.asOf, slots: set.slots.map(slotRef) },
    logOf(edge).length + 1,
    new Set([...promised, ...beyond].map(slotName)),
  );
}

/** What waits longest is stored. */
export function storeNext(world: World, rules: Rules, edgeNumber: number): boolean {
  const [next, ...later] = edgeOf(world, edgeNumber).pending;
  if (next === undefined || (next.kind === 'accepted' && next.acceptance === null)) return false;
  const edge = ownEdge(world, edgeNumber);
  edge.pending = later;
  const seq = logOf(edge).length + 1;
  if (next.kind === 'admitted') {
    const arrival = next.arrival === 0 ? seq : next.arrival;
    logEvent(edge, { kind: 'admitted', arrival: next.arrival, slot: next.slot });
    edge.held = giveOut(edge.held, slotName(next.slot), seq);
    if (!rules['admission-stored-first']) return true;
    addVehicle(world, { edge: edgeNumber, epoch: edge.epoch, arrival, slot: next.slot, at: 'gate' });
    return true;
  }
  const { set, acceptance } = next;
  if (acceptance === null) return false;
  const { state, returned, remaining } = acceptance;
  logEvent(edge, { kind: 'accepted', version: set.version, returned: returned.map(slotNumber), remaining });
  edge.held = state;
  return true;
}

/** What waits longest cannot be stored. */
export function failToStore(world: World, edgeNumber: number): boolean {
  const edge = ownEdge(world, edgeNumber);
  const [next, ...later] = edge.pending;
  edge.pending = later;
  if (next?.kind === 'admitted') waitAgain(edge, [next]);
  return next !== undefined;
}

/** Power is cut and comes back: what was not stored is forgotten. */
export function restart(world: World, edgeNumber: number): boolean {
  const edge = ownEdge(world, edgeNumber);
  waitAgain(edge, edge.pending);
  edge.pending = [];
  return true;
}

/** Vehicles at the gate whose admission came to nothing. */
function waitAgain(edge: Edge, given: readonly Pending[]): void {
  const arrivals = given.flatMap((item) => (item.kind === 'admitted' && item.arrival !== 0 ? [item.arrival] : []));
  edge.waiting = [...edge.waiting, ...arrivals].sort();
}

/** The edge's store is gone: a new epoch begins. What was sent of the old one may still arrive. */
export function loseStore(world: World, rules: Rules, edgeNumber: number): void {
  const edge = ownEdge(world, edgeNumber);
  edge.epoch += 1;
  edge.logs = [...edge.logs, []];
  edge.held = rules['discard-on-new-epoch'] ? noAllowance : { ...noAllowance, slots: edge.held.slots };
  edge.pending = [];
  edge.waiting = [];
}

function acceptanceOf(edge: Readonly<Edge>): Extract<Pending, { kind: 'accepted' }> | undefined {
  return edge.pending.find((item) => item.kind === 'accepted');
}

function isPromised(edge: Readonly<Edge>, slot: number): boolean {
  return edge.pending.some((item) => item.kind === 'admitted' && item.slot === slot);
}

export function addVehicle(world: World, vehicle: Vehicle): void {
  world.vehicles = [...world.vehicles, vehicle];
}

export function endWaiting(world: World, number: number, arrival: number): boolean {
  const edge = ownEdge(world, number);
  edge.waiting = edge.waiting.filter((waiting) => waiting !== arrival);
  logEvent(edge, { kind: 'backed-out', arrival });
  return true;
}

export function removeVehicle(world: World, vehicle: Vehicle): boolean {
  world.vehicles = world.vehicles.filter((other) => other !== vehicle);
  return true;
}

export function passVehicle(world: World, vehicle: Vehicle): boolean {
  removeVehicle(world, vehicle);
  addVehicle(world, { ...vehicle, at: 'in' });
  logEvent(ownEdge(world, vehicle.edge), { kind: 'passed', arrival: vehicle.arrival, slot: vehicle.slot });
  return true;
}

export function endVehicle(world: World, vehicle: Vehicle, kind: 'backed-out' | 'left'): boolean {
  logEvent(ownEdge(world, vehicle.edge), { kind, arrival: vehicle.arrival });
  return removeVehicle(world, vehicle);
}
