/** The arm of a simulated barrier: 0 is closed, 1 is open, and it takes its time between. */

export interface Arm {
  /** Where it was at `sinceMs`. */
  readonly position: number;
  readonly sinceMs: number;
  readonly moving: 'up' | 'down' | 'still';
  /** What it was last asked for; it goes on towards it when power or mechanics return. */
  readonly wanted: 'up' | 'down' | 'still';
}

export interface ArmTravel {
  readonly armOpenMs: number;
  readonly armCloseMs: number;
}

export const closedArm: Arm = { position: 0, sinceMs: 0, moving: 'still', wanted: 'still' };

export function armPosition(arm: Arm, travel: ArmTravel, atMs: number): number {
  const elapsedMs = Math.max(0, atMs - arm.sinceMs);
  if (arm.moving === 'up') return Math.min(1, arm.position + elapsedMs / Math.max(1, travel.armOpenMs));
  if (arm.moving === 'down') return Math.max(0, arm.position - elapsedMs / Math.max(1, travel.armCloseMs));
  return arm.position;
}

/** When it will reach the end it moves towards; undefined when still. */
export function armArrivalMs(arm: Arm, travel: ArmTravel): number | undefined {
  if (arm.moving === 'up') return arm.sinceMs + (1 - arm.position) * Math.max(1, travel.armOpenMs);
  if (arm.moving === 'down') return arm.sinceMs + arm.position * Math.max(1, travel.armCloseMs);
  return undefined;
}

/** Sets it moving, or leaves it still when it is at that end or cannot move. */
export function driveArm(arm: Arm, travel: ArmTravel, atMs: number, wanted: Arm['wanted'], canMove: boolean): Arm {
  const position = armPosition(arm, travel, atMs);
  const there = (wanted === 'up' && position >= 1) || (wanted === 'down' && position <= 0);
  return { position, sinceMs: atMs, wanted, moving: canMove && !there ? wanted : 'still' };
}

/** It has reached the end it moved towards. */
export function arrivedArm(arm: Arm, atMs: number): Arm {
  return { ...arm, position: arm.moving === 'up' ? 1 : 0, sinceMs: atMs, moving: 'still' };
}
