/** What followers of a site hear of facts. */
import type { SiteFact } from './facts.js';
import type { Notice } from './rows.js';
import type { SiteState } from './state.js';

/** At most one notice a fact. `atMs` is the time of the turn. */
export function noticesOf(state: SiteState, facts: readonly SiteFact[], atMs: number): Notice[] {
  const notices: Notice[] = [];
  for (const fact of facts) {
    const said = noticeOf(fact);
    if (said === undefined) continue;
    const { kind, gateId = null, sessionId = null, slotId = null, reviewId = null, detail = null } = said;
    notices.push({ kind, siteId: state.siteId, atMs, gateId, sessionId, slotId, reviewId, detail });
  }
  return notices;
}

function noticeOf(fact: SiteFact): (Pick<Notice, 'kind'> & Partial<Notice>) | undefined {
  switch (fact.type) {
    case 'arrival-opened':
      return { kind: 'vehicle-arrived', gateId: fact.arrival.gateId, detail: fact.arrival.direction };
    case 'arrival-decided': {
      const { decision, arrival } = fact;
      const kind = decision.outcome === 'deny' ? 'vehicle-denied' : 'vehicle-admitted';
      return {
        kind,
        gateId: arrival.gateId,
        sessionId: decision.sessionId,
        slotId: decision.slotId,
        detail: decision.reason ?? decision.basis,
      };
    }
    case 'arrival-answered':
      return { kind: fact.outcome === 'denied' ? 'vehicle-denied' : 'vehicle-admitted', detail: 'by the edge alone' };
    case 'arrival-ended':
      return fact.state === 'passed' ? undefined : { kind: 'arrival-ended', gateId: fact.gateId, detail: fact.state };
    case 'passage-counted':
      return {
        kind: fact.direction === 'entry' ? 'vehicle-entered' : 'vehicle-left',
        gateId: fact.gateId,
        sessionId: fact.sessionId,
        slotId: fact.slotId,
      };
    case 'session-changed':
      return { kind: 'session-changed', sessionId: fact.sessionId, detail: Object.keys(fact.change).join(', ') };
    case 'session-rewritten':
      return { kind: 'session-changed', sessionId: fact.session.sessionId, detail: 'corrected' };
    case 'slot-service-changed':
      return { kind: 'slot-changed', slotId: fact.slotId, detail: fact.outOfService ?? 'in service' };
    case 'slot-recall-changed':
      return {
        kind: 'slot-changed',
        slotId: fact.slotId,
        detail: fact.recall === null ? 'recall ended' : `recalled: ${fact.recall.kind}`,
      };
    case 'count-adjusted':
      return { kind: 'count-corrected', detail: String(fact.by) };
    case 'review-opened':
      return {
        kind: 'review-opened',
        gateId: fact.review.gateId,
        sessionId: fact.review.sessionId,
        reviewId: fact.review.reviewId,
        detail: fact.review.kind,
      };
    case 'review-resolved':
      return { kind: 'review-resolved', reviewId: fact.reviewId, detail: fact.resolution };
    case 'layout-changed':
      return { kind: 'layout-changed', detail: `version ${String(fact.version)}` };
    case 'reported':
      return { kind: fact.kind, gateId: fact.gateId, detail: fact.detail };
    default:
      return undefined;
  }
}
