/**
 * Takes reads that cameras post: `POST /reads/CAMERA` with a bearer secret, or `POST /reads/CAMERA/SECRET` for a camera that can set
 * no header and is bound to its address. Who may not post is turned away before a byte of the body is read.
 */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import rateLimit from '@fastify/rate-limit';
import { messageOf } from '@gatehouse/shared/edge';
import type { Logger } from '@gatehouse/shared/edge';
import { ConfigurationError, listenerUrl, listeningError } from '@gatehouse/shared/node';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { keepCameras, Refusal } from './cameras.js';
import type { CameraKeeper, PostingCamera } from './cameras.js';
import type { Delivery } from './delivery.js';
import { jsonOfUrlEncoded, textOfMultipart } from './form-data.js';
import type { FormText } from './form-data.js';
import { languageOf, mapPayload } from './formats.js';
import type { PlateReadersSettings } from './settings.js';
import type { ReaderTally } from './tally.js';
import type { PostedFormat } from './vocabulary.js';

export interface Receiver {
  /** `http://HOST:PORT` or `https://…`; undefined before the start. */
  readonly url: string | undefined;
  start(deliver: Delivery): Promise<void>;
  /** May be called twice. */
  stop(): Promise<void>;
}

export interface ReceiverOptions {
  readonly settings: PlateReadersSettings;
  readonly tally: ReaderTally;
  readonly logger: Logger;
}

const requestTimeoutMs = 10_000;
const maxConnections = 128;

interface Path {
  cameraId: string;
  secret?: string;
}

/** Starting it rejects with a ConfigurationError that names a file or an address that cannot be used. */
export function createReceiver({ settings, tally, logger }: ReceiverOptions): Receiver {
  const { http, cameras } = settings;
  const { host, port } = http;
  let app: FastifyInstance | undefined;
  let url: string | undefined;
  return {
    get url() {
      return url;
    },
    async start(deliver) {
      const keeper = await keepCameras(cameras);
      app = createApp(settings, await readReceiverTls(http));
      await addRoutes(app, { settings, keeper, tally, logger, deliver });
      try {
        await app.listen({ host, port });
      } catch (error) {
        await app.close();
        throw listeningError(error, { key: 'readers.http', host, port });
      }
      const scheme = http.tls === undefined ? 'http' : 'https';
      url = listenerUrl(scheme, host, (app.server.address() as AddressInfo).port);
      logger.info({ url }, 'plate readers may send');
    },
    async stop() {
      await app?.close();
    },
  };
}

function createApp({ http }: PlateReadersSettings, tls: TlsPair | undefined): FastifyInstance {
  const connectionsCheckingInterval = requestTimeoutMs / 2;
  const options = {
    logger: false as const,
    bodyLimit: http.maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    handlerTimeout: requestTimeoutMs,
    keepAliveTimeout: 65_000,
    forceCloseConnections: true as const,
    routerOptions: { maxParamLength: 200 },
  };
  const app = (
    tls === undefined
      ? fastify({ ...options, http: { connectionsCheckingInterval, maxHeaderSize: 8_192 } })
      : fastify({ ...options, https: { ...tls, minVersion: 'TLSv1.2', connectionsCheckingInterval } })
  ) as FastifyInstance;
  app.server.headersTimeout = requestTimeoutMs;
  app.server.maxConnections = maxConnections;
  return app;
}

interface RouteParts extends ReceiverOptions {
  readonly keeper: CameraKeeper;
  readonly deliver: Delivery;
}

