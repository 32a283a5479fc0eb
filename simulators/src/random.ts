/** Chance from a seed: the same seed gives the same numbers on every machine, so that a simulated day can be repeated. */
import type { Random } from '@gatehouse/shared';

/** A source of chance that continues the same way for the same words. Not for secrets. */
export function createSeededRandom(...seedWords: readonly (string | number)[]): Random {
  let state = hashWords(seedWords);
  // SplitMix32 over a counter: full period, and any seed is a good one.
  const nextUint32 = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  return {
    next: () => nextUint32() / 2 ** 32,
    hex: (byteCount) => {
      let text = '';
      while (text.length < byteCount * 2) text += nextUint32().toString(16).padStart(8, '0');
      return text.slice(0, byteCount * 2);
    },
  };
}

/** FNV-1a over the words, with a separator that no word holds. */
function hashWords(words: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const character of words.join('\u0000')) {
    hash ^= character.codePointAt(0) ?? 0;
    hash = Math.imul(hash, 0x01000193);
  }
  return hash | 0;
}

/** A whole number from 0 to below `bound`. */
export function wholeBelow(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

/** The gap between two events of a Poisson process with this mean gap. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random.next());
}

/** A normal deviate (Box and Muller). */
export function normal(random: Random, mean: number, standardDeviation: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return mean + standardDeviation * radius * Math.cos(2 * Math.PI * random.next());
}

/** A deviate whose logarithm is normal, by its median and the spread of its logarithm. */
export function logNormal(random: Random, median: number, spread: number): number {
  return median * Math.exp(normal(random, 0, spread));
}

/** One of the choices, each as likely as its weight says. */
export function pick<T>(random: Random, choices: readonly (readonly [T, number])[]): T {
  const total = choices.reduce((sum, [, weight]) => sum + weight, 0);
  let left = random.next() * total;
  for (const [choice, weight] of choices) {
    left -= weight;
    if (left < 0) return choice;
  }
  const last = choices.at(-1);
  if (last === undefined) throw new RangeError('there is nothing to pick from');
  return last[0];
}
