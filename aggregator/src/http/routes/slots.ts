import {
  assignmentRequestSchema,
  sessionSchema,
  siteParamsSchema,
  slotAssignRequestSchema,
  slotListQuerySchema,
  slotListSchema,
  slotParamsSchema,
  slotReleaseRequestSchema,
  slotSchema,
  slotServiceRequestSchema,
} from '@gatehouse/shared';
import type { CredentialRequest, SlotClass } from '@gatehouse/shared';
import { needsOf, typedCredential } from '../../app/operations/credentials.js';
import { assignSlot, releaseSlot, setOutOfService } from '../../app/operations/slots.js';
import { slotOf, slotsAfter } from '../../domain/engine.js';
import { Refusal } from '../../domain/refusal.js';
import type { SlotRow } from '../../domain/rows.js';
import { orderedPageOf } from '../lists.js';
import { slotResource } from '../resources.js';
import { mapPage, pageRequest, route } from '../route.js';
import type { Answer, RequestContext, Route } from '../route.js';
import { sessionAnswer } from './sessions.js';
import { knownSite } from './sites.js';

const tag = 'slots';

export const slotRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}/slots',
    operationId: 'listSlots',
    tag,
    summary: 'List slots',
    description: 'Slots by id, filtered by state, class, zone or service.',
    role: 'viewer',
    scope: 'path',
    params: siteParamsSchema,
    query: slotListQuerySchema,
    answer: { status: 200, description: 'Slots.', content: slotListSchema },
    problems: ['site-unknown', 'cursor-invalid'],
    handler: ({ params, query }, context) => {
      const matches = (slot: Readonly<SlotRow>): boolean =>
        (query.state === undefined || slot.state === query.state) &&
        (query.slotClass === undefined || slot.slotClass === query.slotClass) &&
        (query.zoneId === undefined || slot.zoneId === query.zoneId) &&
        (query.outOfService === undefined || (slot.outOfService !== null) === (query.outOfService === 'true'));
      const site = knownSite(context, params.siteId);
      const slotsFrom = (afterId: string | null): Iterable<Readonly<SlotRow>> =>
        matching(slotsAfter(site, afterId), matches);
      const page = orderedPageOf('slots', slotsFrom, (slot) => slot.slotId, pageRequest(query));
      return { body: mapPage(page, slotResource) };
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/sites/{siteId}/slots/{slotId}',
    operationId: 'getSlot',
    tag,
    summary: 'Read a slot',
    description: 'Its class, state and what it waits for.',
    role: 'viewer',
    scope: 'path',
    params: slotParamsSchema,
    answer: { status: 200, description: 'The slot.', content: slotSchema },
    problems: ['site-unknown', 'slot-unknown'],
    handler: ({ params }, context) => slotAnswer(context, params),
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/slots/{slotId}/assign',
    operationId: 'assignSlot',
    tag,
    summary: 'Assign a slot to a vehicle',
    description:
      'Opens a session in this slot by hand. A reserved or held slot is recalled, and goes to the session when it comes back.',
    role: 'operator',
    scope: 'path',
    params: slotParamsSchema,
    body: slotAssignRequestSchema,
    answer: { status: 201, description: 'The session that was opened.', content: sessionSchema },
    problems: [
      'site-unknown',
      'slot-unknown',
      'slot-not-free',
      'slot-out-of-service',
      'site-full',
      'already-parked',
      'vehicle-unknown',
      'class-does-not-fit',
      'slot-reserved',
      'recovering',
    ],
    handler: ({ params, body }, context) => assign(context, params.siteId, params.slotId, body),
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/assignments',
    operationId: 'assignBestSlot',
    tag,
    summary: 'Assign the best free slot to a vehicle',
    description: 'Opens a session by hand in the slot that an arriving vehicle of this class would get.',
    role: 'operator',
    scope: 'path',
    params: siteParamsSchema,
    body: assignmentRequestSchema,
    answer: { status: 201, description: 'The session that was opened.', content: sessionSchema },
    problems: ['site-unknown', 'site-full', 'already-parked', 'vehicle-unknown', 'recovering'],
    handler: ({ params, body }, context) => assign(context, params.siteId, null, body),
  }),
  route({
    method: 'POST',
    url: '/api/v1/sites/{siteId}/slots/{slotId}/release',
    operationId: 'releaseSlot',
    tag,
    summary: 'Release a slot',
    description:
      'Frees an occupied slot and closes its session. `force` also frees a reserved, held or frozen one: a vehicle that comes to it later has a session without slot, under review.',
    role: 'operator',
    scope: 'path',
    params: slotParamsSchema,
    body: slotReleaseRequestSchema,
    answer: { status: 200, description: 'The slot now.', content: slotSchema },
    problems: ['site-unknown', 'slot-unknown', 'slot-already-free', 'slot-reserved', 'slot-held'],
    handler: ({ params: { siteId, slotId }, body: { force, reason } }, context) =>
      context.change({
        work: (turn) => releaseSlot(turn, context.actor, { siteId, slotId, force, reason }),
        render: (reference) => slotAnswer(context, reference),
      }),
  }),
  route({
    method: 'PUT',
    url: '/api/v1/sites/{siteId}/slots/{slotId}/service',
    operationId: 'setSlotService',
    tag,
    summary: 'Take a slot out of service or back',
    description: 'A slot that is occupied, reserved or held goes out of service when it comes back.',
    role: 'operator',
    scope: 'path',
    params: slotParamsSchema,
    body: slotServiceRequestSchema,
    answer: { status: 200, description: 'The slot now.', content: slotSchema },
    problems: ['site-unknown', 'slot-unknown'],
    handler: ({ params, body }, context) =>
      context.change({
        work: (turn) => setOutOfService(turn, context.actor, { ...params, ...body }),
        render: (reference) => slotAnswer(context, reference),
      }),
  }),
];

function* matching<T>(items: Iterable<T>, matches: (item: T) => boolean): Generator<T, void, undefined> {
  for (const item of items) if (matches(item)) yield item;
}

interface Assignee {
  readonly slotClass?: SlotClass | undefined;
  readonly vehicleId?: string | undefined;
  readonly credential?: CredentialRequest | undefined;
  readonly reason: string;
}

function assign(context: RequestContext, siteId: string, slotId: string | null, body: Assignee): Promise<Answer> {
  knownSite(context, siteId);
  const typed = body.credential === undefined ? undefined : typedCredential(body.credential);
  return context.change({
    needs: needsOf(typed),
    work: (turn) =>
      assignSlot(turn, context.actor, {
        siteId,
        slotId,
        slotClass: body.slotClass,
        vehicleId: body.vehicleId,
        typed,
        reason: body.reason,
      }),
    render: (reference) => sessionAnswer(context, reference),
  });
}

function slotAnswer(context: RequestContext, { siteId, slotId }: { siteId: string; slotId: string }): Answer {
  const slot = slotOf(knownSite(context, siteId), slotId);
  if (slot === undefined) throw new Refusal('slot-unknown', `no slot "${slotId}" at site "${siteId}"`, 'slotId');
  return { body: slotResource(slot) };
}
