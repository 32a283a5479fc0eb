/** Other names for the slots and edges of a state. What can happen is the same under any of them. */
import type { AggregatorHalf } from './half.js';
import type { Scenario } from './scenario.js';

export interface Renaming {
  /** By slot: its new number. */
  readonly slots: readonly number[];
  /** By edge: its new number. */
  readonly edges: readonly number[];
  /** By new number: the edge. */
  readonly oldEdges: readonly number[];
}

/** All of them; the first changes nothing. */
export function renamingsOf(scenario: Scenario, half: AggregatorHalf): Renaming[] {
  const slots = half.tellsSlotsApart ? [upTo(scenario.slots)] : orders(upTo(scenario.slots));
  return orders(upTo(scenario.edges)).flatMap((edges) =>
    slots.map((slot) => ({ slots: slot, edges, oldEdges: upTo(scenario.edges).map((edge) => edges.indexOf(edge)) })),
  );
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** All orders of these numbers, their own first. */
function orders(numbers: readonly number[]): number[][] {
  if (numbers.length === 0) return [[]];
  return numbers.flatMap((first) => orders(numbers.filter((other) => other !== first)).map((rest) => [first, ...rest]));
}
