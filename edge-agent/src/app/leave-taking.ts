/** Waits, before the agent ends, for those whom its lanes have let through. */
import type { Clock, Logger } from '@gatehouse/shared/edge';
import { isAtRest } from '../domain/lane/rest.js';
import type { LaneRunner } from './lane-runner.js';

export interface LeaveTaking {
  /** Resolves when every lane is at rest, or after `laneClearTimeoutMs`. May be called twice. */
  wait(): Promise<void>;
  /** A lane may have come to rest. */
  laneChanged(): void;
}

export function createLeaveTaking(options: {
  readonly lanes: ReadonlyMap<string, LaneRunner>;
  readonly laneClearTimeoutMs: number;
  readonly linkClock: Clock;
  readonly logger: Logger;
}): LeaveTaking {
  const { lanes, laneClearTimeoutMs, linkClock, logger } = options;
  let laneChanged = (): void => undefined;
  const busyGates = (): string[] => [...lanes].filter(([, { state }]) => !isAtRest(state)).map(([gateId]) => gateId);
  let waiting: Promise<void> | undefined;
  const wait = async (): Promise<void> => {
    if (busyGates().length === 0) return;
    logger.info({ gates: busyGates() }, 'waits for vehicles on their way through');
    await new Promise<void>((resolve) => {
      const cancel = linkClock.setTimer(laneClearTimeoutMs, () => {
        logger.warn({ gates: busyGates(), laneClearTimeoutMs }, 'ends with a vehicle on its way through');
        resolve();
      });
      laneChanged = () => {
        if (busyGates().length > 0) return;
        cancel();
        resolve();
      };
    });
  };
  return {
    wait() {
      waiting ??= wait();
      return waiting;
    },
    laneChanged() {
      laneChanged();
    },
  };
}
