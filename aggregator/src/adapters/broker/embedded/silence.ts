/** Ends connections of which nothing is heard any more. The broker's own time-out would not hear what goes past it. */
import type { CancelTimer, Clock } from '@gatehouse/shared';
import type { GuardedConnection } from './guarded-connection.js';

export interface Audible {
  readonly connection: GuardedConnection;
  /** 0: it may be silent for ever. */
  readonly maxSilenceMs: number;
}

const sweepEveryMs = 500;

/** Answers what ends the watch. */
export function watchSilence(clock: Clock, connections: () => Iterable<Audible>): () => void {
  let cancel: CancelTimer = () => undefined;
  const sweep = (): void => {
    const nowMs = clock.monoMs();
    for (const { connection, maxSilenceMs } of connections()) {
      if (maxSilenceMs === 0 || nowMs - connection.lastHeardMonoMs <= maxSilenceMs) continue;
      connection.destroy(new Error('keep alive timeout'));
    }
    cancel = clock.setTimer(sweepEveryMs, sweep);
  };
  cancel = clock.setTimer(sweepEveryMs, sweep);
  return () => {
    cancel();
  };
}
