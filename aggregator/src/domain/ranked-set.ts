/**
 * A set of ranks (0, 1, 2 …) that gives its lowest and its highest members quickly: one bit a rank, and one summary bit for each 32 ranks. With
 * 200,000 slots, the best free one of a zone is found by looking at no more than some two hundred words.
 */
export interface RankedSet {
  add(rank: number): void;
  delete(rank: number): void;
  /** The lowest rank, or -1 when empty. */
  first(): number;
  /** The highest rank below `rank`, or -1. */
  below(rank: number): number;
  readonly size: number;
}

export function createRankedSet(): RankedSet {
  let bits = new Uint32Array(1);
  let summary = new Uint32Array(1);
  let size = 0;

  const ensure = (word: number): void => {
    if (word < bits.length) return;
    const grown = new Uint32Array(Math.max(word + 1, bits.length * 2));
    grown.set(bits);
    bits = grown;
    const grownSummary = new Uint32Array((grown.length >>> 5) + 1);
    grownSummary.set(summary);
    summary = grownSummary;
  };

  return {
    add(rank) {
      const word = rank >>> 5;
      ensure(word);
      const before = bits[word] ?? 0;
      const after = (before | (1 << (rank & 31))) >>> 0;
      if (after === before) return;
      bits[word] = after;
      summary[word >>> 5] = ((summary[word >>> 5] ?? 0) | (1 << (word & 31))) >>> 0;
      size += 1;
    },
    delete(rank) {
      const word = rank >>> 5;
      const before = bits[word] ?? 0;
      const after = (before & ~(1 << (rank & 31))) >>> 0;
      if (after === before) return;
      bits[word] = after;
      if (after === 0) summary[word >>> 5] = ((summary[word >>> 5] ?? 0) & ~(1 << (word & 31))) >>> 0;
      size -= 1;
    },
    first() {
      if (size === 0) return -1;
      for (let block = 0; block < summary.length; block++) {
        const present = summary[block] ?? 0;
        if (present === 0) continue;
        const word = block * 32 + lowestBit(present);
        return word * 32 + lowestBit(bits[word] ?? 0);
      }
      return -1;
    },
    below(rank) {
      const top = Math.min(rank, bits.length * 32) - 1;
      if (size === 0 || top < 0) return -1;
      const word = top >>> 5;
      const here = highestBit(upTo(bits[word] ?? 0, top & 31));
      if (here >= 0) return word * 32 + here;
      for (let block = word >>> 5; block >= 0; block--) {
        const present = summary[block] ?? 0;
        const lower = block === word >>> 5 ? present & ((1 << (word & 31)) - 1) : present;
        if (lower === 0) continue;
        const found = block * 32 + highestBit(lower);
        return found * 32 + highestBit(bits[found] ?? 0);
      }
      return -1;
    },
    get size() {
      return size;
    },
  };
}

/** The bits of `word` up to and including number `last`. */
function upTo(word: number, last: number): number {
  return last === 31 ? word : word & ((1 << (last + 1)) - 1);
}

/** The number of the highest bit, -1 when there is none. */
function highestBit(word: number): number {
  return 31 - Math.clz32(word);
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
