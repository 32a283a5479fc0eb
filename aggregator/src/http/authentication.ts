/** Who asks: a bearer key, its role and its site; and how often anybody may ask. */
import type { Socket } from 'node:net';
import { createRequestRate } from '@gatehouse/shared';
import type { RequestRate, Sha256 } from '@gatehouse/shared';
import type { FastifyRequest } from 'fastify';
import { equalDigests } from '../app/authenticator.js';
import { actorOf, roleReaches } from '../app/operations/actor.js';
import type { Actor } from '../app/operations/actor.js';
import { ProblemError } from './problems.js';
import type { Route } from './route.js';
import type { HttpServices } from './services.js';

const minuteMs = 60_000;
const maxKeyChars = 256;
/** Addresses, or keys, of which it is known how often they asked. */
const maxRemembered = 5_000;

/** The digest of the key in a header, or undefined. */
function digestOf(sha256: Sha256, header: string): string | undefined {
  const text = /^Bearer ([\x21-\x7e]+)$/i.exec(header)?.[1];
  return text === undefined || text.length > maxKeyChars ? undefined : sha256(text);
}

/** What a connection showed last, while it lasts. */
interface Shown {
  readonly header: string;
  readonly digest: string;
}

/**
 * Answers who a request comes from, or undefined. A connection mostly shows the same header with each of its requests: it is digested once,
 * and the key is looked up each time. Texts are compared as digests are, as others may ask through the same proxy.
 */
function createKeyFinder({ aggregator, sha256 }: HttpServices): (request: FastifyRequest) => Actor | undefined {
  const shownBy = new WeakMap<Socket, Shown>();
  const digestBy = (socket: Socket, header: string): string | undefined => {
    const shown = shownBy.get(socket);
    if (shown !== undefined && equalDigests(shown.header, header)) return shown.digest;
    const digest = digestOf(sha256, header);
    if (digest !== undefined) shownBy.set(socket, { header, digest });
    return digest;
  };
  return ({ headers: { authorization }, socket }) => {
    const digest = authorization === undefined ? undefined : digestBy(socket, authorization);
    const key = digest === undefined ? undefined : aggregator.directory.keyByHash(digest);
    if (digest === undefined || key?.revokedAtMs !== null || !equalDigests(key.keyHash, digest)) return undefined;
    return actorOf(key);
  };
}

export interface Gatekeeper {
  /** Lets a request to `definition` (undefined: to a page that needs no key) in, and says who it is. @throws ProblemError */
  admit(request: FastifyRequest, definition: Route | undefined): Actor | null;
}

export function createGatekeeper(services: HttpServices): Gatekeeper {
  const { settings, systemClock } = services;
  const rateOf = (max: number): RequestRate =>
    createRequestRate({ max, windowMs: minuteMs, maxRemembered }, systemClock);
  const anonymous = rateOf(settings.rate.requestsPerAddressPerMinute);
  const failures = rateOf(settings.rate.failedKeysPerAddressPerMinute);
  const enrolments = rateOf(settings.rate.enrolmentsPerAddressPerMinute);
  const findActor = createKeyFinder(services);
  const keyed = rateOf(settings.rate.requestsPerKeyPerMinute);
  return {
    admit(request, definition) {
      if (definition?.role == null) {
        enforce(anonymous, request.ip);
        if (definition?.operationId === 'redeemEnrolmentCode') enforce(enrolments, request.ip);
        return null;
      }
      const actor = findActor(request);
      if (actor === undefined) {
        enforce(failures, request.ip);
        throw new ProblemError('unauthenticated', wrongKey(request), {
          headers: { 'www-authenticate': 'Bearer realm="gatehouse"' },
        });
      }
      enforce(keyed, actor.keyId);
      checkAccess(actor, definition, request);
      return actor;
    },
  };
}

function wrongKey(request: FastifyRequest): string {
  return request.headers.authorization === undefined ? 'no key came with the request' : 'the key is not good';
}

function enforce(rate: RequestRate, who: string): void {
  const waitS = rate.count(who);
  if (waitS === 0) return;
  throw new ProblemError('too-many-requests', `at most ${String(rate.max)} a minute are taken`, {
    headers: { 'retry-after': String(waitS) },
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
