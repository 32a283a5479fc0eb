/** What is counted of a turn once it is stored: told by its facts, so that whatever was undone is not counted. */
import type { SiteFact } from '../domain/engine.js';
import type { AggregatorObserver } from './observer.js';
import type { TurnOutcome } from './turn/open-turn.js';

/** Call after the commit, once. */
export function observeFacts(observer: AggregatorObserver, facts: TurnOutcome['facts']): void {
  const answeredByEdges = new Set<string>();
  for (const input of facts) {
    for (const fact of input.facts) if (fact.type === 'arrival-answered') answeredByEdges.add(fact.key);
  }
  for (const input of facts) {
    for (const fact of input.facts) {
      if (fact.type === 'arrival-decided' && answeredByEdges.has(fact.key)) continue;
      observeFact(observer, input.siteId, fact);
    }
  }
}

function observeFact(observer: AggregatorObserver, siteId: string, fact: SiteFact): void {
  switch (fact.type) {
    case 'passage-counted':
      if (fact.gateId !== null) observer.onPassage(siteId, fact.gateId, fact.direction);
      return;
    case 'session-closed':
      if (fact.state === 'closed') observer.onSessionClosed(siteId, fact.durationMs, fact.basis);
      return;
    case 'review-opened':
      observer.onReviewOpened(siteId, fact.review.kind);
      return;
    case 'arrival-decided':
      if (fact.decision.basis === 'decision') observer.onAnswered(siteId, 'aggregator');
      if (fact.decision.reason !== null) observer.onDenied(siteId, fact.decision.reason);
      return;
    default:
      return;
  }
}
