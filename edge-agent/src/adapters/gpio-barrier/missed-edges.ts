/** Says that edges were missed: the first time at once, then at most once in a while, with how many there were. */
import type { Clock, Logger } from '@gatehouse/shared/edge';

export const missedEdgeQuietMs = 60_000;

export function createMissedEdgeLog(clock: Clock, logger: Logger): (missed: number) => void {
  let total = 0;
  let saidAtMs = -Infinity;
  return (missed) => {
    total += missed;
    if (clock.monoMs() - saidAtMs < missedEdgeQuietMs) return;
    saidAtMs = clock.monoMs();
    logger.warn({ missed: total }, 'edges of inputs were missed; their levels were read back');
  };
}
