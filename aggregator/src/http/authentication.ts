/** Who asks: a bearer key, its role and its site; and how often anybody may ask. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { equalDigests } from '../app/authenticator.js';
import { actorOf, roleReaches } from '../app/operations/actor.js';
import type { Actor } from '../app/operations/actor.js';
import { ProblemError } from './problems.js';
import type { Route } from './route.js';
import type { HttpServices } from './services.js';

const minuteMs = 60_000;
const maxKeyChars = 256;

/** The key of a request, or undefined. */
export function findActor({ aggregator, sha256 }: HttpServices, header: string | undefined): Actor | undefined {
  const text = /^Bearer ([\x21-\x7e]+)$/i.exec(header ?? '')?.[1];
  if (text === undefined || text.length > maxKeyChars) return undefined;
  const digest = sha256(text);
  const key = aggregator.directory.keyByHash(digest);
  if (key?.revokedAtMs !== null || !equalDigests(key.keyHash, digest)) return undefined;
  return actorOf(key);
}

export interface Gatekeeper {
  /** Lets a request to `definition` (undefined: to a page that needs no key) in, and says who it is. @throws ProblemError */
  admit(request: FastifyRequest, definition: Route | undefined): Promise<Actor | null>;
}

type Limiter = (request: FastifyRequest) => Promise<LimiterAnswer>;
type LimiterAnswer = Awaited<ReturnType<ReturnType<FastifyInstance['createRateLimit']>>>;

/** Needs the rate-limit plugin to be registered on `app`. */
export function createGatekeeper(app: FastifyInstance, services: HttpServices): Gatekeeper {
  const { rate } = services.settings;
  const limiter = (max: number, keyOf: (request: FastifyRequest) => string): Limiter =>
    app.createRateLimit({ max, timeWindow: minuteMs, keyGenerator: keyOf });
  const byAddress = (request: FastifyRequest): string => request.ip;
  const anonymous = limiter(rate.requestsPerAddressPerMinute, byAddress);
  const failures = limiter(rate.failedKeysPerAddressPerMinute, byAddress);
  const enrolments = limiter(rate.enrolmentsPerAddressPerMinute, byAddress);
  const keyed = limiter(rate.requestsPerKeyPerMinute, (request) => request.actor?.keyId ?? '');
  return {
    async admit(request, definition) {
      if (definition?.role == null) {
        await enforce(anonymous, request);
        if (definition?.operationId === 'redeemEnrolmentCode') await enforce(enrolments, request);
        return null;
      }
      const actor = findActor(services, request.headers.authorization);
      if (actor === undefined) {
        await enforce(failures, request);
        throw new ProblemError('unauthenticated', wrongKey(request), {
          headers: { 'www-authenticate': 'Bearer realm="gatehouse"' },
        });
      }
      request.actor = actor;
      await enforce(keyed, request);
      checkAccess(actor, definition, request);
      return actor;
    },
  };
}

function wrongKey(request: FastifyRequest): string {
  return request.headers.authorization === undefined ? 'no key came with the request' : 'the key is not good';
}

async function enforce(limiter: Limiter, request: FastifyRequest): Promise<void> {
  const answer = await limiter(request);
  if (answer.isAllowed || !answer.isExceeded) return;
  throw new ProblemError('too-many-requests', `at most ${String(answer.max)} a minute are taken`, {
    headers: { 'retry-after': String(Math.max(1, answer.ttlInSeconds)) },
  });
}

function checkAccess(actor: Actor, definition: Route, request: FastifyRequest): void {
  if (definition.role !== null && !roleReaches(actor.role, definition.role)) {
    throw new ProblemError('forbidden', `the key is for the role ${actor.role}; this needs ${definition.role}`);
  }
  if (actor.siteId === null) return;
  if (definition.scope === 'all-sites') {
    throw new ProblemError('site-not-allowed', 'this needs a key that is good for all sites');
  }
  const asked =
    definition.scope === 'path'
      ? member(request.params)
      : definition.scope === 'query'
        ? member(request.query)
        : undefined;
  if (asked !== undefined && asked !== actor.siteId) {
    throw new ProblemError('site-not-allowed', `the key is for the site "${actor.siteId}"`);
  }
}

function member(values: unknown): unknown {
  return (values as { siteId?: unknown }).siteId;
}
