/** The way between one machine and the broker, and what is wrong with it at present. */

export interface PathFaults {
  /** Packets of the direction vanish, and neither end is told. */
  heldUp: number;
  heldDown: number;
  /** No connection, and both ends know. */
  cut: number;
  /** Mean of what a message takes longer. */
  delayMs: number;
  lossRate: number;
  duplicateRate: number;
  reorderRate: number;
}

export interface Path {
  readonly faults: PathFaults;
  /** One way, in ms; the broker may be in the same process. */
  readonly latencyMs: number;
}

export function createPath(latencyMs: number): Path {
  return { latencyMs, faults: noPathFaults() };
}

export function noPathFaults(): PathFaults {
  return { heldUp: 0, heldDown: 0, cut: 0, delayMs: 0, lossRate: 0, duplicateRate: 0, reorderRate: 0 };
}
