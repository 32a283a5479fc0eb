/** Parts of states of one kind, numbered as they are met: equal ones have one number. */
import type { Renaming } from './renaming.js';
import type { Part } from './state.js';

export interface Shelf<T> {
  part(value: T): Part<T>;
  /** The number of the part under the renaming with this index. */
  numberOf(part: Part<T>, renaming: number): number;
}

export function createShelf<T>(
  renamings: readonly Renaming[],
  textOf: (value: T, renaming: Renaming) => string,
): Shelf<T> {
  const numbers = new Map<string, number>();
  const parts: Part<T>[] = [];
  const numberUnder = (value: T, index: number): number => {
    const renaming = renamings[index];
    if (renaming === undefined) throw new RangeError(`no renaming ${String(index)}`);
    const text = textOf(value, renaming);
    const number = numbers.get(text) ?? numbers.size;
    if (number === numbers.size) numbers.set(text, number);
    return number;
  };
  return {
    part(value) {
      const number = numberUnder(value, 0);
      return (parts[number] ??= { value, numbers: [number] });
    },
    numberOf: ({ value, numbers: own }, renaming) => (own[renaming] ??= numberUnder(value, renaming)),
  };
}
