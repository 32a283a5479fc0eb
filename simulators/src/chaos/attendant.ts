/** Whoever is called when a vehicle cannot be accounted for: looks, and settles the review by what is physically true. */
import type { Stage } from './stage.js';
import { witnessed } from './witness.js';
import type { Direction } from './witness.js';

interface Review {
  readonly reviewId: string;
  readonly kind: string;
  readonly gateId: string | null;
  readonly sessionId: string | null;
}

interface Session {
  readonly sessionId: string;
  readonly state: string;
  readonly credential: { readonly value: string | null } | null;
}

/** Settles what became of vehicles whose agent was killed. Answers how many were entered as passed, at most. */
export async function attend({ system, siteId, gates, edgeIds }: Stage): Promise<Record<Direction, number>> {
  const directions = new Map(gates.map(({ gateId, direction }) => [gateId, direction]));
  const reviews = await system.list<Review>(`/api/v1/sites/${siteId}/reviews?open=true`);
  const sessions = await system.list<Session>(`/api/v1/sites/${siteId}/sessions`);
  const plateOf = new Map(sessions.map(({ sessionId, credential }) => [sessionId, credential?.value ?? '']));
  const truth = witnessed(
    edgeIds.flatMap((edgeId) => system.happenings(edgeId)),
    (gateId) => directions.get(gateId) ?? 'entry',
  );
  const entered = new Set(truth.passages.filter(({ direction }) => direction === 'entry').map(({ plate }) => plate));
  const settled = { entry: 0, exit: 0 };
  for (const { reviewId, kind, gateId, sessionId } of reviews) {
    if (kind !== 'arrival-unresolved' || gateId === null || sessionId === null) continue;
    const direction = directions.get(gateId) ?? 'entry';
    // With its lane a vehicle vanished: one on its way out is gone, one on its way in never came unless it was through.
    const passed = direction === 'exit' || entered.has(plateOf.get(sessionId) ?? '');
    await system.api('POST', `/api/v1/sites/${siteId}/reviews/${reviewId}/resolve`, {
      resolution: passed ? 'passed' : 'turned-back',
    });
    if (passed) settled[direction] += 1;
  }
  return settled;
}
