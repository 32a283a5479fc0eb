/** How many lanes a recording needs, so that nobody waits long. */

export interface LaneNeed {
  /** What one vehicle takes of a lane: driving up, the arm, driving through. */
  readonly serviceMs: number;
  /** A wait that is still acceptable. */
  readonly maxWaitMs: number;
  readonly maxLanes: number;
}

/** The fewest lanes with which no vehicle of these (in order of time) waits longer than is acceptable, or the most there may be. */
export function lanesNeeded(arrivalsMs: readonly number[], need: LaneNeed): number {
  for (let lanes = 1; lanes < need.maxLanes; lanes += 1) {
    if (longestWaitMs(arrivalsMs, lanes, need.serviceMs) <= need.maxWaitMs) return lanes;
  }
  return need.maxLanes;
}

/** The longest wait when each takes the lane that is free first. */
export function longestWaitMs(arrivalsMs: readonly number[], lanes: number, serviceMs: number): number {
  const freeAtMs = new Array<number>(lanes).fill(-Infinity);
  let longestMs = 0;
  for (const atMs of arrivalsMs) {
    const soonestMs = Math.min(...freeAtMs);
    const startMs = Math.max(atMs, soonestMs);
    freeAtMs[freeAtMs.indexOf(soonestMs)] = startMs + serviceMs;
    longestMs = Math.max(longestMs, startMs - atMs);
  }
  return longestMs;
}
