/** Where loops and arm lie along a lane, and when a moving vehicle covers and uncovers them. Metres and milliseconds. */
import type { SimulatedLaneSettings, VehicleOrder } from './settings.js';

export interface Span {
  readonly startM: number;
  readonly endM: number;
}

export type LoopName = 'arming' | 'safety';

export interface LaneGeometry {
  readonly loops: Readonly<Record<LoopName, Span>>;
  readonly armM: number;
  /** Where the head of a waiting vehicle stops: on loop A, before the arm. */
  readonly stopM: number;
  /** Where the tail of a vehicle from the far side stops: on loop B, behind the arm. */
  readonly farStopM: number;
}

export function laneGeometry(settings: SimulatedLaneSettings): LaneGeometry {
  const safetyStart = settings.armingLoopM + settings.loopGapM;
  const safety = { startM: safetyStart, endM: safetyStart + settings.safetyLoopM };
  const armM = safetyStart + settings.armAfterSafetyStartM;
  return {
    loops: { arming: { startM: 0, endM: settings.armingLoopM }, safety },
    armM,
    stopM: Math.min(settings.armingLoopM * 0.8, armM - 0.3),
    farStopM: Math.max(armM + 0.3, safety.endM - 0.3 * settings.safetyLoopM),
  };
}

/** The metal of a vehicle as a loop sees it, measured backwards from its head (the end towards the site). */
export function vehicleBody(order: VehicleOrder, lengthM: number): readonly Span[] {
  if (!order.trailer) return [{ startM: 0, endM: lengthM }];
  const drawbarM = Math.min(1.7, lengthM / 4);
  const carM = (lengthM - drawbarM) * 0.45;
  return [
    { startM: 0, endM: carM },
    { startM: carM + drawbarM, endM: lengthM },
  ];
}

/** A steady movement of a vehicle's head. */
export interface Motion {
  readonly startMs: number;
  readonly fromM: number;
  readonly toM: number;
  /** Metres in a millisecond, above 0; the sign comes from the ends. */
  readonly speed: number;
}

export function headAt(motion: Motion, atMs: number): number {
  const lengthM = Math.abs(motion.toM - motion.fromM);
  const goneM = Math.min(lengthM, Math.max(0, (atMs - motion.startMs) * motion.speed));
  return motion.toM >= motion.fromM ? motion.fromM + goneM : motion.fromM - goneM;
}

export function endMs(motion: Motion): number {
  return motion.startMs + Math.abs(motion.toM - motion.fromM) / motion.speed;
}

/** When the head passes `headM`, or undefined if this movement does not pass it. A movement owns its start and not its end. */
export function timeAtHead(motion: Motion, headM: number): number | undefined {
  const forward = motion.toM >= motion.fromM;
  const within = forward ? headM >= motion.fromM && headM < motion.toM : headM <= motion.fromM && headM > motion.toM;
  return within ? motion.startMs + Math.abs(headM - motion.fromM) / motion.speed : undefined;
}

export interface Crossing {
  readonly atMs: number;
  readonly loop: LoopName;
  /** Index of the part of the body. */
  readonly part: number;
  readonly covered: boolean;
}

/** Every moment of a movement at which a part of the body begins or ceases to cover a loop. */
export function crossings(motion: Motion, body: readonly Span[], geometry: LaneGeometry): Crossing[] {
  const forward = motion.toM >= motion.fromM;
  const found: Crossing[] = [];
  for (const loop of ['arming', 'safety'] as const) {
    const span = geometry.loops[loop];
    for (const [part, piece] of body.entries()) {
      const reaches = timeAtHead(motion, span.startM + piece.startM);
      const clears = timeAtHead(motion, span.endM + piece.endM);
      if (reaches !== undefined) found.push({ atMs: reaches, loop, part, covered: forward });
      if (clears !== undefined) found.push({ atMs: clears, loop, part, covered: !forward });
    }
  }
  return found.sort((a, b) => a.atMs - b.atMs);
}
