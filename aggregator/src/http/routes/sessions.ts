import { Readable } from 'node:stream';
import {
  instantMs,
  reasonRequestSchema,
  sessionCloseRequestSchema,
  sessionCorrectRequestSchema,
  sessionExportQuerySchema,
  sessionListQuerySchema,
  sessionListSchema,
  sessionMergeRequestSchema,
  sessionMoveRequestSchema,
  sessionParamsSchema,
  sessionSchema,
  siteParamsSchema,
} from '@gatehouse/shared';
import type { z } from 'zod';
import { findCredential, needsOf, typedCredential } from '../../app/operations/credentials.js';
import {
  authoriseExit,
  closeSession,
  correctSession,
  findSession,
  mergeSessions,
  moveSession,
} from '../../app/operations/sessions.js';
import type { SessionRef } from '../../app/operations/sessions.js';
import type { SessionFilter } from '../../app/ports.js';
import { Refusal } from '../../domain/refusal.js';
import type { SessionRow } from '../../domain/rows.js';
import { sessionResource } from '../resources.js';
import { mapPage, pageRequest, route } from '../route.js';
import type { Answer, RequestContext, Route } from '../route.js';
import { sessionCsvColumns, sessionsCsv } from '../sessions-csv.js';
import { knownSite } from './sites.js';

const tag = 'sessions';
const sessionNow = { status: 200, description: 'The session now.', content: sessionSchema };

