/** Commands to gates, over the aggregator's own path for them. */
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../app/operations/actor.js';
import type { Idempotency } from './idempotency.js';
import { commandResource } from './resources.js';
import type { Answer, CommandWish } from './route.js';
import type { HttpServices } from './services.js';

export async function commandGate(
  { aggregator }: HttpServices,
  idempotency: Idempotency,
  request: FastifyRequest,
  actor: Actor,
  wish: CommandWish,
): Promise<Answer> {
  void [idempotency, request];
  const row = await aggregator.sendCommand({ ...wish, by: actor.label });
  return { body: commandResource(aggregator.commandView(row)) };
}
