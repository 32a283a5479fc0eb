/** Everything that can happen next in the model. */
import { isAvailable, isHeldBy } from './aggregator-half.js';
import type { AggregatorHalf, NewSet } from './half.js';
import {
  addVehicle,
  admitAlone,
  endVehicle,
  endWaiting,
  failToStore,
  isNumbered,
  loseStore,
  numberNext,
  passVehicle,
  receiveSet,
  removeVehicle,
  restart,
  storeNext,
  usableSlots,
} from './edge-half.js';
import type { Rules } from './rules.js';
import type { Scenario } from './scenario.js';
import type { LoggedEvent, World } from './state.js';
import { copyWorld, edgeOf, logEvent, logOf, ownEdge, rowOf, slotName } from './state.js';
import { describeEvent, describePending, describeSet, edgeName } from './words.js';

/** One step of a story. */
export interface Move {
  readonly text: string;
  readonly world: World;
  /** It happens by itself, sooner or later, when no more faults do. Of such moves, there are only so many until none is left. */
  readonly isCalm: boolean;
}

type Take = (describe: () => string, change: (world: World) => boolean | undefined, isCalm?: boolean) => void;

export interface Game {
  readonly rules: Rules;
  readonly scenario: Scenario;
  readonly half: AggregatorHalf;
}

export function movesFrom(world: World, game: Game): Move[] {
  const moves: Move[] = [];
  const take: Take = (describe, change, isCalm = false) => {
    const next = copyWorld(world);
    if (change(next) === false) return;
    moves.push({
      get text() {
        return describe();
      },
      world: next,
      isCalm,
    });
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
    take(
      () => `${name} takes ${describeSet(message)}`,
      (next) => receiveSet(next, rules, message),
    );
  }
  const [pending] = edge.pending;
  if (pending !== undefined) {
    const what = (): string => describePending(pending);
    const begin = (next: World): boolean => numberNext(next, rules, number, scenario.maxReturned);
    take(() => `${name} begins to store ${what()}`, begin, true);
    take(
      () => `${name} has stored ${what()}`,
      (next) => storeNext(next, rules, number),
      true,
    );
    if (scenario.edgeFaults) {
      take(
        () => `${name} restarts before it has stored ${what()}`,
        (next) => restart(next, number),
      );
      // With nothing behind it in hand, that is the same as the restart.
      const fails = edge.pending.length > 1;
      if (fails)
        take(
          () => `${name} fails to store ${what()}`,
          (next) => failToStore(next, number),
        );
    }
  }
  if (world.losses < scenario.maxLosses) {
    take(
      () => `the outbox of ${name} is destroyed; it begins a new epoch`,
      (next) => {
        loseStore(next, rules, number);
        next.losses += 1;
        next.told = next.told.with(number, 0);
        return true;
      },
    );
  }
}

function vehicleMoves(world: World, { rules, scenario }: Game, number: number, take: Take): void {
  const edge = edgeOf(world, number);
  const name = edgeName(number);
  const hasRoom = eventsOf(world, number) < scenario.maxEvents;
  const canLog = hasRoom && !isNumbered(edge);
  if (hasRoom && edge.pending.length < 2) {
    for (const slot of usableSlots(edge, rules)) {
      take(
        () => `${name}, alone, gives slot ${slotName(slot)} to a vehicle`,
        (next) => {
          admitAlone(next, rules, number, 0, slot);
          return true;
        },
      );
      for (const arrival of edge.waiting) {
        take(
          () => `${name}, alone, gives slot ${slotName(slot)} to the vehicle of event ${String(arrival)}`,
          (next) => {
            admitAlone(next, rules, number, arrival, slot);
            return true;
          },
        );
      }
    }
  }
  if (canLog) {
    for (const arrival of edge.waiting) {
      take(
        () => `the vehicle of event ${String(arrival)} leaves ${name} unserved`,
        (next) => endWaiting(next, number, arrival),
      );
    }
  }
  for (const vehicle of world.vehicles) {
    if (vehicle.edge !== number) continue;
    const who = (): string => `the vehicle for slot ${slotName(vehicle.slot)}`;
    if (vehicle.epoch !== edge.epoch) {
      take(
        () => `${who()}, of the lost outbox, goes away unseen`,
        (next) => removeVehicle(next, vehicle),
        true,
      );
      continue;
    }
    if (!canLog) continue;
    if (vehicle.at === 'gate') {
      take(
        () => `${who()} passes`,
        (next) => passVehicle(next, vehicle),
      );
      take(
        () => `${who()} backs out`,
        (next) => endVehicle(next, vehicle, 'backed-out'),
      );
    } else
      take(
        () => `${who()} leaves the site`,
        (next) => endVehicle(next, vehicle, 'left'),
      );
  }
}