async function addRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  const { keeper, tally, logger, deliver } = parts;
  const { maxBodiesAtOnce, requestsPerAddressPerMinute } = parts.settings.http;
  const admitted = new WeakMap<FastifyRequest, PostingCamera>();
  const underWay = new WeakSet<FastifyRequest>();
  let bodies = 0;
  const bodyDone = (request: FastifyRequest): void => {
    if (underWay.delete(request)) bodies -= 1;
  };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json', 'application/xml', 'text/xml', 'application/x-www-form-urlencoded', 'multipart/form-data'],
    { parseAs: 'buffer' },
    (_request, body, done) => {
      done(null, body);
    },
  );
  app.setErrorHandler((error: FastifyError, request: FastifyRequest, reply) => {
    const { statusCode = 500, message } = error;
    if (statusCode >= 500 && !(error instanceof Refusal)) {
      logger.error({ error: message }, 'a read could not be taken');
      return sendProblem(reply, statusCode, 'the agent could not take it; its log says why');
    }
    tally.refused((request.params as Partial<Path>).cameraId ?? null, message);
    return sendProblem(reply, statusCode, message);
  });
  app.setNotFoundHandler((_request, reply) => {
    tally.refused(null, 'path');
    return sendProblem(reply, 404, 'path: reads are taken at POST /reads/CAMERA');
  });
  await app.register(rateLimit, { max: requestsPerAddressPerMinute, timeWindow: 60_000, cache: 1_000 });

  const admit = (request: FastifyRequest<{ Params: Path }>, reply: FastifyReply): void => {
    const { cameraId, secret } = request.params;
    const { remoteAddress } = request.socket;
    const { authorization } = request.headers;
    admitted.set(request, keeper({ cameraId, remoteAddress, authorization, secretInUrl: secret }));
    if (bodies >= maxBodiesAtOnce) {
      throw new Refusal(503, `body: ${String(maxBodiesAtOnce)} are being taken already`);
    }
    bodies += 1;
    underWay.add(request);
    // However it ends: of a body that came in whole the handler has said so already.
    reply.raw.once('close', () => {
      bodyDone(request);
    });
  };
  const take = (request: FastifyRequest<{ Params: Path }>): ReturnType<Delivery> => {
    bodyDone(request);
    const camera = admitted.get(request);
    if (camera === undefined) throw new Error('a request came past its check');
    const form = textOf(request, camera.format);
    const mapped = 'text' in form ? mapPayload(camera.format, form.text) : form;
    if ('refused' in mapped) throw new Refusal(422, mapped.refused);
    return deliver(camera, mapped);
  };
  for (const path of ['/reads/:cameraId', '/reads/:cameraId/:secret']) {
    app.post<{ Params: Path }>(path, {
      preParsing: (request, reply, payload, done) => {
        try {
          admit(request, reply);
          done(null, payload);
        } catch (error) {
          // What it goes on sending is not listened to.
          void reply.header('connection', 'close');
          done(error as Error);
        }
      },
      handler: take,
    });
  }
}

function textOf({ body, headers }: FastifyRequest, format: PostedFormat): FormText {
  if (!Buffer.isBuffer(body)) return { refused: 'body: there is none' };
  const contentType = headers['content-type'] ?? '';
  if (/^multipart\//i.test(contentType)) return textOfMultipart(body, contentType, languageOf(format));
  if (/^application\/x-www-form-urlencoded/i.test(contentType)) return jsonOfUrlEncoded(body);
  return { text: body.toString('utf8') };
}

/** RFC 9457. */
function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  const problem = { type: 'about:blank', title: 'The read was not taken', status, detail };
  return reply.code(status).type('application/problem+json; charset=utf-8').send(JSON.stringify(problem));
}

interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** @throws ConfigurationError naming the file that cannot be used */
export async function readReceiverTls({ tls }: PlateReadersSettings['http']): Promise<TlsPair | undefined> {
  if (tls === undefined) return undefined;
  const load = async (name: 'certFile' | 'keyFile', check: (pem: Buffer) => void): Promise<Buffer> => {
    try {
      const pem = await readFile(tls[name]);
      check(pem);
      return pem;
    } catch (error) {
      throw new ConfigurationError([`readers.http.tls.${name}: ${tls[name]} cannot be used: ${messageOf(error)}`]);
    }
  };
  const cert = await load('certFile', (pem) => createSecureContext({ cert: pem }));
  const key = await load('keyFile', (pem) => createSecureContext({ cert, key: pem }));
  return { cert, key };
}
