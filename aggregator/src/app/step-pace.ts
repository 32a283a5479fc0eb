/** How many rows the next step takes, so that it lasts about as long as it may. Learns from how long the steps before took. */

export interface StepPace {
  /** For the next step; at least 1, at most the bound. */
  readonly rows: number;
  /** A step looked at `rows` rows and took `durationMs`; it may take `targetMs`. */
  onStep(rows: number, durationMs: number, targetMs: number): void;
}

/** Of the first step, whose cost is unknown. */
const firstRows = 16;
/** A step is at most twice as large as the one before: what it costs is learnt from small ones. */
const maxGrowth = 2;
/** One slow step may have met a slow disk: it costs three quarters of the size, not all of it. */
const maxShrinkage = 1 / 4;

export function createStepPace(maxRows: number): StepPace {
  let rows = Math.min(firstRows, maxRows);
  return {
    get rows() {
      return rows;
    },
    onStep(took, durationMs, targetMs) {
      const factor = durationMs <= 0 ? maxGrowth : targetMs / durationMs;
      // A step that found less than it looked for says nothing about a larger one.
      if (factor > 1 && took < rows) return;
      rows = clamp(Math.floor(rows * clamp(factor, maxShrinkage, maxGrowth)), 1, maxRows);
    },
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
