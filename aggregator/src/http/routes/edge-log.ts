import {
  edgeFaultListSchema,
  edgeLogQuerySchema,
  edgeLogSchema,
  edgeParamsSchema,
  faultCatalogue,
  instantOf,
  instantOrNull,
  logLineLevels,
  pageQueryShape,
  plainText,
  wireLimits,
} from '@gatehouse/shared';
import type { EdgeFaultResource, EdgeLogLine, FaultName } from '@gatehouse/shared';
import { z } from 'zod';
import type { ShelvedLine } from '../../app/aggregator.js';
import type { EdgeRow, EventRow, Page } from '../../app/ports.js';
import { pageOf } from '../lists.js';
import { mapPage, pageRequest, route } from '../route.js';
import type { RequestContext, Route } from '../route.js';
import { visibleEdge } from './edges.js';

const tag = 'edges';

export const edgeLogRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/edges/{edgeId}/log',
    operationId: 'listEdgeLog',
    tag,
    summary: 'List the last log lines of an edge',
    description:
      'Newest first. Asks the edge for what is new, and waits two seconds for it at most; what an edge told that is away now is still there. For diagnosis: lines are kept in memory only, the last ones of each edge, and may be lost. The log on the machine itself says more.',
    role: 'auditor',
    scope: 'handler',
    params: edgeParamsSchema,
    query: edgeLogQuerySchema,
    answer: { status: 200, description: 'Log lines.', content: edgeLogSchema },
    problems: ['edge-unknown', 'cursor-invalid'],
    handler: async ({ params, query }, context) => {
      visibleEdge(context, params.edgeId);
      const { lines, upToDate } = await context.aggregator.edgeLog(params.edgeId);
      const least = logLineLevels.indexOf(query.level);
      const wanted = lines.filter(({ level }) => logLineLevels.indexOf(level) >= least);
      return {
        body: { ...mapPage(pageOf('edge-log', wanted, newestFirst, pageRequest(query)), lineResource), upToDate },
      };
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/edges/{edgeId}/faults',
    operationId: 'listEdgeFaults',
    tag,
    summary: 'List what is wrong with an edge and its gates',
    description:
      'The faults of its last report, with what they mean, since when they stand and what the edge said of them.',
    role: 'viewer',
    scope: 'handler',
    params: edgeParamsSchema,
    query: z.strictObject(pageQueryShape),
    answer: { status: 200, description: 'Faults.', content: edgeFaultListSchema },
    problems: ['edge-unknown', 'cursor-invalid'],
    handler: async ({ params, query }, context) => {
      const faults = await presentFaults(context, visibleEdge(context, params.edgeId));
      return { body: pageOf('edge-faults', faults, faultKey, pageRequest(query)) };
    },
  }),
];

/** Pages go by a rising key. */
function newestFirst({ order }: ShelvedLine): string {
  return String(Number.MAX_SAFE_INTEGER - order).padStart(16, '0');
}

function lineResource(line: ShelvedLine): EdgeLogLine {
  const { atMs, receivedAtMs, instance, number, level, part, gateId, message, fields } = line;
  const times = { at: instantOf(atMs), receivedAt: instantOf(receivedAtMs) };
  return { ...times, instance, number, level, part, gateId, message, fields };
}

function faultKey({ gateId, fault }: { readonly gateId: string | null; readonly fault: string }): string {
  return `${gateId ?? ''}/${fault}`;
}

/** Raised faults of the site that are looked through, the newest first; an older one has no known beginning. */
const maxLookedAt = 2_000;
const pageEvents = 500;

interface Raised {
  readonly atMs: number;
  readonly detail: string | null;
}

async function presentFaults(context: RequestContext, { edgeId, siteId }: EdgeRow): Promise<EdgeFaultResource[]> {
  const state = context.aggregator.edgeStatus(edgeId)?.lastState;
  if (state == null) return [];
  const present: { gateId: string | null; fault: FaultName }[] = [
    ...state.faults.map((fault) => ({ gateId: null, fault })),
    ...state.gates.flatMap(({ gateId, faults }) => faults.map((fault) => ({ gateId, fault }))),
  ];
  const raised = await whenRaised(context, edgeId, siteId, new Set(present.map(faultKey)));
  return present.map(({ gateId, fault }) => {
    const { severity, meaning } = faultCatalogue[fault];
    const { atMs = null, detail = null } = raised.get(faultKey({ gateId, fault })) ?? {};
    return { gateId, fault, severity, meaning, since: instantOrNull(atMs), detail };
  });
}

/** Few events are of this kind, so they are found by it: those of one edge are many. */
async function whenRaised(
  { aggregator }: RequestContext,
  edgeId: string,
  siteId: string,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Raised>> {
  const found = new Map<string, Raised>();
  let cursor: string | null = null;
  for (let looked = 0; looked < maxLookedAt && found.size < wanted.size; looked += pageEvents) {
    const page: Page<EventRow> = await aggregator.store.listEvents(
      { siteId, kind: 'fault-raised' },
      { limit: pageEvents, cursor },
    );
    for (const { body, gateId, atMs, ...event } of page.items) {
      const { fault, detail } = raisedSchema.parse(JSON.parse(body));
      const key = faultKey({ gateId, fault });
      // The newest comes first.
      if (event.edgeId === edgeId && wanted.has(key) && !found.has(key)) found.set(key, { atMs, detail });
    }
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  return found;
}

const raisedSchema = z.object({
  fault: z.string().catch(''),
  detail: z
    .string()
    .transform((detail) => (detail === '' ? null : plainText(detail, wireLimits.maxTextChars)))
    .catch(null),
});
