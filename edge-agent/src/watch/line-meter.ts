/** Counts what a raw contact does. A level that lasted shorter than the debounce time is a bounce: the agent would not have seen it. */

export interface LineMeter {
  readonly active: boolean;
  readonly sinceMs: number;
  readonly changes: number;
  readonly bounces: number;
  readonly debounceMs: number;
}

export interface MeteredChange {
  readonly meter: LineMeter;
  /** How long the level before lasted; null for the first one, whose beginning nobody saw. */
  readonly lastedMs: number | null;
  readonly isBounce: boolean;
}

export function newMeter(active: boolean, debounceMs: number, nowMs: number): LineMeter {
  return { active, sinceMs: nowMs, changes: 0, bounces: 0, debounceMs };
}

/** Undefined where nothing changed. */
export function meter(before: LineMeter, active: boolean, atMs: number): MeteredChange | undefined {
  if (active === before.active) return undefined;
  const lastedMs = before.changes === 0 ? null : Math.max(0, atMs - before.sinceMs);
  const isBounce = lastedMs !== null && lastedMs < before.debounceMs;
  const bounces = before.bounces + (isBounce ? 1 : 0);
  return { meter: { ...before, active, sinceMs: atMs, changes: before.changes + 1, bounces }, lastedMs, isBounce };
}
