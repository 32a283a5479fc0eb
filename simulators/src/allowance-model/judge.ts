/** What must be true in every state, and what must become true once faults stop. */
import { describeEvent, describeSet, edgeName } from './words.js';
import type { Keys } from './key.js';
import { isAvailable } from './aggregator-half.js';
import { endWaiting, heldSlots, numberNext, passVehicle, receiveSet, storeNext } from './edge-half.js';
import type { Game } from './moves.js';
import { applyNext, hasRecovered, isForgotten, look, nextEvent, nextVersion, showsRestore } from './moves.js';
import type { Vehicle, World } from './state.js';
import { copyWorld, edgeOf, logOf, rowOf, slotName } from './state.js';

/** What is wrong in this state; null for nothing. */
export function wrongNow(world: World): string | null {
  for (const slot of world.aggregator.slots.keys()) {
    const owners = ownersOf(world, slot);
    if (owners.length > 1) return `slot ${slotName(slot)} has ${String(owners.length)} owners: ${owners.join(', ')}`;
  }
  return null;
}

/** Everybody who has the slot, or could give it to a vehicle without asking. */
function ownersOf(world: World, slot: number): string[] {
  const owners: string[] = [];
  if (isAvailable(world.aggregator, slot)) owners.push('the aggregator, where it is free');
  for (const vehicle of world.vehicles) {
    if (vehicle.slot === slot) owners.push(vehicle.at === 'in' ? 'the vehicle in it' : 'a vehicle on its way to it');
  }
  for (const decision of world.decisions) {
    const { epoch, waiting } = edgeOf(world, decision.edge);
    const isOpen = decision.epoch === epoch && waiting.includes(decision.arrival);
    if (decision.slot === slot && isOpen) owners.push('a vehicle that a decision promises it to');
  }
  for (const [number, edge] of world.edges.entries()) {
    const inHand = edge.pending.filter((item) => item.kind === 'admitted' && item.slot === slot).length;
    const shares = Math.max(inHand, heldSlots(edge).includes(slot) ? 1 : 0);
    for (let share = 0; share < shares; share += 1) owners.push(`${edgeName(number)}, which may give it out`);
  }
  return owners;
}

/** Rounds of deliveries and answers within which everything must have settled. */
const maxRounds = 12;

export interface BadEnd {
  readonly wrong: string;
  /** What the aggregator and the edges did after the faults stopped. */
  readonly steps: readonly string[];
}

/** Lets faults stop and every message flow, and asks all slots back. Answers what is wrong at the end; null for nothing. */
export type EndJudge = (world: World) => BadEnd | null;

export function createEndJudge(game: Game, keys: Keys): EndJudge {
  // Each edge is served first once: of two states that differ only in which edge is which, one stands for both.
  const orders = Array.from({ length: game.scenario.edges }, (_, first) =>
    Array.from({ length: game.scenario.edges }, (__, index) => (first + index) % game.scenario.edges),
  );
  /** What is known to end well. */
  const good = new Set<string>();
  return (world) => {
    for (const order of orders) {
      const bad = endOf(world, game, order, keys, good);
      if (bad !== null) return bad;
    }
    return null;
  };
}

function endOf(world: World, game: Game, order: readonly number[], keys: Keys, good: Set<string>): BadEnd | null {
  const end = copyWorld(world);
  const passed: string[] = [];
  const steps: string[] = [];
  for (let round = 0; round < maxRounds; round += 1) {
    for (const number of order) calmEdge(end, game, number, steps);
    for (const slot of end.aggregator.slots.keys()) {
      if (isForgotten(end, slot)) end.aggregator = game.half.release(end.aggregator, slot);
    }
    const wrong = wrongNow(end);
    if (wrong !== null) return { wrong, steps };
    const key = keys.keyOf(end, order);
    passed.push(key);
    if (good.has(key) || isSettled(end)) {
      for (const one of passed) good.add(one);
      return null;
    }
    for (const number of order) askBack(end, game, number, steps);
  }
  return { wrong: `it never settles: ${whatIsLeft(end)}`, steps };
}

