/**
 * The edge agent's own page: `/metrics` for Prometheus, `/healthz` for service managers, `/lanes` for an installer, `/` says which edge
 * this is. It reads and changes nothing. Everything is bounded, so that nobody who reaches the page keeps the gates from their work.
 * Node's own server is enough for it: a framework takes megabytes, of which the machine has few.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequestRate, describeIssues, messageOf } from '@gatehouse/shared/edge';
import type { Clock, Logger } from '@gatehouse/shared/edge';
import { listenerUrl, listeningError, systemClock } from '@gatehouse/shared/node';
import type { LineWitness } from '../app/line-witness.js';
import type { EdgeStatus } from '../app/status.js';
import { lanesQuerySchema } from '../watch/contract.js';
import { answerClientError, jsonAnswer, problemAnswer, Refusal, writeAnswer } from './answers.js';
import type { Answer } from './answers.js';
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
/** Of which it is known how often they asked. */
const maxRemembered = 1_000;

export function createEdgeHttp(options: EdgeHttpOptions): EdgeHttp {
  const { host, port } = options;
  const bounds = { ...defaultBounds, ...options.bounds };
  let server: Server | undefined;
  return {
    async start() {
      const listening = createListener(options, bounds);
      server = listening;
      try {
        listening.listen(port, host);
        await once(listening, 'listening');
      } catch (error) {
        throw listeningError(error, { key: 'http', host, port });
      }
      listening.on('error', (error) => {
        options.logger.warn({ error: messageOf(error) }, 'the page of the agent could not take a connection');
      });
      return listenerUrl('http', host, (listening.address() as AddressInfo).port);
    },
    async stop() {
      const closing = server;
      server = undefined;
      if (closing?.listening !== true) return;
      await new Promise<void>((resolve) => {
        closing.close(() => {
          resolve();
        });
        closing.closeAllConnections();
      });
    },
  };
}

function createListener(options: EdgeHttpOptions, bounds: EdgeHttpBounds): Server {
  const rate = createRequestRate(
    { max: bounds.requestsPerAddressPerMinute, windowMs: 60_000, maxRemembered },
    systemClock,
  );
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    try {
      admit(request, rate.count(request.socket.remoteAddress ?? ''));
      await passOver(request, bounds.maxBodyBytes);
      return await within(bounds.handlerTimeoutMs, route(request, options));
    } catch (error) {
      if (error instanceof Refusal) return problemAnswer(error);
      options.logger.error({ error: messageOf(error) }, 'a request to the page of the agent failed');
      return problemAnswer(new Refusal(500, 'the agent could not answer; its log says why'));
    }
  };
  const server = createServer(
    {
      requestTimeout: bounds.requestTimeoutMs,
      headersTimeout: bounds.requestTimeoutMs,
      keepAliveTimeout: bounds.keepAliveTimeoutMs,
      // How often Node looks for requests that take too long; by itself every 30 s, whatever the bounds are.
      connectionsCheckingInterval: bounds.requestTimeoutMs / 2,
      maxHeaderSize: 8_192,
    },
    (request, response) => {
      void answer(request).then((given) => {
        writeAnswer(response, given);
      });
    },
  );
  server.maxConnections = bounds.maxConnections;
  server.on('clientError', answerClientError);
  return server;
}

function admit(request: IncomingMessage, waitS: number): void {
  if (waitS > 0) {
    throw new Refusal(429, `this address may ask again in ${String(waitS)} s`, { 'retry-after': String(waitS) });
  }
  try {
    decodeURI(request.url ?? '/');
  } catch {
    throw new Refusal(400, 'the address is malformed');
  }
}

/** The page has no use for a body. */
async function passOver(request: IncomingMessage, maxBytes: number): Promise<void> {
  const tooLarge = new Refusal(413, `more than ${String(maxBytes)} bytes`, { connection: 'close' });
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge;
  let bytes = 0;
  // Not a loop over the request, which would destroy its connection when it is left.
  await new Promise<unknown>((resolve, reject) => {
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBytes) reject(tooLarge);
    });
    request.once('end', resolve);
    // Who asked has gone: there is nobody to answer.
    request.once('error', resolve);
    request.once('close', resolve);
  });
}

async function within(timeoutMs: number, answer: Promise<Answer>): Promise<Answer> {
  let cancel: () => void = () => undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    cancel = systemClock.setTimer(timeoutMs, () => {
      reject(new Refusal(503, `there is no answer within ${String(timeoutMs)} ms`));
    });
  });
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    cancel();
  }
}

async function route({ method = '', url = '/' }: IncomingMessage, options: EdgeHttpOptions): Promise<Answer> {
  const [path = '', query = ''] = url.split('?', 2);
  const { status } = options;
  switch (`${method === 'HEAD' ? 'GET' : method} ${path}`) {
    case 'GET /': {
      const { siteId, edgeId, version, gates } = status();
      return jsonAnswer(200, {
        ...{ program: 'Gatehouse edge agent', version, siteId, edgeId, gates: gates.map(({ gateId }) => gateId) },
        links: { metrics: '/metrics', health: '/healthz', lanes: '/lanes' },
      });
    }
    case 'GET /healthz': {
      const health = healthOf(status(), options.isStopping());
      return jsonAnswer(health.status, health.body);
    }
    case 'GET /lanes': {
      const asked = lanesQuerySchema.safeParse(Object.fromEntries(new URLSearchParams(query)));
      if (!asked.success) throw new Refusal(400, describeIssues(asked.error));
      return jsonAnswer(200, lanesOf(status(), options.witness, asked.data.after, options.clock.wallMs()));
    }
    case 'GET /metrics': {
      const { contentType, text } = await options.metrics.render();
      return { status: 200, type: contentType, text };
    }
    default:
      throw new Refusal(404, `nothing is at ${method} ${path.slice(0, 200)}; / says what there is`);
  }
}
