import {
  edgeEnrolmentSchema,
  edgeListQuerySchema,
  edgeListSchema,
  edgeParamsSchema,
  edgeRegisterRequestSchema,
  edgeSchema,
  enrolmentRequestSchema,
  enrolmentSchema,
  holdingsReleaseSchema,
  instantOf,
  reasonRequestSchema,
} from '@gatehouse/shared';
import {
  enrolmentCodeHash,
  newEnrolmentCode,
  redeemEnrolmentCode,
  registerEdge,
  releaseHoldings,
  renewEnrolmentCode,
  revokeEdge,
} from '../../app/operations/edges.js';
import type { EdgeRef } from '../../app/operations/edges.js';
import type { EdgeRow } from '../../app/ports.js';
import { Refusal } from '../../domain/refusal.js';
import { pageOf } from '../lists.js';
import { edgeResource } from '../resources.js';
import { mapPage, pageRequest, route } from '../route.js';
import type { Answer, RequestContext, Route } from '../route.js';

const tag = 'edges';
const secretBytes = 32;

export const edgeRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/edges',
    operationId: 'listEdges',
    tag,
    summary: 'List edges',
    description: 'Edge agents, whether they are connected, and how far behind they are.',
    role: 'viewer',
    scope: 'query',
    query: edgeListQuerySchema,
    answer: { status: 200, description: 'Edges.', content: edgeListSchema },
    problems: ['cursor-invalid'],
    handler: ({ query }, context) => {
      const siteId = query.siteId ?? context.actor.siteId;
      const edges = [...context.aggregator.directory.edges()].filter(
        (edge) => siteId === null || edge.siteId === siteId,
      );
      const page = pageOf('edges', edges, (edge) => edge.edgeId, pageRequest(query));
      return { body: mapPage(page, (edge) => edgeResource(edge, context.aggregator.edgeStatus(edge.edgeId))) };
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/edges',
    operationId: 'registerEdge',
    tag,
    summary: 'Register an edge',
    description: 'Answers a one-time code, with which the agent enrols itself: `edge enroll CODE`.',
    role: 'admin',
    scope: 'handler',
    body: edgeRegisterRequestSchema,
    answer: { status: 201, description: 'The edge and its code.', content: edgeEnrolmentSchema },
    problems: ['edge-exists', 'site-unknown'],
    handler: ({ body }, context) => {
      context.requireSite(body.siteId);
      const code = newEnrolmentCode(context.random);
      const codeHash = enrolmentCodeHash(context.sha256, code);
      const codeLifetimeMs = context.settings.enrolmentCodeLifetimeMs;
      return context.change({
        work: (turn) => registerEdge(turn, context.actor, { ...body, codeHash, codeLifetimeMs }),
        render: (reference, first) => codeAnswer(context, reference, first ? code : null),
      });
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/edges/{edgeId}',
    operationId: 'getEdge',
    tag,
    summary: 'Read an edge',
    description: 'One edge agent.',
    role: 'viewer',
    scope: 'handler',
    params: edgeParamsSchema,
    answer: { status: 200, description: 'The edge.', content: edgeSchema },
    problems: ['edge-unknown'],
    handler: ({ params }, context) => edgeAnswer(context, params.edgeId),
  }),
  route({
    method: 'POST',
    url: '/api/v1/edges/{edgeId}/enrolment-code',
    operationId: 'renewEnrolmentCode',
    tag,
    summary: 'Get a new code for an edge',
    description:
      'For a replaced machine or an expired code. The credential it has stays good until the code is redeemed.',
    role: 'admin',
    scope: 'handler',
    params: edgeParamsSchema,
    body: reasonRequestSchema,
    answer: { status: 201, description: 'The edge and its code.', content: edgeEnrolmentSchema },
    problems: ['edge-unknown'],
    handler: ({ params, body }, context) => {
      visibleEdge(context, params.edgeId);
      const code = newEnrolmentCode(context.random);
      const codeHash = enrolmentCodeHash(context.sha256, code);
      const codeLifetimeMs = context.settings.enrolmentCodeLifetimeMs;
      return context.change({
        work: (turn) => renewEnrolmentCode(turn, context.actor, { ...params, ...body, codeHash, codeLifetimeMs }),
        render: (reference, first) => codeAnswer(context, reference, first ? code : null),
      });
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/edges/{edgeId}/revoke',
    operationId: 'revokeEdge',
    tag,
    summary: 'Revoke the credential of an edge',
    description: 'Its connection is closed and it cannot connect again. What it holds stays held until it is released.',
    role: 'admin',
    scope: 'handler',
    params: edgeParamsSchema,
    body: reasonRequestSchema,
    answer: { status: 200, description: 'The edge now.', content: edgeSchema },
    problems: ['edge-unknown', 'edge-revoked'],
    handler: ({ params, body }, context) => {
      visibleEdge(context, params.edgeId);
      return context.change({
        work: (turn) => revokeEdge(turn, context.actor, { ...params, ...body }),
        render: async ({ edgeId }) => {
          await disconnect(context, edgeId);
          return edgeAnswer(context, edgeId);
        },
      });
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/edges/{edgeId}/release-holdings',
    operationId: 'releaseHoldings',
    tag,
    summary: 'Release what a lost edge held',
    description:
      'Frees the slots that are held by the edge or reserved for its arrivals. Only for an edge that is gone for good: one that lives, connected or cut off, goes on giving out what it has until it hears of the release, so that a slot may go to two vehicles and the site be overbooked; that is found out when it reports, and reviewed. Should it come back, it is given nothing before it has told what it holds.',
    role: 'admin',
    scope: 'handler',
    params: edgeParamsSchema,
    body: reasonRequestSchema,
    answer: { status: 200, description: 'The slots that came back.', content: holdingsReleaseSchema },
    problems: ['edge-unknown', 'nothing-to-release'],
    handler: ({ params, body }, context) => {
      visibleEdge(context, params.edgeId);
      const wasOnline = context.aggregator.edgeStatus(params.edgeId)?.presence === 'online';
      return context.change({
        work: (turn) => ({ ...releaseHoldings(turn, context.actor, { ...params, ...body }), wasOnline }),
        render: (release) => ({ body: release }),
      });
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/enrolments',
    operationId: 'redeemEnrolmentCode',
    tag,
    summary: 'Redeem an enrolment code',
    description: 'Needs no key: the code is the proof. It works once. Strictly limited per address.',
    role: null,
    scope: 'none',
    body: enrolmentRequestSchema,
    answer: { status: 201, description: 'What the edge connects with.', content: enrolmentSchema },
    problems: ['code-invalid'],
    handler: async ({ body }, context) => {
      const password = context.random.hex(secretBytes);
      const request = {
        codeHash: enrolmentCodeHash(context.sha256, body.code),
        secretHash: context.sha256(password),
      };
      const edge = await context.aggregator.committer.execute((turn) => redeemEnrolmentCode(turn, request));
      await disconnect(context, edge.edgeId);
      const mqttUrl = context.mqttUrl(context.request.hostname);
      return { body: { ...edge, username: edge.edgeId, password, mqttUrl } };
    },
  }),
];

function edgeAnswer(context: RequestContext, edgeId: string): Answer {
  return { body: edgeResource(visibleEdge(context, edgeId), context.aggregator.edgeStatus(edgeId)) };
}

function codeAnswer(context: RequestContext, { edgeId, expiresAtMs }: EdgeRef, code: string | null): Answer {
  return { body: { edge: edgeAnswer(context, edgeId).body, enrolmentCode: code, expiresAt: instantOf(expiresAtMs) } };
}

export function visibleEdge(context: RequestContext, edgeId: string): EdgeRow {
  const edge = context.aggregator.directory.edge(edgeId);
  if (edge === undefined) throw new Refusal('edge-unknown', `no edge "${edgeId}"`, 'edgeId');
  context.requireSite(edge.siteId);
  return edge;
}

/** The change is made already; a connection that cannot be closed now is refused by its credential when it comes again. */
async function disconnect({ disconnectEdge, logger }: RequestContext, edgeId: string): Promise<void> {
  try {
    await disconnectEdge(edgeId);
  } catch (error) {
    logger.warn({ edgeId, error: String(error) }, 'the connection of the edge could not be closed');
  }
}
