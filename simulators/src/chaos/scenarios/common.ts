/** Steps that several scenarios have. */
import { until } from '../../processes/index.js';
import { healDeadlineMs } from '../stage.js';
import type { Stage } from '../stage.js';

/** So many more vehicles have gone through. */
export async function moreTraffic({ traffic }: Stage, passages: number, also = () => true): Promise<void> {
  const total = (): number => traffic.passed.entry + traffic.passed.exit;
  const before = total();
  await until(`${String(passages)} vehicles pass`, () => total() >= before + passages && also(), healDeadlineMs);
}

/** Of one edge, or of the site. */
export async function openReviewKinds({ system, siteId }: Stage, edgeId?: string): Promise<string[]> {
  const reviews = await system.list<{ kind: string; edgeId: string | null }>(
    `/api/v1/sites/${siteId}/reviews?open=true`,
  );
  return reviews.filter((review) => edgeId === undefined || review.edgeId === edgeId).map(({ kind }) => kind);
}

/** More reviews of this edge are open than before, soon: what shows them may still be on its way. Answers whether they are. */
export async function areMoreReviewsOpen(stage: Stage, edgeId: string, before: number): Promise<boolean> {
  const isMore = async () => (await openReviewKinds(stage, edgeId)).length > before;
  return until(`something is raised of ${edgeId}`, isMore, raisedWithinMs).catch(() => false);
}

const raisedWithinMs = 30_000;

/** A person looks at what an edge gave out whose outbox was replaced. Until then a store that is restored keeps its free slots back. */
export async function lookAtReplacedOutboxes({ system, siteId }: Stage): Promise<void> {
  const reviews = await system.list<{ reviewId: string; kind: string }>(`/api/v1/sites/${siteId}/reviews?open=true`);
  for (const { reviewId } of reviews.filter(({ kind }) => kind === 'epoch-replaced')) {
    await system.api('POST', `/api/v1/sites/${siteId}/reviews/${reviewId}/resolve`, { resolution: 'looked' });
  }
}

type Line = Readonly<Record<string, unknown>>;

/** Lines about vehicles that went through gates whose names end so. */
export function passagesAt({ system }: Stage, processName: string, gatesLike = ''): Line[] {
  return system
    .happenings(processName)
    .filter((line) => line.type === 'ended' && String(line.gateId).endsWith(gatesLike))
    .filter((line) => (line.report as { outcome: string }).outcome === 'passed');
}

/** Of a line about a vehicle that has come as far as the gate. */
export function vehicleOf(line: Line): unknown {
  return line.type === 'ended' ? (line.report as { vehicleId: unknown }).vehicleId : line.vehicleId;
}
