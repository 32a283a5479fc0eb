import { healthSchema, streamQuerySchema } from '@gatehouse/shared';
import { z } from 'zod';
import { ProblemError, problemCatalogue } from '../problems.js';
import type { ProblemCode } from '../problems.js';
import { route } from '../route.js';
import type { Route } from '../route.js';
import type { HttpSettings } from '../settings.js';
import { knownSite } from './sites.js';

const tag = 'service';

export const streamRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/stream',
    operationId: 'followStream',
    tag: 'stream',
    summary: 'Follow what happens',
    description:
      'Server-sent events, each with a number as its `id`, its kind as `event`, and a Notice as `data`. The first is `stream-opened`. A reader that comes back with `Last-Event-ID` gets everything since; `notices-gone` tells of numbers that are past their retention. Comment lines keep the connection alive; a reader that takes nothing is cut off and can resume.',
    role: 'viewer',
    scope: 'query',
    query: streamQuerySchema,
    endless: true,
    answer: {
      status: 200,
      description: 'The stream.',
      content: {
        mediaType: 'text/event-stream',
        example:
          'retry: 2000\n\nid: 1040\nevent: stream-opened\ndata: {"at":"2025-03-01T08:15:00.000Z","afterId":1040}\n\nid: 1041\nevent: vehicle-entered\ndata: {"noticeId":1041,"kind":"vehicle-entered","siteId":"harbour"}\n\n',
      },
    },
    problems: ['site-unknown', 'too-many-streams'],
    handler: ({ query }, context) => {
      const siteId = query.siteId ?? context.actor.siteId;
      if (siteId !== null) knownSite(context, siteId);
      return context.stream({ siteId, afterId: lastEventId(context.request.headers['last-event-id']) });
    },
  }),
];

/** Routes of the program itself; `/metrics` wants a key when the settings say so. */
export function serviceRoutes(settings: Pick<HttpSettings, 'metricsRequireKey'>): readonly Route[] {
  return [
    route({
      method: 'GET',
      url: '/healthz',
      operationId: 'getLiveness',
      tag,
      summary: 'Is the program alive',
      description: 'Answers 200 as long as the program answers at all.',
      role: null,
      scope: 'none',
      answer: { status: 200, description: 'It is.', content: healthSchema },
      handler: () => ({ body: { status: 'ok', problems: [] } }),
    }),
    route({
      method: 'GET',
      url: '/readyz',
      operationId: 'getReadiness',
      tag,
      summary: 'Can the program do its work',
      description: 'Answers 503 while the store takes no changes or the broker is away.',
      role: null,
      scope: 'none',
      answer: { status: 200, description: 'It can.', content: healthSchema },
      problems: ['not-ready'],
      handler: (_input, { aggregator }) => {
        const health = aggregator.health();
        const problems = [
          ...(health.storeOk ? [] : [`store: ${health.storeError ?? 'failing'}`]),
          ...(health.linkOk ? [] : ['broker: away']),
          ...(health.ready ? [] : ['not started, or stopping']),
        ];
        if (!health.ready || problems.length > 0) throw new ProblemError('not-ready', problems.join('; '));
        return { body: { status: 'ok', problems: [] } };
      },
    }),
    route({
      method: 'GET',
      url: '/metrics',
      operationId: 'getMetrics',
      tag,
      summary: 'Read metrics',
      description: 'For Prometheus, in its text format.',
      role: settings.metricsRequireKey ? 'observer' : null,
      scope: settings.metricsRequireKey ? 'all-sites' : 'none',
      answer: {
        status: 200,
        description: 'Metrics.',
        content: {
          mediaType: 'text/plain',
          example:
            '# HELP gatehouse_vehicles_inside Vehicles inside, by passages.\n# TYPE gatehouse_vehicles_inside gauge\ngatehouse_vehicles_inside{site="harbour"} 38\n',
        },
      },
      handler: async (_input, { metrics }) => {
        const exposition = await metrics.render();
        const { contentType, sizeBytes } = exposition;
        return {
          body: exposition.body(),
          headers: { 'content-type': contentType, 'content-length': String(sizeBytes) },
        };
      },
    }),
    route({
      method: 'GET',
      url: '/problems/{code}',
      operationId: 'explainProblem',
      tag,
      summary: 'Explain a problem',
      description: 'What the `type` of a problem means and what can be done.',
      role: null,
      scope: 'none',
      params: z.strictObject({ code: z.string().min(1).max(64).describe('The last part of the `type`.') }),
      answer: {
        status: 200,
        description: 'The explanation.',
        content: {
          mediaType: 'text/plain',
          example: 'slot-not-free (409)\n\nThe slot is not free. Choose another slot, or release it first.\n',
        },
      },
      problems: ['not-found'],
      handler: ({ params }) => {
        if (!Object.hasOwn(problemCatalogue, params.code)) throw new ProblemError('not-found', 'no such problem');
        const { status, title, help } = problemCatalogue[params.code as ProblemCode];
        return {
          body: `${params.code} (${String(status)})\n\n${title}. ${help}\n`,
          headers: { 'content-type': 'text/plain; charset=utf-8' },
        };
      },
    }),
  ];
}

function lastEventId(header: string | string[] | undefined): number | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  const rule = 'must be the id of an event of this stream';
  throw new ProblemError('invalid-request', `Last-Event-ID ${rule}`, { errors: [{ field: 'Last-Event-ID', rule }] });
}
