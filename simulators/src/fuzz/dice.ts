/** Small choices from one seeded source of chance. */
import type { Random } from '@gatehouse/shared';
import { createSeededRandom, wholeBelow } from '../random.js';

export interface Dice {
  readonly random: Random;
  /** Whether something of this likelihood happens, 0 to 1. */
  happens(likelihood: number): boolean;
  /** A whole number from 0 to below `bound`. */
  below(bound: number): number;
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
  /** @throws RangeError when there is nothing to choose from */
  oneOf<T>(choices: readonly T[]): T;
  hex(bytes: number): string;
  /** Dice of their own: however often they are thrown, these here go on the same. */
  fork(): Dice;
}

export function createDice(...seedWords: readonly (string | number)[]): Dice {
  const random = createSeededRandom(...seedWords);
  const below = (bound: number): number => wholeBelow(random, bound);
  return {
    random,
    happens: (likelihood) => random.next() < likelihood,
    below,
    between: (min, max) => min + below(max - min + 1),
    oneOf<T>(choices: readonly T[]): T {
      const choice = choices[below(choices.length)];
      if (choice === undefined && choices.length === 0) throw new RangeError('there is nothing to choose from');
      return choice as T;
    },
    hex: (bytes) => random.hex(bytes),
    fork: () => createDice(random.hex(8)),
  };
}
