import type { Logger } from '@gatehouse/shared/edge';
import type { LaneEvent } from '../domain/lane/vocabulary.js';

/** Faults of a lane go into the log as well as into the outbox. */
export function logFault(logger: Logger, gateId: string, event: LaneEvent): void {
  if (event.kind === 'fault-raised') {
    logger.warn({ gateId, fault: event.fault, detail: event.detail }, 'a fault was raised');
  } else if (event.kind === 'fault-cleared') logger.info({ gateId, fault: event.fault }, 'a fault was cleared');
}
