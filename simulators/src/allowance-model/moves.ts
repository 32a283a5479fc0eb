/** Everything that can happen next in the model. */
import { isAvailable, isHeldBy } from './aggregator-half.js';
import type { AggregatorHalf } from './half.js';
import {
  addVehicle,
  admitAlone,
  failToStore,
  isNumbered,
  loseStore,
  numberNext,
  receiveSet,
  restart,
  storeNext,
  usableSlots,
} from './edge-half.js';
import type { Rules } from './rules.js';
import type { Scenario } from './scenario.js';
import type { LoggedEvent, Vehicle, World } from './state.js';
import { copyAggregator, copyWorld, edgeOf, logEvent, logOf, rowOf, slotName } from './state.js';
import { describeEvent, describePending, describeSet, edgeName } from './words.js';

/** One step of a story. */
export interface Move {
  readonly text: string;
  readonly world: World;
}

type Take = (text: string, change: (world: World) => boolean | undefined) => void;

export interface Game {
  readonly rules: Rules;
  readonly scenario: Scenario;
  readonly half: AggregatorHalf;
}

export function movesFrom(world: World, game: Game): Move[] {
  const moves: Move[] = [];
  const take: Take = (text, change) => {
    const next = copyWorld(world);
    if (change(next) === false) return;
    forget(next, game);
    moves.push({ text, world: next });
  };
  for (let edge = 0; edge < world.edges.length; edge += 1) {
    edgeMoves(world, game, edge, take);
    vehicleMoves(world, game, edge, take);
    aggregatorMoves(world, game, edge, take);
    onlineMoves(world, game, edge, take);
  }
  operatorMoves(world, game, take);
  if (game.scenario.restore !== 'never') restoreMoves(world, game, take);
  return moves;
}

// ---------------------------------------------------------------- the edge

function edgeMoves(world: World, game: Game, number: number, take: Take): void {
  const { rules, scenario } = game;
  const edge = edgeOf(world, number);
  const name = edgeName(number);
  for (const message of world.sets) {
    if (message.edge !== number || edge.pending.length >= 2) continue;
    if (eventsOf(world, number) >= scenario.maxEvents) continue;
    take(`${name} takes ${describeSet(message)}`, (next) => receiveSet(next, rules, message));
  }
  const [pending] = edge.pending;
  if (pending !== undefined) {
    const what = describePending(pending);
    take(`${name} begins to store ${what}`, (next) => numberNext(edgeOf(next, number), rules, scenario.maxReturned));
    take(`${name} has stored ${what}`, (next) => storeNext(next, rules, number));
    if (scenario.edgeFaults) {
      take(`${name} restarts before it has stored ${what}`, (next) => restart(edgeOf(next, number)));
      take(`${name} fails to store ${what}`, (next) => failToStore(edgeOf(next, number)));
    }
  }
  if (world.losses < scenario.maxLosses) {
    take(`the outbox of ${name} is destroyed; it begins a new epoch`, (next) => {
      loseStore(edgeOf(next, number), rules);
      next.losses += 1;
      next.told[number] = 0;
      return true;
    });
  }
}

