import {
  credentialParamsSchema,
  instantMs,
  normaliseCredential,
  reasonRequestSchema,
  vehicleBlockRequestSchema,
  vehicleCreateRequestSchema,
  vehicleDeletionSchema,
  vehicleListQuerySchema,
  vehicleListSchema,
  vehicleParamsSchema,
  vehiclePermitsRequestSchema,
  vehicleSchema,
  vehicleUpdateRequestSchema,
} from '@gatehouse/shared';
import { z } from 'zod';
import { eraseCredential, needsOf, typedCredential } from '../../app/operations/credentials.js';
import {
  blockVehicle,
  createVehicle,
  deleteVehicle,
  setPermits,
  updateVehicle,
} from '../../app/operations/vehicles.js';
import type { VehicleFilter } from '../../app/ports.js';
import { Refusal } from '../../domain/refusal.js';
import type { Permit } from '../../domain/rows.js';
import { ProblemError } from '../problems.js';
import { vehicleResource } from '../resources.js';
import { mapPage, pageRequest, route } from '../route.js';
import type { Answer, RequestContext, Route } from '../route.js';

const tag = 'vehicles';
const vehicleNow = { status: 200, description: 'The vehicle now.', content: vehicleSchema };

export const vehicleRoutes: readonly Route[] = [
  route({
    method: 'GET',
    url: '/api/v1/vehicles',
    operationId: 'listVehicles',
    tag,
    summary: 'List and search vehicles',
    description: 'Registered vehicles. A key of one site sees those with a permit for it.',
    role: 'viewer',
    scope: 'handler',
    query: vehicleListQuerySchema,
    answer: { status: 200, description: 'Vehicles.', content: vehicleListSchema },
    problems: ['cursor-invalid'],
    handler: async ({ query }, context) => {
      const filter = vehicleFilter(context, query);
      return {
        body: mapPage(await context.aggregator.store.listVehicles(filter, pageRequest(query)), vehicleResource),
      };
    },
  }),
  route({
    method: 'POST',
    url: '/api/v1/vehicles',
    operationId: 'createVehicle',
    tag,
    summary: 'Register a vehicle',
    description: 'Registers a vehicle under a plate, tag or ticket that no other vehicle has.',
    role: 'operator',
    scope: 'all-sites',
    body: vehicleCreateRequestSchema,
    answer: { status: 201, description: 'The vehicle.', content: vehicleSchema },
    problems: ['vehicle-exists', 'site-unknown'],
    handler: ({ body }, context) => {
      const typed = typedCredential(body.credential);
      const permits = body.permits.map(permitOf);
      return context.change({
        needs: needsOf(typed),
        work: (turn) => createVehicle(turn, context.actor, { ...body, typed, permits }),
        render: ({ vehicleId }) => vehicleAnswer(context, vehicleId),
      });
    },
  }),
  route({
    method: 'GET',
    url: '/api/v1/vehicles/{vehicleId}',
    operationId: 'getVehicle',
    tag,
    summary: 'Read a vehicle',
    description: 'Its credential, class, holder, permits and block.',
    role: 'viewer',
    scope: 'handler',
    params: vehicleParamsSchema,
    answer: { status: 200, description: 'The vehicle.', content: vehicleSchema },
    problems: ['vehicle-unknown'],
    handler: ({ params }, context) => vehicleAnswer(context, params.vehicleId),
  }),
  route({
    method: 'PATCH',
    url: '/api/v1/vehicles/{vehicleId}',
    operationId: 'updateVehicle',
    tag,
    summary: 'Update a vehicle',
    description: 'Changes the members that are given.',
    role: 'operator',
    scope: 'all-sites',
    params: vehicleParamsSchema,
    body: vehicleUpdateRequestSchema,
    answer: vehicleNow,
    problems: ['vehicle-unknown', 'vehicle-exists'],
    handler: ({ params, body }, context) => {
      const typed = body.credential && typedCredential(body.credential);
      const { slotClass, holder, note } = body;
      return context.change({
        needs: needsOf(typed),
        work: (turn) => updateVehicle(turn, context.actor, { ...params, typed, slotClass, holder, note }),
        render: ({ vehicleId }) => vehicleAnswer(context, vehicleId),
      });
    },
  }),
  route({
    method: 'PUT',
    url: '/api/v1/vehicles/{vehicleId}/permits',
    operationId: 'setVehiclePermits',
    tag,
    summary: 'Set the permits of a vehicle',
    description: 'Replaces all permits.',
    role: 'operator',
    scope: 'all-sites',
    params: vehicleParamsSchema,
    body: vehiclePermitsRequestSchema,
    answer: vehicleNow,
    problems: ['vehicle-unknown', 'site-unknown'],
    handler: ({ params, body }, context) =>
      context.change({
        work: (turn) => setPermits(turn, context.actor, { ...params, permits: body.permits.map(permitOf) }),
        render: ({ vehicleId }) => vehicleAnswer(context, vehicleId),
      }),
  }),
  route({
    method: 'PUT',
    url: '/api/v1/vehicles/{vehicleId}/block',
    operationId: 'setVehicleBlock',
    tag,
    summary: 'Block a vehicle, or lift the block',
    description: 'A blocked vehicle is turned away at every entry; exits let it out.',
    role: 'operator',
    scope: 'all-sites',
    params: vehicleParamsSchema,
    body: vehicleBlockRequestSchema,
    answer: vehicleNow,
    problems: ['vehicle-unknown'],
    handler: ({ params, body }, context) =>
      context.change({
        work: (turn) => blockVehicle(turn, context.actor, { ...params, ...body }),
        render: ({ vehicleId }) => vehicleAnswer(context, vehicleId),
      }),
  }),
  route({
    method: 'DELETE',
    url: '/api/v1/vehicles/{vehicleId}',
    operationId: 'deleteVehicle',
    tag,
    summary: 'Delete a vehicle’s record',
    description: 'The car stays where it is: an open session goes on, unlinked, and the answer names it.',
    role: 'operator',
    scope: 'all-sites',
    params: vehicleParamsSchema,
    answer: { status: 200, description: 'What became of its sessions.', content: vehicleDeletionSchema },
    problems: ['vehicle-unknown'],
    handler: ({ params }, context) =>
      context.change({
        work: (turn) => deleteVehicle(turn, context.actor, { ...params, siteIds: context.aggregator.siteIds() }),
        render: (deletion) => ({ body: deletion }),
      }),
  }),
  route({
    method: 'POST',
    url: '/api/v1/credentials/{credentialId}/erase',
    operationId: 'eraseCredential',
    tag,
    summary: 'Erase the text of a plate, tag or ticket',
    description:
      'Deletes the one row that holds the text. Sessions, events and the audit log keep their times and go on naming the id. A vehicle registered under it must be deleted, or given another credential, first.',
    role: 'admin',
    scope: 'all-sites',
    params: credentialParamsSchema,
    body: reasonRequestSchema,
    answer: {
      status: 200,
      description: 'It is erased.',
      content: z.strictObject({ credentialId: z.string(), erased: z.literal(true) }).meta({
        id: 'CredentialErasure',
        description: 'The credential without text.',
        examples: [{ credentialId: '5f0c8d3be1a94c07b2d65e1f8a3c9047', erased: true }],
      }),
    },
    problems: ['vehicle-exists'],
    handler: ({ params, body }, context) =>
      context.change({
        work: (turn) => {
          eraseCredential(turn, context.actor, context.aggregator.siteIds(), { ...params, ...body });
          return params;
        },
        render: ({ credentialId }) => ({ body: { credentialId, erased: true } }),
      }),
  }),
];

