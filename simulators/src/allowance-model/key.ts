/**
 * One text a state: equal for states that differ only in which slot, or which edge, is which. The parts of a state are numbered under
 * every renaming; the key is the least list of their numbers.
 */
import type { AggregatorHalf } from './half.js';
import { renamingsOf } from './renaming.js';
import type { Scenario } from './scenario.js';
import { createShelf } from './shelf.js';
import type { Shelf } from './shelf.js';
import type { Aggregator, Edge, Part, Parts, World } from './state.js';
import { aggregatorText, decisionsText, edgeText, setsText, vehiclesText } from './texts.js';

export interface Keys {
  /** `order` is a list of edges that belongs to the state. The state gets the parts that were met first. */
  keyOf: (world: World, order?: readonly number[]) => string;
  /** The first that was met of all that are equal. */
  shared: (aggregator: Aggregator) => Aggregator;
}

export function createKeys(scenario: Scenario, half: AggregatorHalf): Keys {
  const renamings = renamingsOf(scenario, half);
  const aggregators = createShelf(renamings, aggregatorText);
  const edges = createShelf(renamings, edgeText);
  const vehicles = createShelf(renamings, vehiclesText);
  const sets = createShelf(renamings, setsText);
  const decisions = createShelf(renamings, decisionsText);
  /** Aggregators are worked out once, so they come again and again. */
  const known = new Map<Aggregator, Part<Aggregator>>();

  const aggregatorPart = (aggregator: Aggregator): Part<Aggregator> => {
    const found = known.get(aggregator) ?? aggregators.part(aggregator);
    known.set(found.value, found);
    return found;
  };
  const partsOf = (world: World): Parts => {
    const { parts: before } = world;
    return {
      aggregator: aggregatorPart(world.aggregator),
      copy: world.copy === null ? null : aggregatorPart(world.copy),
      vehicles: same(before?.vehicles, world.vehicles, vehicles),
      sets: same(before?.sets, world.sets, sets),
      decisions: same(before?.decisions, world.decisions, decisions),
      edges: world.edges.map((edge, number) => same<Readonly<Edge>>(before?.edges[number], edge, edges)),
    };
  };
  /** The number at one place of the list: most renamings are ruled out by the first of them. */
  const numberAt = (world: World, parts: Parts, order: readonly number[], index: number, place: number): number => {
    switch (place) {
      case 0:
        return aggregators.numberOf(parts.aggregator, index);
      case 1:
        return parts.copy === null ? -1 : aggregators.numberOf(parts.copy, index);
      case 2:
        return vehicles.numberOf(parts.vehicles, index);
      case 3:
        return sets.numberOf(parts.sets, index);
      case 4:
        return decisions.numberOf(parts.decisions, index);
    }
    const renaming = renamings[index];
    const count = parts.edges.length;
    const at = (place - 5) % count;
    const edge = renaming?.oldEdges[at] ?? at;
    const part = parts.edges[edge];
    if (place < 5 + count && part !== undefined) return edges.numberOf(part, index);
    if (place < 5 + 2 * count) return world.restored || world.copy !== null ? (world.told[edge] ?? 0) : 0;
    return renaming?.edges[order[at] ?? 0] ?? 0;
  };

  return {
    keyOf(world, order = []) {
      const parts = partsOf(world);
      usePartsOf(world, parts);
      const length = 5 + 2 * parts.edges.length + order.length;
      let least: number[] = [];
      for (let index = 0; index < renamings.length; index += 1) {
        const other: number[] = [];
        let isLess = index === 0;
        for (let place = 0; place < length; place += 1) {
          const number = numberAt(world, parts, order, index, place);
          const best = least[place] ?? 0;
          if (!isLess && number > best) break;
          isLess ||= number < best;
          other.push(number);
        }
        if (isLess) least = other;
      }
      const { releases, losses, setsMade, restored } = world;
      return textOf([...least, releases, losses, setsMade, restored ? 1 : 0]);
    },
    shared: (aggregator) => aggregatorPart(aggregator).value,
  };
}

const low = 0x7fff;

/** Short, and as good as the numbers: one character for each from -1 on, or two. */
function textOf(numbers: readonly number[]): string {
  const codes: number[] = [];
  for (const number of numbers) {
    if (number < low) codes.push(number + 1);
    else codes.push(0x8000 | ((number + 1) >> 15), (number + 1) & low);
  }
  return String.fromCharCode(...codes);
}

/** The part as it was, if the value is the same one. */
function same<T>(before: Part<T> | undefined, value: T, shelf: Shelf<T>): Part<T> {
  return before?.value === value ? before : shelf.part(value);
}

function usePartsOf(world: World, parts: Parts): void {
  world.parts = parts;
  world.aggregator = parts.aggregator.value;
  world.copy = parts.copy === null ? null : parts.copy.value;
  world.vehicles = parts.vehicles.value;
  world.sets = parts.sets.value;
  world.decisions = parts.decisions.value;
  world.edges = parts.edges.map(({ value }) => value);
}