export const sessionRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}/sessions',
    operationId: 'listSessions',
    tag,
    summary: 'List sessions',
    description: 'The log of stays, newest entry first: entry time, exit time, duration, slot.',
    role: 'viewer',
    scope: 'path',
    params: siteParamsSchema,
    query: sessionListQuerySchema,
    answer: { status: 200, description: 'Sessions.', content: sessionListSchema },
    problems: ['site-unknown', 'cursor-invalid'],
    handler: async ({ params, query }, context) => {
      const filter = await sessionFilter(context, params.siteId, query);
      if (filter === null) return { body: { items: [], nextCursor: null } };
      return {
        body: mapPage(await context.aggregator.store.listSessions(filter, pageRequest(query)), sessionResource),
      };
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}/sessions.csv',
    operationId: 'exportSessions',
    tag,
    summary: 'Export sessions as CSV',
    description:
      'All sessions that match, newest entry first, as RFC 4180 with a line of column names. Text that a spreadsheet would take for a formula begins with an apostrophe.',
    role: 'viewer',
    scope: 'path',
    params: siteParamsSchema,
    query: sessionExportQuerySchema,
    endless: true,
    answer: {
      status: 200,
      description: 'The file.',
      content: {
        mediaType: 'text/csv',
        example: `${sessionCsvColumns.join(',')}\r\n412,0b8f2a6c44d14e7c9d2b7a6f5e3c1d00,closed,plate,AB12CDE,standard,a-1,2025-03-01T08:15:00.000Z,entry-1,decision,2025-03-01T16:45:10.000Z,exit-1,decision,30610\r\n`,
      },
    },
    problems: ['site-unknown'],
    handler: async ({ params, query }, context) => {
      const filter = await sessionFilter(context, params.siteId, query);
      const lines =
        filter === null ? [`${sessionCsvColumns.join(',')}\r\n`] : sessionsCsv(context, context.actor.role, filter);
      return {
        body: Readable.from(lines),
        headers: {
          'content-type': 'text/csv; charset=utf-8; header=present',
          'content-disposition': `attachment; filename="sessions-${params.siteId}.csv"`,
        },
      };
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}/sessions/{sessionId}',
    operationId: 'getSession',
    tag,
    summary: 'Read a session',
    description: 'One stay.',
    role: 'viewer',
    scope: 'path',
    params: sessionParamsSchema,
    answer: { status: 200, description: 'The session.', content: sessionSchema },
    problems: ['site-unknown', 'session-unknown'],
    handler: ({ params }, context) => sessionAnswer(context, params),
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/sessions/{sessionId}/correct',
    operationId: 'correctSession',
    tag,
    summary: 'Correct a session',
    description: 'Changes what was recorded wrongly: times, credential, vehicle. Also of sessions that have ended.',
    role: 'operator',
    scope: 'path',
    params: sessionParamsSchema,
    body: sessionCorrectRequestSchema,
    answer: sessionNow,
    problems: ['site-unknown', 'session-unknown', 'vehicle-unknown', 'already-parked', 'time-order', 'session-open'],
    handler: async ({ params, body }, context) => {
      const stored = await findSession(context.aggregator.store, knownSite(context, params.siteId), params.sessionId);
      const typed = body.credential == null ? body.credential : typedCredential(body.credential);
      return context.change({
        needs: needsOf(typed),
        work: (turn) =>
          correctSession(turn, context.actor, {
            ...params,
            stored,
            entryAtMs: optionalMs(body.entryAt),
            exitAtMs: optionalMs(body.exitAt),
            typed,
            vehicleId: body.vehicleId,
            reason: body.reason,
          }),
        render: (reference) => sessionAnswer(context, reference),
      });
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/sessions/{sessionId}/move',
    operationId: 'moveSession',
    tag,
    summary: 'Move a session to another slot',
    description: 'For a vehicle that stands elsewhere than it was sent.',
    role: 'operator',
    scope: 'path',
    params: sessionParamsSchema,
    body: sessionMoveRequestSchema,
    answer: sessionNow,
    problems: [
      'site-unknown',
      'session-unknown',
      'session-not-open',
      'slot-unknown',
      'slot-not-free',
      'slot-out-of-service',
    ],
    handler: async ({ params, body }, context) => {
      await requireSession(context, params);
      return context.change({
        work: (turn) => moveSession(turn, context.actor, { ...params, ...body }),
        render: (reference) => sessionAnswer(context, reference),
      });
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/sessions/{sessionId}/close',
    operationId: 'closeSession',
    tag,
    summary: 'Close a session',
    description: 'For a vehicle that has left unseen. Frees its slot and takes it off the count.',
    role: 'operator',
    scope: 'path',
    params: sessionParamsSchema,
    body: sessionCloseRequestSchema,
    answer: sessionNow,
    problems: ['site-unknown', 'session-unknown', 'session-not-open', 'time-order'],
    handler: async ({ params, body }, context) => {
      await requireSession(context, params);
      return context.change({
        work: (turn) =>
          closeSession(turn, context.actor, { ...params, exitAtMs: optionalMs(body.exitAt), reason: body.reason }),
        render: (reference) => sessionAnswer(context, reference),
      });
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/sessions/{sessionId}/merge',
    operationId: 'mergeSessions',
    tag,
    summary: 'Merge two sessions of one vehicle',
    description: 'The duplicate becomes void, and what it knew goes to this session.',
    role: 'operator',
    scope: 'path',
    params: sessionParamsSchema,
    body: sessionMergeRequestSchema,
    answer: sessionNow,
    problems: ['site-unknown', 'session-unknown', 'session-not-open', 'session-open'],
    handler: async ({ params, body }, context) => {
      await requireSession(context, params);
      await requireSession(context, { ...params, sessionId: body.duplicateSessionId }, 'duplicateSessionId');
      return context.change({
        work: (turn) => mergeSessions(turn, context.actor, { ...params, ...body }),
        render: (reference) => sessionAnswer(context, reference),
      });
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/sessions/{sessionId}/authorise-exit',
    operationId: 'authoriseExit',
    tag,
    summary: 'Authorise the exit of a session',
    description: 'For sites whose layout sets `exitAuthorisation`: their exits open for authorised sessions only.',
    role: 'operator',
    scope: 'path',
    params: sessionParamsSchema,
    body: reasonRequestSchema,
    answer: sessionNow,
    problems: ['site-unknown', 'session-unknown', 'session-not-open'],
    handler: async ({ params, body }, context) => {
      await requireSession(context, params);
      return context.change({
        work: (turn) => authoriseExit(turn, context.actor, { ...params, ...body }),
        render: (reference) => sessionAnswer(context, reference),
      });
    },
  }),
];

/** @throws Refusal `site-unknown`, `session-unknown` */
export async function sessionAnswer(context: RequestContext, reference: SessionRef): Promise<Answer> {
  return { body: sessionResource(await requireSession(context, reference)) };
}

/** @throws Refusal `site-unknown`, `session-unknown` */
async function requireSession(
  context: RequestContext,
  { siteId, sessionId }: SessionRef,
  field = 'sessionId',
): Promise<Readonly<SessionRow>> {
  const session = await findSession(context.aggregator.store, knownSite(context, siteId), sessionId);
  if (session === null) throw new Refusal('session-unknown', `no session ${sessionId} at site "${siteId}"`, field);
  return session;
}

/** null when nothing can match. */
async function sessionFilter(
  context: RequestContext,
  siteId: string,
  query: z.output<typeof sessionExportQuerySchema>,
): Promise<SessionFilter | null> {
  knownSite(context, siteId);
  let credentialId: string | undefined;
  if (query.credential !== undefined) {
    context.requireCredentials('credential');
    const typed = typedCredential({ kind: query.credentialKind ?? 'plate', value: query.credential });
    const known = await findCredential(context.aggregator, typed);
    if (known === undefined) return null;
    credentialId = known.credentialId;
  }
  return {
    siteId,
    ...(query.state === undefined ? {} : { states: [query.state] }),
    ...(credentialId === undefined ? {} : { credentialId }),
    ...(query.vehicleId === undefined ? {} : { vehicleId: query.vehicleId }),
    ...(query.slotId === undefined ? {} : { slotId: query.slotId }),
    ...(query.gateId === undefined ? {} : { gateId: query.gateId }),
    ...(query.enteredFrom === undefined ? {} : { enteredFromMs: instantMs(query.enteredFrom) }),
    ...(query.enteredBefore === undefined ? {} : { enteredBeforeMs: instantMs(query.enteredBefore) }),
    ...(query.exitedFrom === undefined ? {} : { exitedFromMs: instantMs(query.exitedFrom) }),
    ...(query.exitedBefore === undefined ? {} : { exitedBeforeMs: instantMs(query.exitedBefore) }),
  };
}

function optionalMs(instant: string | undefined): number | undefined {
  return instant === undefined ? undefined : instantMs(instant);
}
