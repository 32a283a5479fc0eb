/** The HTTP server, assembled: hooks, routes, documentation, streams. Listening is the caller's business. */
import type { ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { apiLimits } from '@gatehouse/shared';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ResponseSerializationError, validatorCompiler } from 'fastify-type-provider-zod';
import type { serializerCompiler } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { Actor } from '../app/operations/actor.js';
import { createAfterTurns } from './after-turns.js';
import { createGatekeeper } from './authentication.js';
import { answerClientError } from './client-errors.js';
import { answerProblem, sendProblem } from './errors.js';
import { boundConnections } from './connection-bound.js';
import { createDeadlines } from './deadlines.js';
import { createEventStreams } from './event-stream.js';
import type { EventStreams } from './event-stream.js';
import { createIdempotency } from './idempotency.js';
import type { Idempotency } from './idempotency.js';
import { createNoticeFeed } from './notice-feed.js';
import { openApiDocument } from './openapi.js';
import { present, seesCredentials } from './presentation.js';
import { ProblemError } from './problems.js';
import { answerSchema } from './route.js';
import type { Answer, Method, RequestContext, Route, RouteInput } from './route.js';
import { allRoutes } from './routes/index.js';
import { securityHeaders } from './security-headers.js';
import type { HttpPorts, HttpServices } from './services.js';
import type { HttpSettings } from './settings.js';
import { isWellFormedBody } from './well-formed.js';

export interface HttpServer {
  /** For `inject` and `listen`. */
  readonly app: FastifyInstance;
  readonly routes: readonly Route[];
  /** Ends streams, finishes what runs, closes connections. May be called twice. */
  close(): Promise<void>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The entry of the table that this route was made from. */
    definition?: Route;
  }
  interface FastifyRequest {
    actor: Actor | null;
    /** When it came, ms of the machine's monotonic clock. */
    startedMs: number;
    /** Among those whose answer must begin in time; -1: it may take as long as it likes. */
    deadlinePlace: number;
  }
}

const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * The whole HTTP surface over an aggregator that may or may not be started yet.
 * `https`: key and certificate, for TLS.
 */
export async function createHttpServer(
  ports: HttpPorts,
  settings: HttpSettings,
  https: ServerOptions | null = null,
): Promise<HttpServer> {
  const feed = createNoticeFeed(ports.aggregator, settings.stream);
  const services: HttpServices = { ...ports, settings, feed };
  const app = createApp(services, https);
  const streams = createEventStreams(services);
  const idempotency = createIdempotency(services);
  const routes = allRoutes(settings);
  const stopTiming = addHooks(app, services, securityHeaders(https !== null));
  await addDocumentation(app, () => openApiDocument(routes, ports.version));
  const serving: Serving = { services, streams, idempotency, afterTurns: createAfterTurns() };
  for (const definition of routes) addRoute(app, definition, serving);
  refuseOtherMethods(app, routes);
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, { code: 'not-found', detail: `nothing is at ${request.method} ${pathOf(request)}` }),
  );
  await app.ready();
  return {
    app,
    routes,
    async close() {
      streams.stop();
      feed.stop();
      await app.close();
      stopTiming();
    },
  };
}

function createApp(services: HttpServices, https: ServerOptions | null): FastifyInstance {
  const { settings, logger, random } = services;
  const options = {
    logger: false as const,
    genReqId: () => random.hex(8),
    bodyLimit: apiLimits.maxBodyBytes,
    trustProxy: settings.trustProxy,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    forceCloseConnections: true as const,
    onProtoPoisoning: 'error' as const,
    onConstructorPoisoning: 'error' as const,
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      void answerProblem(logger, error, request, reply);
    },
    clientErrorHandler: (error: Error, socket: Socket) => {
      answerClientError(services, error, socket);
    },
  };
  // How often Node looks for requests that take too long; by itself every 30 s, whatever the bounds are.
  const connectionsCheckingInterval = Math.min(settings.headersTimeoutMs, settings.requestTimeoutMs) / 2;
  const app = (
    https === null
      ? fastify({ ...options, http: { connectionsCheckingInterval } })
      : fastify({ ...options, https: { ...https, connectionsCheckingInterval } })
  ) as FastifyInstance;
  app.server.headersTimeout = settings.headersTimeoutMs;
  app.server.maxConnections = settings.maxConnections;
  boundConnections(app.server, services);
  app.setValidatorCompiler(boundedValidatorCompiler);
  app.setSerializerCompiler(checkedSerializerCompiler);
  app.setErrorHandler((error, request, reply) => answerProblem(logger, error, request, reply));
  app.removeContentTypeParser('text/plain');
  return app;
}