function vehicleMoves(world: World, { rules, scenario }: Game, number: number, take: Take): void {
  const edge = edgeOf(world, number);
  const name = edgeName(number);
  const hasRoom = eventsOf(world, number) < scenario.maxEvents;
  const canLog = hasRoom && !isNumbered(edge);
  if (hasRoom && edge.pending.length < 2) {
    for (const slot of usableSlots(edge, rules)) {
      take(`${name}, alone, gives slot ${slotName(slot)} to a vehicle`, (next) => {
        admitAlone(next, rules, number, 0, slot);
        return true;
      });
      for (const arrival of edge.waiting) {
        take(`${name}, alone, gives slot ${slotName(slot)} to the vehicle of event ${String(arrival)}`, (next) => {
          admitAlone(next, rules, number, arrival, slot);
          return true;
        });
      }
    }
  }
  if (canLog) {
    for (const arrival of edge.waiting) {
      take(`the vehicle of event ${String(arrival)} leaves ${name} unserved`, (next) =>
        endWaiting(next, number, arrival),
      );
    }
  }
  for (const vehicle of world.vehicles) {
    if (vehicle.edge !== number) continue;
    const who = `the vehicle for slot ${slotName(vehicle.slot)}`;
    if (vehicle.epoch !== edge.epoch) {
      take(`${who}, of the lost outbox, goes away unseen`, (next) => removeVehicle(next, vehicle));
      continue;
    }
    if (!canLog) continue;
    if (vehicle.at === 'gate') {
      take(`${who} passes`, (next) => passVehicle(next, vehicle));
      take(`${who} backs out`, (next) => endVehicle(next, vehicle, 'backed-out'));
    } else take(`${who} leaves the site`, (next) => endVehicle(next, vehicle, 'left'));
  }
}

export function endWaiting(world: World, number: number, arrival: number): boolean {
  const edge = edgeOf(world, number);
  edge.waiting = edge.waiting.filter((waiting) => waiting !== arrival);
  logEvent(edge, { kind: 'backed-out', arrival });
  return true;
}

function removeVehicle(world: World, vehicle: Vehicle): boolean {
  world.vehicles = world.vehicles.filter((other) => other !== vehicle);
  return true;
}

export function passVehicle(world: World, vehicle: Vehicle): boolean {
  removeVehicle(world, vehicle);
  addVehicle(world, { ...vehicle, at: 'in' });
  logEvent(edgeOf(world, vehicle.edge), { kind: 'passed', arrival: vehicle.arrival, slot: vehicle.slot });
  return true;
}

function endVehicle(world: World, vehicle: Vehicle, kind: 'backed-out' | 'left'): boolean {
  logEvent(edgeOf(world, vehicle.edge), { kind, arrival: vehicle.arrival });
  return removeVehicle(world, vehicle);
}

// ---------------------------------------------------------------- the aggregator

function aggregatorMoves(world: World, game: Game, number: number, take: Take): void {
  const name = edgeName(number);
  const edge = edgeOf(world, number);
  const row = rowOf(world.aggregator, number);
  const event = nextEvent(world, number);
  if (event !== undefined) {
    take(`the aggregator applies event ${String(row.upTo + 1)} of ${name}: ${describeEvent(event)}`, (next) =>
      applyNext(next, game, number),
    );
  }
  if (row.epoch < edge.epoch) {
    take(`the aggregator learns that ${name} has a new outbox`, (next) => {
      game.half.replaceEpoch(next, number, row.epoch + 1);
      return true;
    });
  }
  if (game.half.hasRecovered(world, number)) {
    take(`the aggregator trusts ${name} again`, (next) => {
      game.half.trust(next, number);
      return true;
    });
  }
  if (world.setsMade < game.scenario.maxSets) makingSets(world, game, number, take);
}

/** The event that the aggregator can apply next. */
export function nextEvent(world: World, number: number): LoggedEvent | undefined {
  const { epoch, upTo } = rowOf(world.aggregator, number);
  return logOf(edgeOf(world, number), epoch)[upTo];
}

export function applyNext(world: World, { half }: Game, number: number): boolean {
  const event = nextEvent(world, number);
  if (event === undefined) return false;
  half.applyEvent(world, number, event);
  const row = rowOf(world.aggregator, number);
  if (row.epoch === edgeOf(world, number).epoch) world.told[number] = Math.max(world.told[number] ?? 0, row.upTo);
  return true;
}

