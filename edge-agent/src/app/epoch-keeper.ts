/** Begins new epochs when the histories of the two ends differ, and not too many of them. */
import type { Clock, Logger, Random } from '@gatehouse/shared/edge';
import type { NotesOfEpoch } from './draft.js';
import type { Recorder } from './recorder.js';
import type { ProtocolSettings } from './settings.js';

export interface EpochKeeper {
  /** Begins a new epoch now, or as soon as the last one is old enough. */
  begin(cause: string): void;
  /** The aggregator has taken events of this epoch: the next one need not wait. */
  acknowledged(): void;
  stop(): void;
}

export function createEpochKeeper(options: {
  readonly linkClock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly settings: ProtocolSettings;
  readonly recorder: Recorder;
  readonly notes: NotesOfEpoch;
  readonly hold: () => void;
  readonly begun: () => void;
}): EpochKeeper {
  const { linkClock, random, logger, settings, recorder } = options;
  let inProgress = false;
  let stopped = false;
  let lastBegunMs = -Infinity;
  let intervalMs = settings.epochMinIntervalMs;
  let cancelWait: () => void = () => undefined;

  const mint = async (cause: string): Promise<void> => {
    try {
      const carried = await recorder.beginEpoch(random.hex(16), options.notes);
      logger.warn({ cause, carried }, 'a new epoch was begun');
      lastBegunMs = linkClock.monoMs();
      intervalMs = Math.min(settings.epochMaxIntervalMs, intervalMs * 2);
      inProgress = false;
      options.begun();
    } catch (error) {
      logger.error({ cause, error: String(error) }, 'a new epoch could not be begun');
      cancelWait = linkClock.setTimer(intervalMs, () => {
        if (!stopped) void mint(cause);
      });
    }
  };

  return {
    begin(cause) {
      if (inProgress || stopped) return;
      inProgress = true;
      options.hold();
      const waitMs = lastBegunMs + intervalMs - linkClock.monoMs();
      if (waitMs > 0 && Number.isFinite(waitMs)) {
        cancelWait = linkClock.setTimer(waitMs, () => {
          if (!stopped) void mint(cause);
        });
      } else {
        void mint(cause);
      }
    },
    acknowledged() {
      intervalMs = settings.epochMinIntervalMs;
    },
    stop() {
      stopped = true;
      cancelWait();
    },
  };
}
