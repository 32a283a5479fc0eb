/** Deletes what has been kept long enough, a few rows at a time between two turns. */
import type { Clock, Logger } from '@gatehouse/shared';
import type { AggregatorStore, PrunableKind } from './ports.js';
import type { AggregatorSettings } from './settings.js';

export interface Retention {
  /** A new round is due. */
  begin(): void;
  /** One step of the round; false when there is nothing more to do in it. Never rejects. */
  step(): Promise<boolean>;
}

export interface RetentionPorts {
  readonly store: Pick<AggregatorStore, 'prune'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const dayMs = 86_400_000;

export function createRetention(settings: AggregatorSettings['retention'], ports: RetentionPorts): Retention {
  const keptDays: readonly (readonly [PrunableKind, number])[] = [
    ['sessions', settings.sessionsDays],
    ['events', settings.eventsDays],
    ['arrivals', settings.arrivalsDays],
    ['reviews', settings.reviewsDays],
    ['quarantine', settings.quarantineDays],
    ['notices', settings.noticesDays],
    ['commands', settings.commandsDays],
    ['idempotency', settings.idempotencyDays],
  ];
  let round: { kind: PrunableKind; days: number; stepsLeft: number }[] = [];
  return {
    begin() {
      round = keptDays.map(([kind, days]) => ({ kind, days, stepsLeft: settings.stepsPerInterval }));
    },
    async step() {
      const current = round[0];
      if (current === undefined) return false;
      const beforeMs = Math.floor(ports.clock.wallMs() - current.days * dayMs);
      current.stepsLeft -= 1;
      try {
        const deleted = await ports.store.prune(current.kind, beforeMs, settings.rowsPerStep);
        if (deleted < settings.rowsPerStep || current.stepsLeft <= 0) round.shift();
      } catch (error) {
        ports.logger.warn({ kind: current.kind, err: error }, 'old rows could not be deleted; tried again next time');
        round = [];
      }
      return true;
    },
  };
}