/** The validator asks for the `length` of what is no text, and stumbles over what it may find there. */
const boundedValidatorCompiler: typeof validatorCompiler = (schema) => {
  const validate = validatorCompiler(schema);
  return (data) => {
    try {
      return validate(data) as { value: unknown };
    } catch {
      return { error: new ProblemError('invalid-request', 'the request cannot be validated') };
    }
  };
};

/**
 * Answers are checked as they are, by `parse`: no schema of an answer changes a value on its way out, and checking it backwards, as the
 * library does for those that do, reads everything twice.
 */
const checkedSerializerCompiler: typeof serializerCompiler = ({ schema, method, url }) => {
  const answer = schema as z.ZodType;
  return (data) => {
    const result = answer.safeParse(data);
    if (!result.success) throw new ResponseSerializationError(method, url, { cause: result.error });
    return JSON.stringify(result.data);
  };
};

/** Answers what ends the timing of requests. */
function addHooks(app: FastifyInstance, services: HttpServices, headers: Readonly<Record<string, string>>): () => void {
  const { metrics, systemClock, logger, settings } = services;
  const gatekeeper = createGatekeeper(services);
  const deadlines = createDeadlines<FastifyReply>(systemClock, settings.handlerTimeoutMs, (reply) => {
    if (!reply.sent && !reply.raw.headersSent)
      answerProblem(logger, new ProblemError('timeout', tooLate), reply.request, reply);
  });
  app.decorateRequest('actor', null);
  app.decorateRequest('startedMs', 0);
  app.decorateRequest('deadlinePlace', -1);
  app.addHook('onRequest', (request, reply, done) => {
    request.startedMs = systemClock.monoMs();
    reply.headers(headers).header('x-request-id', request.id);
    const { definition } = request.routeOptions.config;
    if (definition?.endless !== true) request.deadlinePlace = deadlines.enter(reply);
    // What is thrown here is answered as a problem.
    request.actor = gatekeeper.admit(request, definition);
    done();
  });
  app.addHook('preValidation', (request, _reply, done) => {
    if (isWellFormedBody(request.body)) done();
    else done(new ProblemError('malformed-json', 'the body holds half of a surrogate pair'));
  });
  app.addHook('onResponse', (request, reply, done) => {
    deadlines.leave(reply, request.deadlinePlace);
    const durationMs = systemClock.monoMs() - request.startedMs;
    const route =
      request.routeOptions.config.definition?.url ?? (request.routeOptions.url === undefined ? 'none' : 'other');
    metrics.onRequest(knownMethod(request.method), route, reply.statusCode, durationMs / 1000);
    logger.debug(
      {
        requestId: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        durationMs,
        key: request.actor?.keyId,
      },
      'request',
    );
    done();
  });
  return () => {
    deadlines.stop();
  };
}

function knownMethod(method: string): string {
  return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].includes(method) ? method : 'other';
}

const tooLate = 'the answer took too long';

const documentationPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The document is made when it is asked for first: that takes time and memory, and many never ask. Its text is kept, and nothing else. */
async function addDocumentation(app: FastifyInstance, makeDocument: () => unknown): Promise<void> {
  let made: string | null = null;
  const text = (): string => (made ??= JSON.stringify(makeDocument()));
  app.get('/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(text()));
  const document = { toJSON: () => JSON.parse(text()) as unknown };
  await app.register(swagger, { mode: 'static', specification: { document: document as never } });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: documentationPolicy,
    uiConfig: { validatorUrl: null, deepLinking: true, docExpansion: 'list', persistAuthorization: false },
  });
}

interface Serving {
  readonly services: HttpServices;
  readonly streams: EventStreams;
  readonly idempotency: Idempotency;
  readonly afterTurns: () => Promise<void>;
}

