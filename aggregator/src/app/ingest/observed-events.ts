/** What edges report of their own answers and losses, counted once it is stored. */
import type { EdgeEvent, EdgeEventOf } from '@gatehouse/shared';
import { arrivalOf } from '../../domain/engine.js';
import type { SiteState } from '../../domain/engine.js';
import { arrivalKey } from '../../domain/rows.js';
import type { OpenTurn } from '../turn/open-turn.js';
import type { IngestContext, Received } from './context.js';

interface Reported {
  readonly context: IngestContext;
  readonly turn: OpenTurn;
  readonly received: Received;
  readonly site: SiteState;
  readonly batch: { readonly epoch: string };
}

/** Call before the event is applied: what the arrival was told until now tells whether the edge was alone. */
export function observeByKind(reported: Reported, event: EdgeEvent): void {
  const { turn, context, received } = reported;
  const { edgeId, siteId } = received;
  const { observer } = context;
  switch (event.kind) {
    case 'vehicle-admitted': {
      const isAlone = !wasToldToUseItsOwn(reported, event);
      turn.whenAnswered(() => {
        if (isAlone) observer.onAnswered(siteId, 'edge');
        if (event.basis === 'allowance') observer.onAllowanceAdmission(siteId, edgeId);
      });
      return;
    }
    case 'vehicle-denied': {
      const { reason } = event;
      turn.whenAnswered(() => {
        if (reason !== 'locked' && reason !== 'operator') observer.onAnswered(siteId, 'edge');
        observer.onDenied(siteId, reason);
      });
      return;
    }
    case 'events-lost':
      turn.whenAnswered(() => {
        observer.onEventsLost(siteId, edgeId, event.lost);
      });
      return;
    default:
      return;
  }
}

/** `own`: the aggregator answered, and the edge chose the slot. */
function wasToldToUseItsOwn(
  { site, received, batch }: Reported,
  { arrival, basis }: EdgeEventOf<'vehicle-admitted'>,
): boolean {
  const key = arrivalKey({ edgeId: received.edgeId, epoch: batch.epoch, seq: arrival });
  return basis === 'allowance' && arrivalOf(site, key)?.decision?.outcome === 'own';
}