function makingSets(world: World, game: Game, number: number, take: Take): void {
  const { rules, half } = game;
  const row = rowOf(world.aggregator, number);
  const isRecovering = world.aggregator.recovering.includes(true);
  if (isRecovering && !row.mustReport) return;
  const asOfs = rules['as-of-in-transaction'] ? [row.upTo] : [row.upTo, logOf(edgeOf(world, number), row.epoch).length];
  const versions = new Set(reportable(world, number).map((reported) => nextVersion(world, rules, number, reported)));
  for (const slots of subsets(half.offerable(world, number))) {
    if (!row.mustReport && slots.join() === row.slots.join()) continue;
    for (const asOf of new Set(asOfs)) {
      for (const version of versions) makeOne(game, number, { slots, version, asOf }, take);
      if (!rules['unchanged-set'] && !row.settled) makeOne(game, number, { slots, version: row.version, asOf }, take);
    }
  }
}

function makeOne(
  { rules, half }: Game,
  number: number,
  set: { readonly slots: readonly number[]; readonly version: number; readonly asOf: number },
  take: Take,
): void {
  const { slots, version, asOf } = set;
  const what = `${describeSet(set)} for ${edgeName(number)}`;
  take(`the aggregator makes ${what}`, (next) => {
    next.sets = [...next.sets, half.makeSet(next, number, slots, version, asOf)];
    next.setsMade += 1;
    return true;
  });
  if (rules['commit-before-sending']) return;
  take(`the aggregator sends ${what} and dies before it is stored`, (next) => {
    next.sets = [...next.sets, half.makeSet(copyWorld(next), number, slots, version, asOf)];
    next.setsMade += 1;
    return true;
  });
}

/** Versions that a state of the edge, old or new, may name. Only after a restore can they matter. */
function reportable(world: World, number: number): number[] {
  if (!world.restored) return [0];
  const edge = edgeOf(world, number);
  const accepted = logOf(edge).flatMap((event) => (event.kind === 'accepted' ? [event.version] : []));
  return [0, ...accepted];
}

/** In the real protocol the leap is 2^32. */
const leap = 100;

export function nextVersion(world: World, rules: Rules, number: number, reported: number): number {
  const row = rowOf(world.aggregator, number);
  const step = row.mustReport && rules['leap-after-restore'] ? leap : 1;
  return Math.max(row.version, reported) + step;
}

// ---------------------------------------------------------------- decisions by the aggregator

function onlineMoves(world: World, { scenario, half }: Game, number: number, take: Take): void {
  const edge = edgeOf(world, number);
  const row = rowOf(world.aggregator, number);
  const name = edgeName(number);
  const isCurrent = row.epoch === edge.epoch && row.upTo === logOf(edge).length && edge.pending.length === 0;
  if (isCurrent && eventsOf(world, number) < scenario.maxEvents) {
    for (const slot of world.aggregator.slots.keys()) {
      if (!isAvailable(world.aggregator, slot)) continue;
      take(`a vehicle comes to ${name}; the aggregator reserves slot ${slotName(slot)} for it`, (next) => {
        const arrival = logEvent(edgeOf(next, number), { kind: 'arrived' });
        if (!half.reserve(next, number, slot)) return false;
        const { epoch } = row;
        next.told[number] = arrival;
        next.decisions = [...next.decisions, { edge: number, epoch, arrival, slot }];
        edgeOf(next, number).waiting = [...edgeOf(next, number).waiting, arrival];
        return true;
      });
    }
  }
  for (const decision of world.decisions) {
    if (decision.edge !== number || decision.epoch !== edge.epoch || !edge.waiting.includes(decision.arrival)) continue;
    take(
      `${name} lets the vehicle of event ${String(decision.arrival)} in, for slot ${slotName(decision.slot)}`,
      (next) => {
        const there = edgeOf(next, number);
        there.waiting = there.waiting.filter((waiting) => waiting !== decision.arrival);
        addVehicle(next, { ...decision, at: 'gate' });
        return true;
      },
    );
  }
}

// ---------------------------------------------------------------- people

