/**
 * The edge agent's own page: `/metrics` for Prometheus, `/healthz` for service managers, `/lanes` for an installer, `/` says which edge
 * this is. It reads and changes nothing. Everything is bounded, so that nobody who reaches the page keeps the gates from their work.
 */
import type { AddressInfo, Socket } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import { describeIssues } from '@gatehouse/shared';
import type { Clock, Logger } from '@gatehouse/shared';
import { listenerUrl, listeningError } from '@gatehouse/shared/node';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import type { LineWitness } from '../app/line-witness.js';
import type { EdgeStatus } from '../app/status.js';
import { lanesQuerySchema } from '../watch/contract.js';
import { healthOf } from './health.js';
import { lanesOf } from './lanes.js';
import type { EdgeMetrics } from './metrics.js';

export interface EdgeHttp {
  /**
   * Resolves with its address, `http://HOST:PORT`.
   * @throws ConfigurationError naming `http.port` or `http.host` when it cannot be had.
   */
  start(): Promise<string>;
  /** May be called twice, and without a start. */
  stop(): Promise<void>;
}

export interface EdgeHttpOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly status: () => EdgeStatus;
  /** Whether the agent was asked to stop. */
  readonly isStopping: () => boolean;
  readonly metrics: Pick<EdgeMetrics, 'render'>;
  readonly witness: LineWitness;
  /** The lane’s. */
  readonly clock: Clock;
  readonly logger: Logger;
  readonly bounds?: Partial<EdgeHttpBounds>;
}

export interface EdgeHttpBounds {
  readonly maxConnections: number;
  readonly maxBodyBytes: number;
  /** For a whole request to come in. */
  readonly requestTimeoutMs: number;
  /** For an answer. */
  readonly handlerTimeoutMs: number;
  /** Of a connection with nothing to do; above the minute of the slowest usual scrape. */
  readonly keepAliveTimeoutMs: number;
  readonly requestsPerAddressPerMinute: number;
}

const defaultBounds: EdgeHttpBounds = {
  maxConnections: 64,
  maxBodyBytes: 1_024,
  requestTimeoutMs: 5_000,
  handlerTimeoutMs: 5_000,
  keepAliveTimeoutMs: 65_000,
  requestsPerAddressPerMinute: 600,
};

export function createEdgeHttp(options: EdgeHttpOptions): EdgeHttp {
  const { host, port } = options;
  let app: FastifyInstance | undefined;
  return {
    async start() {
      app = createApp({ ...defaultBounds, ...options.bounds });
      await addRoutes(app, options);
      try {
        await app.listen({ host, port });
      } catch (error) {
        await app.close();
        throw listeningError(error, { key: 'http', host, port });
      }
      return listenerUrl('http', host, (app.server.address() as AddressInfo).port);
    },
    async stop() {
      await app?.close();
    },
  };
}

function createApp(bounds: EdgeHttpBounds): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: bounds.maxBodyBytes,
    requestTimeout: bounds.requestTimeoutMs,
    handlerTimeout: bounds.handlerTimeoutMs,
    keepAliveTimeout: bounds.keepAliveTimeoutMs,
    forceCloseConnections: true,
    // How often Node looks for requests that take too long; by itself every 30 s, whatever the bounds are.
    http: { connectionsCheckingInterval: bounds.requestTimeoutMs / 2, maxHeaderSize: 8_192 },
    routerOptions: { maxParamLength: 100 },
    frameworkErrors: (error, _request, reply) => {
      void sendProblem(reply, error.statusCode ?? 400, error.message);
    },
    clientErrorHandler: answerClientError,
  });
  app.server.headersTimeout = bounds.requestTimeoutMs;
  app.server.maxConnections = bounds.maxConnections;
  return app;
}

async function addRoutes(app: FastifyInstance, options: EdgeHttpOptions): Promise<void> {
  const { status, metrics, logger } = options;
  const { requestsPerAddressPerMinute } = { ...defaultBounds, ...options.bounds };
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    done();
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const { statusCode = 500, message } = error;
    if (statusCode < 500) return sendProblem(reply, statusCode, message);
    logger.error({ error: message }, 'a request to the page of the agent failed');
    return sendProblem(reply, statusCode, 'the agent could not answer; its log says why');
  });
  app.setNotFoundHandler((request, reply) => {
    const path = (request.url.split('?')[0] ?? '').slice(0, 200);
    return sendProblem(reply, 404, `nothing is at ${request.method} ${path}; / says what there is`);
  });
  await app.register(rateLimit, { max: requestsPerAddressPerMinute, timeWindow: 60_000, cache: 1_000 });
  app.get('/', () => {
    const { siteId, edgeId, version, gates } = status();
    return {
      ...{ program: 'Gatehouse edge agent', version, siteId, edgeId, gates: gates.map(({ gateId }) => gateId) },
      links: { metrics: '/metrics', health: '/healthz', lanes: '/lanes' },
    };
  });
  app.get('/healthz', (_request, reply) => {
    const health = healthOf(status(), options.isStopping());
    return reply.code(health.status).send(health.body);
  });
  app.get('/lanes', (request, reply) => {
    const query = lanesQuerySchema.safeParse(request.query);
    if (!query.success) return sendProblem(reply, 400, describeIssues(query.error));
    return lanesOf(status(), options.witness, query.data.after, options.clock.wallMs());
  });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics.render();
    return reply.type(contentType).send(text);
  });
}

const titles: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  404: 'Nothing is there',
  408: 'The request took too long',
  413: 'The body is too large',
  415: 'Bodies of this kind are not read',
  429: 'Too many requests',
  431: 'The headers are too large',
  503: 'The answer took too long',
};

/** RFC 9457. */
function problemOf(status: number, detail: string): string {
  return JSON.stringify({ type: 'about:blank', title: titles[status] ?? 'The request failed', status, detail });
}

const problemType = 'application/problem+json; charset=utf-8';

function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return reply.code(status).type(problemType).send(problemOf(status, detail));
}

/** Of bytes that are no request, or come too slowly to be one. */
function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const body = problemOf(status, 'this is not a request of HTTP/1.1 within the bounds of this page');
  const head = [
    `HTTP/1.1 ${String(status)} ${titles[status] ?? ''}`,
    `content-type: ${problemType}`,
    `content-length: ${String(Buffer.byteLength(body))}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => {
    socket.destroy();
  });
}