/** The edge stores what it has, its vehicles go on, and its events are applied. */
function calmEdge(world: World, game: Game, number: number, steps: string[]): void {
  const { rules, scenario, half } = game;
  while (edgeOf(world, number).pending.length > 0) {
    numberNext(world, rules, number, scenario.maxReturned);
    storeNext(world, rules, number);
  }
  for (const arrival of edgeOf(world, number).waiting) endWaiting(world, number, arrival);
  const { epoch } = edgeOf(world, number);
  for (const vehicle of world.vehicles) {
    if (vehicle.edge === number && vehicle.epoch === epoch && vehicle.at === 'gate') passVehicle(world, vehicle);
  }
  const isGone = (vehicle: Vehicle): boolean => vehicle.edge === number && vehicle.epoch !== epoch;
  if (world.vehicles.some(isGone)) world.vehicles = world.vehicles.filter((vehicle) => !isGone(vehicle));
  if (rowOf(world.aggregator, number).epoch < epoch) {
    world.aggregator = half.replaceEpoch(world.aggregator, number, epoch);
  }
  if (showsRestore(world, number)) world.aggregator = half.noticeRestore(world.aggregator, number);
  for (let event = nextEvent(world, number); event !== undefined; event = nextEvent(world, number)) {
    steps.push(`the aggregator applies of ${edgeName(number)}: ${describeEvent(event)}`);
    applyNext(world, game, number);
  }
  if (rowOf(world.aggregator, number).isUnknown) look(world, game, number);
  if (hasRecovered(world, game, number)) world.aggregator = half.trust(world.aggregator, number);
}

/** The aggregator sends its newest set, or makes one that asks everything back; the edge takes it. */
function askBack(world: World, { rules, half }: Game, number: number, steps: string[]): void {
  const row = rowOf(world.aggregator, number);
  const reported = edgeOf(world, number).held.version;
  // An outstanding set that the edge will never take, because it has a newer one, is replaced.
  const isDue = row.settled ? row.mustReport || row.slots.length > 0 : row.isPartial || reported > row.version;
  if (isDue) {
    const set = { slots: [], version: nextVersion(world, rules, number, reported), asOf: row.upTo };
    world.aggregator = half.makeSet(world.aggregator, number, set);
  }
  const { epoch, version, asOf, slots, settled } = rowOf(world.aggregator, number);
  if (settled) return;
  const message = { edge: number, epoch, version, asOf, slots };
  if (receiveSet(world, rules, message)) steps.push(`${edgeName(number)} takes ${describeSet(message)}`);
}

/** Every slot is free at the aggregator, or has a vehicle in it that the aggregator knows of; nothing is outstanding. */
function isSettled(world: World): boolean {
  return whatIsLeft(world) === '';
}

function whatIsLeft(world: World): string {
  const { aggregator } = world;
  for (const [number, edge] of world.edges.entries()) {
    const row = rowOf(aggregator, number);
    if (edge.pending.length > 0 || edge.waiting.length > 0) return `${edgeName(number)} has work`;
    if (row.epoch !== edge.epoch || row.upTo < logOf(edge).length) return `events of ${edgeName(number)} wait`;
    if (row.mustReport || aggregator.recovering[number] === true) return `${edgeName(number)} has still to report`;
    if (!row.settled) return `set ${String(row.version)} of ${edgeName(number)} is never accepted`;
    if (row.slots.length > 0) return `${edgeName(number)} keeps a set`;
    if (edge.held.slots.length > 0) return `${edgeName(number)} has a slot that the aggregator does not know of`;
  }
  for (const [slot, record] of aggregator.slots.entries()) {
    const isUsed = world.vehicles.some((vehicle) => vehicle.slot === slot);
    if (record.state !== 'free' && !isUsed) return `slot ${slotName(slot)} stays ${record.state} and nobody has it`;
  }
  return '';
}
