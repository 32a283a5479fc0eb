/**
 * Idempotency-Key: a change asked for again under the same key is made once. What is kept is a reference to what was changed,
 * written in the same transaction as the change; the answer is made from it afresh.
 */
import { canonicalJson } from '@gatehouse/shared';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../app/operations/actor.js';
import type { IdempotencyRow } from '../app/ports.js';
import { ProblemError } from './problems.js';
import type { Answer, Change } from './route.js';
import type { HttpServices } from './services.js';

const idempotencyHeader = 'idempotency-key';
const validKey = /^[\x21-\x7e]{1,128}$/;

export interface Idempotency {
  run<T extends object>(request: FastifyRequest, actor: Actor, change: Change<T>): Promise<Answer>;
}

export function createIdempotency(services: HttpServices): Idempotency {
  const { aggregator, sha256 } = services;
  /** Ends of the changes that are being made, by key. */
  const running = new Map<string, Promise<void>>();

  async function once<T extends object>(key: string, requestHash: string, change: Change<T>): Promise<Answer> {
    const kept = await aggregator.store.getIdempotency(key);
    if (kept !== null) return repeat(kept, requestHash, change);
    const reference = await aggregator.committer.execute((turn) => {
      const result = change.work(turn);
      const body = JSON.stringify(result);
      turn.put('idempotency', { idempotencyKey: key, requestHash, status: 200, body, createdAtMs: turn.nowMs });
      return result;
    }, change.needs);
    return change.render(reference, true);
  }

  return {
    async run(request, actor, change) {
      const header = request.method === 'POST' ? request.headers[idempotencyHeader] : undefined;
      if (header === undefined) {
        return change.render(await aggregator.committer.execute(change.work, change.needs), true);
      }
      if (typeof header !== 'string' || !validKey.test(header)) {
        const rule = 'must be 1 to 128 visible ASCII characters';
        throw new ProblemError('invalid-request', `Idempotency-Key ${rule}`, {
          errors: [{ field: 'Idempotency-Key', rule }],
        });
      }
      const key = `${actor.keyId}:${header}`;
      const asked = canonicalJson([request.method, request.url, request.body ?? null]);
      const requestHash = sha256(`${key}\n${asked}`);
      for (let other = running.get(key); other !== undefined; other = running.get(key)) await other;
      const answer = once(key, requestHash, change);
      const end = answer.then(
        () => undefined,
        () => undefined,
      );
      running.set(key, end);
      try {
        return await answer;
      } finally {
        running.delete(key);
      }
    },
  };
}

async function repeat<T>(kept: IdempotencyRow, requestHash: string, change: Change<T>): Promise<Answer> {
  if (kept.requestHash !== requestHash) {
    throw new ProblemError('idempotency-key-reused', 'this Idempotency-Key came with another request before');
  }
  const answer = await change.render(JSON.parse(kept.body) as T, false);
  return { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } };
}
