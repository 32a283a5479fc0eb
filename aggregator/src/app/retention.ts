/** Deletes what has been kept long enough, and texts that nothing refers to any more, a few rows at a time between two turns. */
import type { Clock, Logger } from '@gatehouse/shared';
import type { AggregatorStore, PrunableKind } from './ports.js';
import type { AggregatorSettings } from './settings.js';

export interface Retention {
  /** A new round is due; begins when the one before is over. */
  begin(): void;
  /** One step of the round; false when there is nothing more to do in it. Never rejects. */
  step(): Promise<boolean>;
}

export interface RetentionPorts {
  readonly store: Pick<AggregatorStore, 'prune' | 'pruneCredentials'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asked before a credential is deleted: forgets it, unless what is in memory needs it. */
  readonly letCredentialGo: (credentialId: string) => boolean;
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
  let round: { name: string; stepsLeft: number; step: () => Promise<boolean> }[] = [];
  /** Where the walk through the credentials goes on, in this round or the next; null: at the first. */
  let lastCredentialId: string | null = null;

  const pruneOld = async (kind: PrunableKind, days: number): Promise<boolean> => {
    const beforeMs = Math.floor(ports.clock.wallMs() - days * dayMs);
    return (await ports.store.prune(kind, beforeMs, settings.rowsPerStep)) >= settings.rowsPerStep;
  };
  const pruneCredentials = async (): Promise<boolean> => {
    const { credentialsPerStep } = settings;
    const { lastId } = await ports.store.pruneCredentials(lastCredentialId, credentialsPerStep, ports.letCredentialGo);
    lastCredentialId = lastId;
    return lastId !== null;
  };

  return {
    begin() {
      // One that takes longer than the interval goes on: begun anew, it would never come to its end.
      if (round.length > 0) return;
      const stepsLeft = settings.stepsPerInterval;
      round = [
        ...keptDays.map(([kind, days]) => ({ name: kind, stepsLeft, step: () => pruneOld(kind, days) })),
        // Last, so that what the others deleted refers to nothing any more.
        { name: 'credentials', stepsLeft, step: pruneCredentials },
      ];
    },
    async step() {
      const current = round[0];
      if (current === undefined) return false;
      current.stepsLeft -= 1;
      try {
        const isMore = await current.step();
        if (!isMore || current.stepsLeft <= 0) round.shift();
      } catch (error) {
        ports.logger.warn({ kind: current.name, err: error }, 'old rows could not be deleted; tried again next time');
        round = [];
      }
      return true;
    },
  };
}