function vehicleAnswer(context: RequestContext, vehicleId: string): Answer {
  const vehicle = context.aggregator.directory.vehicle(vehicleId);
  if (vehicle === undefined) throw new Refusal('vehicle-unknown', `no vehicle ${vehicleId}`, 'vehicleId');
  const { siteId } = context.actor;
  if (siteId !== null && !vehicle.permits.some((permit) => permit.siteId === siteId)) {
    throw new ProblemError('site-not-allowed', 'the vehicle has no permit for the site of the key');
  }
  return { body: vehicleResource(vehicle) };
}

function vehicleFilter(context: RequestContext, query: z.output<typeof vehicleListQuerySchema>): VehicleFilter {
  if (query.credential !== undefined) context.requireCredentials('credential');
  if (query.holder !== undefined) context.requireCredentials('holder');
  if (query.permitSiteId !== undefined) context.requireSite(query.permitSiteId);
  const permitSiteId = query.permitSiteId ?? context.actor.siteId;
  return {
    ...(query.credential === undefined
      ? {}
      : { credentialPrefix: normaliseCredential(query.credentialKind ?? 'plate', query.credential) }),
    ...(query.holder === undefined ? {} : { holderContains: query.holder }),
    ...(query.slotClass === undefined ? {} : { slotClass: query.slotClass }),
    ...(query.blocked === undefined ? {} : { blocked: query.blocked === 'true' }),
    ...(permitSiteId === null ? {} : { permitSiteId }),
  };
}

function permitOf(permit: z.output<typeof vehiclePermitsRequestSchema>['permits'][number]): Permit {
  return {
    siteId: permit.siteId,
    zoneId: permit.zoneId,
    slotClass: permit.slotClass,
    fromMs: permit.from === null ? null : instantMs(permit.from),
    toMs: permit.to === null ? null : instantMs(permit.to),
  };
}
