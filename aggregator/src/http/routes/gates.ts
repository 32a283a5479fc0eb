import {
  commandParamsSchema,
  gateAdmissionSchema,
  gateAdmitRequestSchema,
  gateCommandRequestSchema,
  gateCommandSchema,
  gateListSchema,
  gateParamsSchema,
  gateSchemaView,
  pageQueryShape,
  siteParamsSchema,
} from '@gatehouse/shared';
import { z } from 'zod';
import { admitArrival, knownGate } from '../../app/operations/gates.js';
import type { CommandRow } from '../../app/ports.js';
import { siteRowOf } from '../../domain/engine.js';
import type { SiteState } from '../../domain/engine.js';
import { pageOf } from '../lists.js';
import { ProblemError } from '../problems.js';
import { commandResource, gateResource } from '../resources.js';
import { mapPage, pageRequest, route } from '../route.js';
import type { RequestContext, Route } from '../route.js';
import { knownSite } from './sites.js';

const tag = 'gates';

export const gateRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}/gates',
    operationId: 'listGates',
    tag,
    summary: 'List gates',
    description: 'Every gate as it is now: barrier, mode, sensors, faults, and who waits.',
    role: 'viewer',
    scope: 'path',
    params: siteParamsSchema,
    query: z.strictObject(pageQueryShape),
    answer: { status: 200, description: 'Gates.', content: gateListSchema },
    problems: ['site-unknown', 'cursor-invalid'],
    handler: ({ params, query }, context) => {
      const state = knownSite(context, params.siteId);
      const page = pageOf('gates', siteRowOf(state).layout.gates, (gate) => gate.gateId, pageRequest(query));
      return { body: mapPage(page, (gate) => gateOf(context, state, gate.gateId)) };
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}/gates/{gateId}',
    operationId: 'getGate',
    tag,
    summary: 'Read a gate',
    description: 'One gate as it is now.',
    role: 'viewer',
    scope: 'path',
    params: gateParamsSchema,
    answer: { status: 200, description: 'The gate.', content: gateSchemaView },
    problems: ['site-unknown', 'gate-unknown'],
    handler: ({ params }, context) => ({ body: gateOf(context, knownSite(context, params.siteId), params.gateId) }),
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/gates/{gateId}/commands',
    operationId: 'commandGate',
    tag,
    summary: 'Send a command to a gate',
    description:
      'Sent at once, with a deadline of a few seconds, to be carried out at most once. The answer comes when it is stored, before the gate has acted: read the command again, or follow the stream.',
    role: 'operator',
    scope: 'path',
    params: gateParamsSchema,
    body: gateCommandRequestSchema,
    answer: { status: 202, description: 'The command.', content: gateCommandSchema },
    problems: ['site-unknown', 'gate-unknown', 'gate-offline'],
    handler: ({ params, body }, context) =>
      context.change({
        work: (turn) => context.aggregator.issueCommand(turn, { ...params, ...body, by: context.actor.label }),
        render: (row) => ({ body: commandResource(context.aggregator.commandView(currentCommand(context, row))) }),
      }),
  }),
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}/gates/{gateId}/commands/{commandId}',
    operationId: 'getCommand',
    tag,
    summary: 'Read a command',
    description: 'What became of a command, while it is remembered.',
    role: 'viewer',
    scope: 'path',
    params: commandParamsSchema,
    answer: { status: 200, description: 'The command.', content: gateCommandSchema },
    problems: ['not-found'],
    handler: ({ params }, context) => {
      const row = context.aggregator.directory.command(params.commandId);
      if (row?.siteId !== params.siteId || row.gateId !== params.gateId) {
        throw new ProblemError('not-found', 'no such command is remembered');
      }
      return { body: commandResource(context.aggregator.commandView(row)) };
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/gates/{gateId}/admit',
    operationId: 'admitAtGate',
    tag,
    summary: 'Admit the vehicle that waits at a gate',
    description: 'Overrules the decision with the basis `operator`, and gives the vehicle a session and a slot.',
    role: 'operator',
    scope: 'path',
    params: gateParamsSchema,
    body: gateAdmitRequestSchema,
    answer: { status: 201, description: 'The decision that was sent.', content: gateAdmissionSchema },
    problems: [
      'site-unknown',
      'gate-unknown',
      'arrival-unknown',
      'arrival-ended',
      'already-admitted',
      'slot-not-free',
      'slot-unknown',
      'slot-out-of-service',
    ],
    handler: ({ params, body }, context) =>
      context.change({
        work: (turn) =>
          admitArrival(turn, context.actor, {
            ...params,
            arrivalKey: body.arrivalId ?? null,
            slotId: body.slotId ?? null,
            ttlMs: context.settings.admitTtlMs,
            reason: body.reason,
          }),
        render: ({ arrivalKey, ...admission }) => ({ body: { arrivalId: arrivalKey, ...admission } }),
      }),
  }),
];

/** As it is now, when it is still remembered. */
function currentCommand({ aggregator }: RequestContext, row: CommandRow): CommandRow {
  return aggregator.directory.command(row.commandId) ?? row;
}

function gateOf(context: RequestContext, state: SiteState, gateId: string) {
  const gate = knownGate(state, gateId);
  return gateResource(state, gateId, context.aggregator.edgeStatus(gate.edgeId));
}
