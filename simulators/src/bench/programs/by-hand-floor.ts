/** The routes that assign and release a slot as Fastify serves them at best: JSON schemas, state in a Map, no key, nothing stored. */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { sessionSchema, slotSchema } from '@gatehouse/shared';
import type { SessionResource, SlotResource } from '@gatehouse/shared';
import { z } from 'zod';
import { serve } from '../serve.js';

export interface ByHandFloorOptions {
  readonly siteId: string;
  readonly slotIds: readonly string[];
}

interface Params {
  readonly siteId: string;
  readonly slotId: string;
}
interface AssignBody {
  readonly credential?: { readonly kind: 'plate' | 'tag' | 'ticket'; readonly value: string };
  readonly reason: string;
}

const slug = { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,62}$' };
const params = { type: 'object', required: ['siteId', 'slotId'], properties: { siteId: slug, slotId: slug } };
const reason = { type: 'string', minLength: 1, maxLength: 500 };
const assignBody = {
  type: 'object',
  additionalProperties: false,
  required: ['reason'],
  properties: {
    vehicleId: { type: 'string', pattern: '^[0-9a-f]{32}$' },
    credential: {
      type: 'object',
      additionalProperties: false,
      required: ['value'],
      properties: {
        kind: { enum: ['plate', 'tag', 'ticket'], default: 'plate' },
        value: { type: 'string', minLength: 1, maxLength: 64 },
      },
    },
    reason,
  },
};
const releaseBody = {
  type: 'object',
  additionalProperties: false,
  required: ['reason'],
  properties: { force: { type: 'boolean', default: false }, reason },
};

export function run(): void {
  serve(async ({ siteId, slotIds }: ByHandFloorOptions) => {
    const app = fastify({ logger: false });
    const slots = new Map(slotIds.map((slotId) => [slotId, freeSlot(siteId, slotId)]));
    let ticket = 0;
    const known = ({ siteId: asked, slotId }: Params): SlotResource => {
      const slot = asked === siteId ? slots.get(slotId) : undefined;
      if (slot === undefined) throw Object.assign(new Error('no such slot'), { statusCode: 404 });
      return slot;
    };

    app.post<{ Params: Params; Body: AssignBody }>(
      '/api/v1/sites/:siteId/slots/:slotId/assign',
      { schema: { params, body: assignBody, response: { 201: jsonSchema(sessionSchema) } } },
      async (request, reply): Promise<SessionResource> => {
        const slot = known(request.params);
        if (slot.state !== 'free') throw Object.assign(new Error('not free'), { statusCode: 409 });
        ticket += 1;
        const session = sessionIn(slot, ticket, request.body);
        slots.set(slot.slotId, { ...slot, state: 'occupied', sessionId: session.sessionId });
        reply.code(201);
        return session;
      },
    );
    app.post<{ Params: Params }>(
      '/api/v1/sites/:siteId/slots/:slotId/release',
      { schema: { params, body: releaseBody, response: { 200: jsonSchema(slotSchema) } } },
      async (request): Promise<SlotResource> => {
        const slot = known(request.params);
        if (slot.state === 'free') throw Object.assign(new Error('free already'), { statusCode: 409 });
        const freed: SlotResource = { ...slot, state: 'free', sessionId: null };
        slots.set(slot.slotId, freed);
        return freed;
      },
    );

    await app.listen({ host: '127.0.0.1', port: 0 });
    return {
      port: () => (app.server.address() as AddressInfo).port,
      stop: () => app.close(),
    };
  });
}

/** What Fastify compiles its serialiser from. */
function jsonSchema(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, { target: 'draft-7', io: 'output' });
}

function sessionIn(slot: SlotResource, ticket: number, { credential }: AssignBody): SessionResource {
  return {
    siteId: slot.siteId,
    sessionId: randomBytes(16).toString('hex'),
    ticket,
    state: 'open',
    credential: credential === undefined ? null : { credentialId: randomBytes(16).toString('hex'), ...credential },
    vehicleId: null,
    slotClass: slot.slotClass,
    slotId: slot.slotId,
    entryAt: new Date().toISOString(),
    entryGateId: null,
    entryBasis: 'operator',
    exitAt: null,
    exitGateId: null,
    exitBasis: null,
    durationSeconds: null,
    exitAuthorised: false,
  };
}

function freeSlot(siteId: string, slotId: string): SlotResource {
  return {
    siteId,
    slotId,
    zoneId: 'ground',
    label: slotId,
    slotClass: 'standard',
    state: 'free',
    sessionId: null,
    heldBy: null,
    confirmed: true,
    frozen: false,
    outOfService: null,
    recall: null,
  };
}
