/** Reviews, settled by a person. */
import type { Turn } from '../committer.js';
import type { Actor } from './actor.js';

/** @throws Refusal `review-unknown`, `review-resolved`, `session-unknown` … */
export function resolveReview(
  turn: Turn,
  actor: Actor,
  request: {
    readonly siteId: string;
    readonly reviewId: string;
    readonly resolution: string;
    readonly sessionId: string | null;
  },
): { siteId: string; reviewId: string } {
  const { siteId, reviewId, resolution, sessionId } = request;
  turn.apply(siteId, {
    type: 'resolve-review',
    by: actor.label,
    reason: resolution,
    reviewId,
    resolution,
    sessionId,
  });
  turn.audit({
    by: actor.label,
    action: 'review.resolve',
    siteId,
    target: reviewId,
    reason: resolution,
    detail: { sessionId },
  });
  return { siteId, reviewId };
}
