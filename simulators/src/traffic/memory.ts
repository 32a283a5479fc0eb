/** Who is inside, as the traffic remembers it between starts. */
import { z } from 'zod';
import { slotClassSchema } from '@gatehouse/shared';

export const insideVehicleSchema = z.strictObject({
  visitId: z.string().max(100),
  /** null at a site without readers. */
  plate: z.string().max(32).nullable(),
  slotClass: slotClassSchema,
  leaveAtMs: z.int(),
});
export type InsideVehicle = z.infer<typeof insideVehicleSchema>;

export const trafficMemorySchema = z.strictObject({
  /** Everything planned before this has been sent. */
  sentUntilMs: z.int(),
  inside: z.array(insideVehicleSchema).max(100_000),
});
export type TrafficMemory = z.infer<typeof trafficMemorySchema>;

/** What the aggregator says about who is inside: the truth after both were stopped at different moments. */
export interface InsideByCentre {
  readonly vehiclesInside: number;
  /** Plates of open sessions; null at a site without readers. */
  readonly plates: readonly string[] | null;
}

/**
 * Agrees the memory with the aggregator: who is inside by its books and unknown here is taken up, and leaves at a time that
 * `leaveAtMs` draws; who is remembered and not inside by its books has left.
 */
export function agreeWithCentre(
  inside: readonly InsideVehicle[],
  centre: InsideByCentre,
  leaveAtMs: () => number,
): InsideVehicle[] {
  if (centre.plates === null) return agreeByNumber(inside, centre.vehiclesInside, leaveAtMs);
  const plates = new Set(centre.plates);
  const kept = inside.filter(({ plate }) => plate !== null && plates.has(plate));
  const known = new Set(kept.map(({ plate }) => plate));
  const found = [...plates].filter((plate) => !known.has(plate));
  return [...kept, ...found.map((plate) => takenUp(plate, leaveAtMs()))];
}

function agreeByNumber(inside: readonly InsideVehicle[], count: number, leaveAtMs: () => number): InsideVehicle[] {
  const byLeaving = [...inside].sort((a, b) => a.leaveAtMs - b.leaveAtMs);
  const kept = byLeaving.slice(Math.max(0, byLeaving.length - count));
  const missing = Math.max(0, count - kept.length);
  return [...kept, ...Array.from({ length: missing }, () => takenUp(null, leaveAtMs()))];
}

function takenUp(plate: string | null, leaveAtMs: number): InsideVehicle {
  return { visitId: 'taken-up', plate, slotClass: 'standard', leaveAtMs };
}
