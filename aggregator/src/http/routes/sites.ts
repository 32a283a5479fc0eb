import {
  apiLimits,
  countCorrectionRequestSchema,
  occupancyListSchema,
  pageQueryShape,
  reasonRequestSchema,
  reasonSchema,
  siteLayoutRequestSchema,
  siteListSchema,
  siteOccupancySchema,
  siteParamsSchema,
  siteQueryShape,
  siteSchema,
} from '@gatehouse/shared';
import { z } from 'zod';
import { correctCount, overrideRecovery, putLayout } from '../../app/operations/sites.js';
import type { SiteState } from '../../domain/engine.js';
import { Refusal } from '../../domain/refusal.js';
import { pageOf } from '../lists.js';
import { ProblemError } from '../problems.js';
import { occupancyResource, siteResource, siteSummaryResource } from '../resources.js';
import { mapPage, pageRequest, route } from '../route.js';
import type { Answer, RequestContext, Route } from '../route.js';

const tag = 'sites';

/** @throws Refusal `site-unknown` */
export function knownSite(context: Pick<RequestContext, 'aggregator'>, siteId: string): SiteState {
  const state = context.aggregator.site(siteId);
  if (state === undefined) throw new Refusal('site-unknown', `no site "${siteId}"`, 'siteId');
  return state;
}

/** The sites a caller may see, or the one it asks for. */
export function visibleSites(context: RequestContext, siteId: string | undefined): SiteState[] {
  const wanted = siteId ?? context.actor.siteId;
  if (wanted !== null) return [knownSite(context, wanted)];
  return context.aggregator.siteIds().map((id) => knownSite(context, id));
}

export const siteRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/sites',
    operationId: 'listSites',
    tag,
    summary: 'List sites',
    description: 'The sites that the key may see.',
    role: 'viewer',
    scope: 'handler',
    query: z.strictObject(pageQueryShape),
    answer: { status: 200, description: 'Sites by id.', content: siteListSchema },
    problems: ['cursor-invalid'],
    handler: ({ query }, context) => {
      const sites = visibleSites(context, undefined);
      const page = pageOf('sites', sites, (state) => state.siteId, pageRequest(query));
      return { body: mapPage(page, siteSummaryResource) };
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}',
    operationId: 'getSite',
    tag,
    summary: 'Read a site and its layout',
    description: 'Zones, slots, gates and rules of admission. The `ETag` is the version of the layout.',
    role: 'viewer',
    scope: 'path',
    params: siteParamsSchema,
    answer: { status: 200, description: 'The site.', content: siteSchema },
    problems: ['site-unknown'],
    handler: ({ params }, context) => siteAnswer(knownSite(context, params.siteId)),
  }),
  route({
    method: 'PUT',
    url: '/api/v1/sites/{siteId}',
    operationId: 'putSite',
    tag,
    summary: 'Create a site or change its layout',
    description:
      'Puts the whole layout; putting the same one again changes nothing. Slots that are reserved or held leave when they come back. What the edge of a removed gate still reports of it is counted: see `retiredGates`. With `If-Match` it is only put over the version named there.',
    role: 'admin',
    scope: 'path',
    params: siteParamsSchema,
    query: z.strictObject({ reason: reasonSchema.default('layout') }),
    body: siteLayoutRequestSchema,
    bodyLimitBytes: apiLimits.maxLayoutBodyBytes,
    answer: { status: 200, description: 'The site as it is now; 201 when it is new.', content: siteSchema },
    problems: ['layout-removes-occupied-slot', 'layout-removes-gate-in-use', 'version-mismatch'],
    handler: ({ params, query, body }, context) => {
      if (body.siteId !== params.siteId) {
        const rule = `must be "${params.siteId}", as in the address`;
        throw new ProblemError('invalid-request', `siteId ${rule}`, { errors: [{ field: 'siteId', rule }] });
      }
      const expectedVersion = ifMatch(context.request.headers['if-match']);
      return context.change({
        work: (turn) =>
          putLayout(turn, context.actor, {
            layout: body,
            reason: query.reason,
            exists: context.aggregator.site(body.siteId) !== undefined,
            expectedVersion,
          }),
        render: ({ siteId, created }) => ({
          ...siteAnswer(knownSite(context, siteId)),
          ...(created ? { status: 201 } : {}),
        }),
      });
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/recovery/override',
    operationId: 'overrideRecovery',
    tag,
    summary: 'Give out slots again after a restore',
    description:
      'After the store was restored from an older copy, free slots stay back until every entry edge has reported. This ends the wait; a slot that an edge gave out meanwhile may then be given twice.',
    role: 'admin',
    scope: 'path',
    params: siteParamsSchema,
    body: reasonRequestSchema,
    answer: { status: 200, description: 'The occupancy now.', content: siteOccupancySchema },
    problems: ['site-unknown', 'nothing-to-release'],
    handler: ({ params, body }, context) =>
      context.change({
        work: (turn) => overrideRecovery(turn, context.actor, { siteId: params.siteId, reason: body.reason }),
        render: ({ siteId }) => occupancyAnswer(context, siteId),
      }),
  }),
];

