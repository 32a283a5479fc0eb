import {
  edgeFaultListSchema,
  edgeLogQuerySchema,
  edgeLogSchema,
  edgeParamsSchema,
  faultCatalogue,
  instantOf,
  logLineLevels,
  pageQueryShape,
  plainText,
  wireLimits,
} from '@gatehouse/shared';
import type { EdgeFaultResource, EdgeLogLine, FaultName } from '@gatehouse/shared';
import { z } from 'zod';
import type { ShelvedLine } from '../../app/aggregator.js';
import type { EventRow } from '../../app/ports.js';
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
      visibleEdge(context, params.edgeId);
      const faults = await presentFaults(context, params.edgeId);
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

/** Events that are looked at for when the faults of one edge were raised. */
const maxLookedAt = 500;

async function presentFaults(context: RequestContext, edgeId: string): Promise<EdgeFaultResource[]> {
  const state = context.aggregator.edgeStatus(edgeId)?.lastState;
  if (state == null) return [];
  const present: { gateId: string | null; fault: FaultName }[] = [
    ...state.faults.map((fault) => ({ gateId: null, fault })),
    ...state.gates.flatMap(({ gateId, faults }) => faults.map((fault) => ({ gateId, fault }))),
  ];
  if (present.length === 0) return [];
  const filter = { edgeId, kind: 'fault-raised' };
  const events = await context.aggregator.store.listEvents(filter, { limit: maxLookedAt, cursor: null });
  const raised = new Map<string, { row: EventRow; detail: string | null }>();
  for (const row of events.items) {
    const { fault, detail } = raisedSchema.parse(JSON.parse(row.body));
    const key = faultKey({ gateId: row.gateId, fault });
    // The newest comes first.
    if (!raised.has(key)) raised.set(key, { row, detail });
  }
  return present.map(({ gateId, fault }) => {
    const { severity, meaning } = faultCatalogue[fault];
    const event = raised.get(faultKey({ gateId, fault }));
    const since = event === undefined ? null : instantOf(event.row.atMs);
    return { gateId, fault, severity, meaning, since, detail: event?.detail ?? null };
  });
}

const raisedSchema = z.object({
  fault: z.string().catch(''),
  detail: z
    .string()
    .transform((detail) => (detail === '' ? null : plainText(detail, wireLimits.maxTextChars)))
    .catch(null),
});
