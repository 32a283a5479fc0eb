/** Whether an agent may end now without leaving anybody half through. */
import type { LaneState } from './state.js';

/**
 * Nobody is on the way through, and the arm is not moving nor about to close. Whoever waits at a closed arm, or was turned away,
 * may be left there.
 */
export function isAtRest({ vehicle, barrier, orders }: LaneState): boolean {
  if (barrier.motion !== null || barrier.closeAtMs !== null) return false;
  if (vehicle === null) return true;
  const progress = vehicle.arrival?.progress;
  const letThrough = progress === 'admitted' || progress === 'recording' || orders.openUntilMs !== null;
  return vehicle.phase === 'first' && !vehicle.unknown && !letThrough;
}
