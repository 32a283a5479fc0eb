import {
  auditListQuerySchema,
  auditListSchema,
  auditVerificationSchema,
  eventListQuerySchema,
  eventListSchema,
  instantMs,
  quarantineListQuerySchema,
  quarantineListSchema,
  reviewListQuerySchema,
  reviewListSchema,
  reviewParamsSchema,
  reviewResolveRequestSchema,
  reviewSchema,
  siteParamsSchema,
} from '@gatehouse/shared';
import { verifyAudit } from '../../app/operations/audit.js';
import { resolveReview } from '../../app/operations/reviews.js';
import { openReviews } from '../../domain/engine.js';
import { Refusal } from '../../domain/refusal.js';
import type { ReviewRow } from '../../domain/rows.js';
import { auditResource, eventResource, quarantineResource, reviewResource } from '../resources.js';
import { mapPage, pageRequest, route } from '../route.js';
import type { RequestContext, Route } from '../route.js';
import { knownSite } from './sites.js';

export const recordRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/events',
    operationId: 'listEvents',
    tag: 'records',
    summary: 'List events',
    description: 'What the edges reported, newest received first.',
    role: 'viewer',
    scope: 'query',
    query: eventListQuerySchema,
    answer: { status: 200, description: 'Events.', content: eventListSchema },
    problems: ['cursor-invalid'],
    handler: async ({ query }, context) => {
      const filter = {
        ...siteFilter(context, query.siteId),
        ...(query.edgeId === undefined ? {} : { edgeId: query.edgeId }),
        ...(query.gateId === undefined ? {} : { gateId: query.gateId }),
        ...(query.kind === undefined ? {} : { kind: query.kind }),
        ...(query.receivedFrom === undefined ? {} : { fromMs: instantMs(query.receivedFrom) }),
        ...(query.receivedBefore === undefined ? {} : { beforeMs: instantMs(query.receivedBefore) }),
      };
      return { body: mapPage(await context.aggregator.store.listEvents(filter, pageRequest(query)), eventResource) };
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}/reviews',
    operationId: 'listReviews',
    tag: 'reviews',
    summary: 'List reviews',
    description: 'What a person should look at, newest first.',
    role: 'viewer',
    scope: 'path',
    params: siteParamsSchema,
    query: reviewListQuerySchema,
    answer: { status: 200, description: 'Reviews.', content: reviewListSchema },
    problems: ['site-unknown', 'cursor-invalid'],
    handler: async ({ params, query }, context) => {
      knownSite(context, params.siteId);
      const filter = {
        siteId: params.siteId,
        ...(query.kind === undefined ? {} : { kind: query.kind }),
        ...(query.open === undefined ? {} : { open: query.open === 'true' }),
      };
      return { body: mapPage(await context.aggregator.store.listReviews(filter, pageRequest(query)), reviewResource) };
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/reviews/{reviewId}/resolve',
    operationId: 'resolveReview',
    tag: 'reviews',
    summary: 'Settle a review',
    description: 'With the session it was about, an unmatched exit closes that session.',
    role: 'operator',
    scope: 'path',
    params: reviewParamsSchema,
    body: reviewResolveRequestSchema,
    answer: { status: 200, description: 'The review now.', content: reviewSchema },
    problems: ['site-unknown', 'review-unknown', 'review-resolved', 'session-unknown', 'session-not-open'],
    handler: async ({ params, body }, context) => {
      const before = findOpenReview(context, params);
      const resolution = { ...params, resolution: body.resolution, sessionId: body.sessionId ?? null };
      const answer = context.change({
        work: (turn) => resolveReview(turn, context.actor, resolution),
        render: async () => ({ body: reviewResource(await findReview(context, params, before)) }),
      });
      return answer.catch(async (error: unknown) => {
        // The engine knows open reviews only: whether it was settled before, the store knows.
        if (!(error instanceof Refusal) || error.code !== 'review-unknown') throw error;
        await findReview(context, params, undefined);
        throw new Refusal('review-resolved', `review ${params.reviewId} is settled already`, 'reviewId');
      });
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/quarantine',
    operationId: 'listQuarantine',
    tag: 'records',
    summary: 'List quarantined events',
    description: 'What was reported and could not be applied, newest first.',
    role: 'viewer',
    scope: 'query',
    query: quarantineListQuerySchema,
    answer: { status: 200, description: 'Quarantined events.', content: quarantineListSchema },
    problems: ['cursor-invalid'],
    handler: async ({ query }, context) => {
      const page = await context.aggregator.store.listQuarantine(siteFilter(context, query.siteId), pageRequest(query));
      return { body: mapPage(page, quarantineResource) };
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/audit',
    operationId: 'listAudit',
    tag: 'records',
    summary: 'List the audit log',
    description: 'Every act of a person or program, oldest first. Each entry’s hash covers the one before it.',
    role: 'auditor',
    scope: 'query',
    query: auditListQuerySchema,
    answer: { status: 200, description: 'Audit entries.', content: auditListSchema },
    problems: ['cursor-invalid'],
    handler: async ({ query }, context) => {
      const page = await context.aggregator.store.listAudit(siteFilter(context, query.siteId), pageRequest(query));
      return { body: mapPage(page, auditResource) };
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/audit/verification',
    operationId: 'verifyAudit',
    tag: 'records',
    summary: 'Verify the audit log',
    description: 'Follows the chain of hashes from the first entry to the last.',
    role: 'auditor',
    scope: 'all-sites',
    answer: { status: 200, description: 'What was found.', content: auditVerificationSchema },
    handler: async (_input, context) => ({ body: await verifyAudit(context.aggregator.store, context.sha256) }),
  }),
];

function siteFilter({ actor }: RequestContext, siteId: string | undefined): { siteId?: string } {
  const wanted = siteId ?? actor.siteId;
  return wanted === null ? {} : { siteId: wanted };
}

interface ReviewRef {
  readonly siteId: string;
  readonly reviewId: string;
}

function findOpenReview(context: RequestContext, { siteId, reviewId }: ReviewRef): ReviewRow | undefined {
  for (const review of openReviews(knownSite(context, siteId))) if (review.reviewId === reviewId) return { ...review };
  return undefined;
}

/** The review as the store has it: looked for among those of its kind and time. */
async function findReview(context: RequestContext, { siteId, reviewId }: ReviewRef, before: ReviewRow | undefined) {
  const filter = { siteId, ...(before === undefined ? {} : { kind: before.kind }), open: false };
  let cursor: string | null = null;
  do {
    const page = await context.aggregator.store.listReviews(filter, { limit: 500, cursor });
    const found = page.items.find((review) => review.reviewId === reviewId);
    if (found !== undefined) return found;
    cursor = page.nextCursor;
  } while (cursor !== null);
  throw new Refusal('review-unknown', `no review ${reviewId}`, 'reviewId');
}