export const occupancyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/occupancy',
    operationId: 'listOccupancy',
    tag: 'occupancy',
    summary: 'Read how full the sites are',
    description: 'Both ledgers of each site: the count by passages and the sessions by identity.',
    role: 'observer',
    scope: 'query',
    query: z.strictObject({ ...siteQueryShape, ...pageQueryShape }),
    answer: { status: 200, description: 'Occupancy by site.', content: occupancyListSchema },
    problems: ['site-unknown', 'cursor-invalid'],
    handler: ({ query }, context) => {
      const sites = visibleSites(context, query.siteId);
      const page = pageOf('occupancy', sites, (state) => state.siteId, pageRequest(query));
      return { body: mapPage(page, (state) => occupancyResource(state, context.clock.wallMs())) };
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}/occupancy',
    operationId: 'getOccupancy',
    tag: 'occupancy',
    summary: 'Read how full a site is',
    description: 'The count by passages, the sessions by identity, their difference, and free slots by zone and class.',
    role: 'observer',
    scope: 'path',
    params: siteParamsSchema,
    answer: { status: 200, description: 'The occupancy.', content: siteOccupancySchema },
    problems: ['site-unknown'],
    handler: ({ params }, context) => occupancyAnswer(context, params.siteId),
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/occupancy/corrections',
    operationId: 'correctCount',
    tag: 'occupancy',
    summary: 'Correct the count',
    description: 'Sets the count of vehicles inside. Anonymous sessions are opened or closed by the difference.',
    role: 'operator',
    scope: 'path',
    params: siteParamsSchema,
    body: countCorrectionRequestSchema,
    answer: { status: 200, description: 'The occupancy now.', content: siteOccupancySchema },
    problems: ['site-unknown', 'bound-reached'],
    handler: ({ params, body }, context) =>
      context.change({
        work: (turn) => correctCount(turn, context.actor, { siteId: params.siteId, ...body }),
        render: ({ siteId }) => occupancyAnswer(context, siteId),
      }),
  }),
];

function siteAnswer(state: SiteState): Answer {
  const site = siteResource(state);
  return { body: site, headers: { etag: `"${String(site.version)}"` } };
}

function occupancyAnswer(context: RequestContext, siteId: string): Answer {
  return { body: occupancyResource(knownSite(context, siteId), context.clock.wallMs()) };
}

function ifMatch(header: string | undefined): number | null {
  if (header === undefined || header === '*') return null;
  const version = /^"(\d{1,15})"$/.exec(header)?.[1];
  if (version === undefined) {
    const rule = 'must be an ETag of this site, such as "3"';
    throw new ProblemError('invalid-request', `If-Match ${rule}`, { errors: [{ field: 'If-Match', rule }] });
  }
  return Number(version);
}