function operatorMoves(world: World, { scenario, half }: Game, take: Take): void {
  for (const slot of world.aggregator.slots.keys()) {
    if (!isForgotten(world, slot)) continue;
    take(`an operator finds slot ${slotName(slot)} empty and releases it`, (next) => {
      half.release(next, slot);
      return true;
    });
  }
  for (const [edge, row] of world.aggregator.rows.entries()) {
    if (!row.isUnknown) continue;
    take(`an operator looks at all slots and trusts ${edgeName(edge)} again`, (next) => {
      half.lookAndTrust(next, edge);
      return true;
    });
  }
  if (world.releases >= scenario.maxReleases) return;
  for (const [edge, row] of world.aggregator.rows.entries()) {
    if (!world.aggregator.slots.some((record) => isHeldBy(record, edge, row.epoch))) continue;
    take(`an operator releases the holdings of ${edgeName(edge)}, which is alive`, (next) => {
      half.releaseHoldings(next, edge);
      next.releases += 1;
      return true;
    });
  }
}

/** A slot that only an operator can free, and that nobody is in. */
export function isForgotten(world: World, slot: number): boolean {
  const record = world.aggregator.slots[slot];
  if (record === undefined || record.state === 'free') return false;
  if (record.epoch === rowOf(world.aggregator, record.edge).epoch) return false;
  return !world.vehicles.some((vehicle) => vehicle.slot === slot);
}

// ---------------------------------------------------------------- the store of the aggregator

function restoreMoves(world: World, { scenario, half }: Game, take: Take): void {
  if (world.copy === null && !world.restored) {
    take('a copy is made of the store of the aggregator', (next) => {
      next.copy = { aggregator: copyAggregator(next.aggregator), books: next.books };
      return true;
    });
  }
  const { copy } = world;
  if (copy !== null) {
    take('the store of the aggregator is replaced by its copy', (next) => {
      next.aggregator = copyAggregator(copy.aggregator);
      next.books = copy.books;
      next.copy = null;
      next.restored = true;
      if (scenario.restore === 'told') half.noticeRestore(next, null);
      return true;
    });
  }
  if (scenario.restore !== 'untold') return;
  for (const edge of world.edges.keys()) {
    if (!showsRestore(world, edge) || rowOf(world.aggregator, edge).mustReport) continue;
    take(`${edgeName(edge)} shows that the store was restored`, (next) => {
      half.noticeRestore(next, edge);
      return true;
    });
  }
}

/** A state of this edge tells of events or sets that the aggregator does not know. */
export function showsRestore(world: World, number: number): boolean {
  const edge = edgeOf(world, number);
  const row = rowOf(world.aggregator, number);
  if (!world.restored || row.epoch !== edge.epoch) return false;
  return (world.told[number] ?? 0) > row.upTo || edge.held.version > row.version;
}

// ---------------------------------------------------------------- what cannot matter any more

/** Drops messages that can change nothing, so that states which differ in them only are one. */
function forget(world: World, { rules }: Game): void {
  world.decisions = world.decisions.filter(({ edge, epoch, arrival }) => {
    const { epoch: present, waiting, pending } = edgeOf(world, edge);
    return (
      epoch === present &&
      (waiting.includes(arrival) || pending.some((item) => item.kind === 'admitted' && item.arrival === arrival))
    );
  });
  world.sets = world.sets.filter((message) => {
    const edge = edgeOf(world, message.edge);
    if (rules['own-epoch'] && message.epoch < edge.epoch) return false;
    return !rules['newer-only'] || !rules['own-epoch'] || message.version > edge.held.version;
  });
}

function eventsOf(world: World, number: number): number {
  const edge = edgeOf(world, number);
  return logOf(edge).length + edge.pending.length;
}

function subsets(slots: readonly number[]): number[][] {
  return slots.reduce<number[][]>((all, slot) => [...all, ...all.map((some) => [...some, slot])], [[]]);
}