function addRoute(app: FastifyInstance, definition: Route, serving: Serving): void {
  const schema = answerSchema(definition);
  const answers = schema === undefined ? {} : { response: { '2xx': schema } };
  app.route({
    method: definition.method,
    url: fastifyUrl(definition.url),
    schema: {
      params: definition.params,
      querystring: definition.query,
      ...(definition.body === null ? {} : { body: definition.body }),
      ...answers,
    },
    config: { definition },
    ...(definition.bodyLimitBytes === undefined ? {} : { bodyLimit: definition.bodyLimitBytes }),
    handler: async (request, reply) => {
      const input: RouteInput<unknown, unknown, unknown> = {
        params: request.params,
        query: request.query,
        body: request.body,
      };
      const answer = await definition.handler(input, createContext(request, reply, serving));
      if (reply.sent) return reply;
      reply.code(answer.status ?? definition.answer.status).headers({ 'cache-control': 'no-store', ...answer.headers });
      const { actor } = request;
      const plain = schema === undefined || actor === null;
      return reply.send(plain ? answer.body : await present(serving.services, actor.role, answer.body));
    },
  });
}

function createContext(request: FastifyRequest, reply: FastifyReply, serving: Serving): RequestContext {
  const { services, streams, idempotency, afterTurns } = serving;
  const actor = request.actor ?? nobody;
  // Named one by one: spreading them costs more than most requests' own work.
  const { aggregator, clock, systemClock, random, sha256, logger, metrics, settings, feed, version } = services;
  const context: RequestContext = {
    aggregator,
    clock,
    systemClock,
    random,
    sha256,
    logger,
    metrics,
    settings,
    feed,
    version,
    disconnectEdge: services.disconnectEdge,
    mqttUrl: services.mqttUrl,
    actor,
    request,
    reply,
    async change(change): Promise<Answer> {
      const answer = await idempotency.run(request, actor, change);
      await afterTurns();
      return answer;
    },
    async stream(wanted): Promise<Answer> {
      const headers = Object.fromEntries(
        Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]),
      );
      streams.checkRoom(actor);
      // Of a body that has no end there would never be a head.
      if (request.method === 'HEAD') {
        return { body: '', headers: { 'content-type': 'text/event-stream; charset=utf-8' } };
      }
      reply.hijack();
      await streams.open(reply.raw, headers, { actor, ...wanted });
      return { body: null };
    },
    requireSite(siteId) {
      if (actor.siteId !== null && actor.siteId !== siteId) {
        throw new ProblemError('site-not-allowed', `the key is for the site "${actor.siteId}"`);
      }
    },
    requireCredentials(field) {
      if (seesCredentials(actor.role)) return;
      throw new ProblemError('forbidden', `the role ${actor.role} may not search by ${field}`, {
        errors: [{ field, rule: 'needs the role auditor' }],
      });
    },
  };
  return context;
}

/** Who asks where no key is needed. */
const nobody: Actor = { keyId: 'nobody', label: 'nobody', role: 'observer', siteId: null };

/** Every address of the table answers 405 to the methods it does not take. */
function refuseOtherMethods(app: FastifyInstance, routes: readonly Route[]): void {
  const taken = new Map<string, Set<Method>>();
  for (const { url, method } of routes) taken.set(url, (taken.get(url) ?? new Set()).add(method));
  for (const [url, allowed] of taken) {
    const allow = [...allowed, ...(allowed.has('GET') ? ['HEAD'] : [])].sort().join(', ');
    app.route({
      method: [...methods.filter((method) => !allowed.has(method)), 'OPTIONS'],
      url: fastifyUrl(url),
      onRequest: async (request) => {
        throw new ProblemError('method-not-allowed', `${request.method} does not go with ${pathOf(request)}`, {
          headers: { allow },
        });
      },
      handler: (_request, reply) => reply,
    });
  }
}

function fastifyUrl(url: string): string {
  return url.replace(/\{(\w+)\}/g, ':$1');
}

function pathOf(request: FastifyRequest): string {
  return (request.url.split('?')[0] ?? '').slice(0, 200);
}
