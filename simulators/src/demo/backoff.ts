/** How long to wait before a process that died is started again, and when to give up. Pure. */

export interface BackoffSettings {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** A process that ran this long starts with a clean sheet. */
  readonly healthyAfterMs: number;
  /** Deaths in a row after which nobody tries again. */
  readonly maxDeaths: number;
}

export const defaultBackoff: BackoffSettings = {
  firstDelayMs: 500,
  maxDelayMs: 15_000,
  healthyAfterMs: 30_000,
  maxDeaths: 8,
};

export interface Backoff {
  /** The wait before the next start, or null to give up, after a process that ran `ranForMs`. */
  afterDeath(ranForMs: number): number | null;
}

export function createBackoff(settings: BackoffSettings): Backoff {
  let deaths = 0;
  return {
    afterDeath(ranForMs) {
      deaths = ranForMs >= settings.healthyAfterMs ? 1 : deaths + 1;
      if (deaths > settings.maxDeaths) return null;
      return Math.min(settings.maxDelayMs, settings.firstDelayMs * 2 ** (deaths - 1));
    },
  };
}
