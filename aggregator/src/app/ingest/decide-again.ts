/** Decisions that were made are sent again, unchanged, while their arrival is open. */
import { arrivalOf } from '../../domain/engine.js';
import { arrivalKey } from '../../domain/rows.js';
import type { ArrivalRow, DecisionRecord } from '../../domain/rows.js';
import type { OpenTurn } from '../turn/open-turn.js';
import type { IngestContext } from './context.js';
import type { EdgeView } from './edge-view.js';

/** It is open, and the aggregator's decision stands: the edge has not decided by itself. */
export function isDecided<T extends Readonly<ArrivalRow>>(arrival: T): arrival is T & { decision: DecisionRecord } {
  return arrival.state === 'open' && arrival.localOutcome === null && arrival.decision !== null;
}

/** Sends the decision as it stands when the turn is stored, if the arrival is still open then. */
export function decideAgain(
  context: IngestContext,
  turn: OpenTurn,
  view: EdgeView,
  wanted: { readonly edgeId: string; readonly epoch: string; readonly seq: number },
): void {
  turn.afterCommit(() => {
    const site = turn.findSite(view.siteId);
    const arrival = site === undefined ? undefined : arrivalOf(site, arrivalKey(wanted));
    if (site === undefined || arrival === undefined || !isDecided(arrival)) return;
    context.outbound.decision(view, site, arrival, arrival.decision);
  });
}