// ---------------------------------------------------------------- the aggregator

function aggregatorMoves(world: World, game: Game, number: number, take: Take): void {
  const name = edgeName(number);
  const edge = edgeOf(world, number);
  const row = rowOf(world.aggregator, number);
  const event = nextEvent(world, number);
  if (event !== undefined) {
    const what = (): string => `event ${String(row.upTo + 1)} of ${name}: ${describeEvent(event)}`;
    take(
      () => `the aggregator applies ${what()}`,
      (next) => applyNext(next, game, number),
      true,
    );
  }
  if (row.epoch < edge.epoch) {
    const learn = (next: World): boolean => {
      next.aggregator = game.half.replaceEpoch(next.aggregator, number, row.epoch + 1);
      return true;
    };
    take(() => `the aggregator learns that ${name} has a new outbox`, learn, true);
  }
  if (hasRecovered(world, game, number)) {
    const trust = (next: World): boolean => {
      next.aggregator = game.half.trust(next.aggregator, number);
      return true;
    };
    take(() => `the aggregator trusts ${name} again`, trust, true);
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
  world.aggregator = half.applyEvent(world.aggregator, number, event);
  const row = rowOf(world.aggregator, number);
  if (row.epoch === edgeOf(world, number).epoch && row.upTo > (world.told[number] ?? 0)) {
    world.told = world.told.with(number, row.upTo);
  }
  return true;
}

export function hasRecovered(world: World, { half }: Game, number: number): boolean {
  return half.hasRecovered(world.aggregator, number, isCurrent(world, number));
}

/** Everything that the edge has stored is applied. */
function isCurrent(world: World, number: number): boolean {
  const edge = edgeOf(world, number);
  const row = rowOf(world.aggregator, number);
  return row.epoch === edge.epoch && row.upTo === logOf(edge).length;
}

/** An operator looks what stands in the slots, or is bound for them, that the edge gave out and nobody can tell of any more. */
export function look(world: World, { half }: Game, number: number): boolean {
  const { epoch } = rowOf(world.aggregator, number);
  const found = world.vehicles.filter((vehicle) => vehicle.edge === number && vehicle.epoch !== epoch);
  world.aggregator = half.look(world.aggregator, number, found);
  return true;
}

function makingSets(world: World, game: Game, number: number, take: Take): void {
  const { rules, half } = game;
  const row = rowOf(world.aggregator, number);
  const isRecovering = world.aggregator.recovering.includes(true);
  if (isRecovering && !row.mustReport) return;
  const asOfs = rules['as-of-in-transaction'] ? [row.upTo] : [row.upTo, logOf(edgeOf(world, number), row.epoch).length];
  const versions = new Set(reportable(world, number).map((reported) => nextVersion(world, rules, number, reported)));
  for (const slots of subsets(half.offerable(world.aggregator, number))) {
    if (!row.mustReport && slots.join() === row.slots.join()) continue;
    for (const asOf of new Set(asOfs)) {
      for (const version of versions) makeOne(game, number, { slots, version, asOf }, take);
      if (!rules['unchanged-set'] && !row.settled) makeOne(game, number, { slots, version: row.version, asOf }, take);
    }
  }
}

function makeOne({ rules, half }: Game, number: number, set: NewSet, take: Take): void {
  const what = (): string => `${describeSet(set)} for ${edgeName(number)}`;
  const send = (next: World): true => {
    const { epoch } = rowOf(next.aggregator, number);
    next.sets = [...next.sets, { edge: number, epoch, ...set }];
    next.setsMade += 1;
    return true;
  };
  take(
    () => `the aggregator makes ${what()}`,
    (next) => {
      next.aggregator = half.makeSet(next.aggregator, number, set);
      return send(next);
    },
  );
  if (!rules['commit-before-sending']) take(() => `the aggregator sends ${what()} and dies before it is stored`, send);
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
  if (isCurrent(world, number) && edge.pending.length === 0 && eventsOf(world, number) < scenario.maxEvents) {
    const current = world.edges.map((_, other) => other === number || isCurrent(world, other));
    for (const slot of world.aggregator.slots.keys()) {
      if (!isAvailable(world.aggregator, slot)) continue;
      take(
        () => `a vehicle comes to ${name}; the aggregator reserves slot ${slotName(slot)} for it`,
        (next) => {
          const aggregator = half.reserve(next.aggregator, number, slot, current);
          if (aggregator === null) return false;
          next.aggregator = aggregator;
          const own = ownEdge(next, number);
          const arrival = logEvent(own, { kind: 'arrived' });
          own.waiting = [...own.waiting, arrival];
          next.told = next.told.with(number, arrival);
          next.decisions = [...next.decisions, { edge: number, epoch: row.epoch, arrival, slot }];
          return true;
        },
      );
    }
  }
  for (const decision of world.decisions) {
    if (decision.edge !== number || decision.epoch !== edge.epoch || !edge.waiting.includes(decision.arrival)) continue;
    take(
      () => `${name} lets the vehicle of event ${String(decision.arrival)} in, for slot ${slotName(decision.slot)}`,
      (next) => {
        const there = ownEdge(next, number);
        there.waiting = there.waiting.filter((waiting) => waiting !== decision.arrival);
        addVehicle(next, { ...decision, at: 'gate' });
        return true;
      },
    );
  }
}

// ---------------------------------------------------------------- people

function operatorMoves(world: World, game: Game, take: Take): void {
  const { scenario, half } = game;
  for (const slot of world.aggregator.slots.keys()) {
    if (!isForgotten(world, slot)) continue;
    const release = (next: World): boolean => {
      next.aggregator = half.release(next.aggregator, slot);
      return true;
    };
    take(() => `an operator finds slot ${slotName(slot)} empty and releases it`, release, true);
  }
  for (const [edge, row] of world.aggregator.rows.entries()) {
    if (!row.isUnknown || scenario.restore === 'never') continue;
    take(
      () => `an operator looks at all slots for what ${edgeName(edge)} gave out`,
      (next) => look(next, game, edge),
      true,
    );
  }
  if (world.releases >= scenario.maxReleases) return;
  for (const [edge, row] of world.aggregator.rows.entries()) {
    if (!world.aggregator.slots.some((record) => isHeldBy(record, edge, row.epoch))) continue;
    take(
      () => `an operator releases the holdings of ${edgeName(edge)}, which is alive`,
      (next) => {
        next.aggregator = half.releaseHoldings(next.aggregator, edge);
        next.releases += 1;
        return true;
      },
    );
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
    take(
      () => 'a copy is made of the store of the aggregator',
      (next) => {
        next.copy = next.aggregator;
        return true;
      },
    );
  }
  const { copy } = world;
  if (copy !== null) {
    take(
      () => 'the store of the aggregator is replaced by its copy',
      (next) => {
        next.aggregator = copy;
        next.copy = null;
        next.restored = true;
        if (scenario.restore === 'told') next.aggregator = half.noticeRestore(next.aggregator, null);
        return true;
      },
    );
  }
  if (scenario.restore !== 'untold') return;
  for (const edge of world.edges.keys()) {
    if (!showsRestore(world, edge) || rowOf(world.aggregator, edge).mustReport) continue;
    take(
      () => `${edgeName(edge)} shows that the store was restored`,
      (next) => {
        next.aggregator = half.noticeRestore(next.aggregator, edge);
        return true;
      },
    );
  }
}

/** A state of this edge tells of events or sets that the aggregator does not know. */
export function showsRestore(world: World, number: number): boolean {
  const edge = edgeOf(world, number);
  const row = rowOf(world.aggregator, number);
  if (!world.restored || row.epoch !== edge.epoch) return false;
  return (world.told[number] ?? 0) > row.upTo || edge.held.version > row.version;
}

function eventsOf(world: World, number: number): number {
  const edge = edgeOf(world, number);
  return logOf(edge).length + edge.pending.length;
}

function subsets(slots: readonly number[]): number[][] {
  return slots.reduce<number[][]>((all, slot) => [...all, ...all.map((some) => [...some, slot])], [[]]);
}
