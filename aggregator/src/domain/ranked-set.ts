/**
 * A set of ranks (0, 1, 2 …) that gives its lowest member quickly: one bit a rank, and one summary bit for each 32 ranks. With
 * 200,000 slots, the best free one of a zone is found by looking at no more than some two hundred words.
 */
export interface RankedSet {
  add(rank: number): void;
  delete(rank: number): void;
  /** The lowest rank, or -1 when empty. */
  first(): number;
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
    get size() {
      return size;
    },
  };
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
