/** Server-sent events: every notice in order, resumed after `Last-Event-ID`. One reader never costs more than its bound. */
import type { ServerResponse } from 'node:http';
import { instantOf } from '@gatehouse/shared';
import type { CancelTimer } from '@gatehouse/shared';
import { sessionOf } from '../domain/engine.js';
import type { Actor } from '../app/operations/actor.js';
import type { NoticeRow } from '../app/ports.js';
import { present } from './presentation.js';
import { ProblemError } from './problems.js';
import { noticeResource } from './resources.js';
import type { HttpServices } from './services.js';

export interface EventStreams {
  /** @throws ProblemError `too-many-streams` */
  checkRoom(actor: Actor): void;
  /** Takes the response over until the reader goes, is cut, or the server stops. */
  open(response: ServerResponse, headers: Record<string, string>, request: StreamRequest): Promise<void>;
  readonly count: number;
  stop(): void;
}

export interface StreamRequest {
  readonly actor: Actor;
  /** null: every site. */
  readonly siteId: string | null;
  /** null: from now on. */
  readonly afterId: number | null;
}

export function createEventStreams(services: HttpServices): EventStreams {
  const { settings, metrics } = services;
  const open = new Set<OpenStream>();
  return {
    get count() {
      return open.size;
    },
    checkRoom({ keyId }) {
      const ofKey = [...open].filter((stream) => stream.keyId === keyId).length;
      if (open.size < settings.stream.maxStreams && ofKey < settings.stream.maxStreamsPerKey) return;
      throw new ProblemError('too-many-streams', `${String(open.size)} streams are open, ${String(ofKey)} by this key`);
    },
    async open(response, headers, request) {
      const stream: OpenStream = { keyId: request.actor.keyId, end: () => undefined };
      open.add(stream);
      metrics.onStream('opened');
      const outcome = await follow(services, response, headers, request, stream).finally(() => {
        open.delete(stream);
      });
      metrics.onStream(outcome);
    },
    stop() {
      for (const stream of open) stream.end();
    },
  };
}

interface OpenStream {
  readonly keyId: string;
  end: () => void;
}

async function follow(
  services: HttpServices,
  response: ServerResponse,
  headers: Record<string, string>,
  request: StreamRequest,
  stream: OpenStream,
): Promise<'closed' | 'cut'> {
  const { aggregator, feed, settings, systemClock, clock, logger } = services;
  const writer = createWriter(services, response);
  stream.end = writer.end;
  const stopFeed = feed.subscribe(writer.wake);
  try {
    const newestId = await feed.lastId();
    // A reader may know more than a store that was restored: it goes on from what there is, and hears so.
    let lastId = Math.min(request.afterId ?? newestId, newestId);
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const opened = JSON.stringify({ at: instantOf(clock.wallMs()), afterId: lastId });
    writer.write(
      `retry: 2000\n\n${lastId > 0 ? `id: ${String(lastId)}\n` : ''}event: stream-opened\ndata: ${opened}\n\n`,
    );
    let heartbeatDueMs = systemClock.monoMs() + settings.stream.heartbeatMs;
    while (!writer.ended) {
      const rows = await feed.after(lastId, settings.stream.batchNotices);
      if (aggregator.directory.key(request.actor.keyId)?.revokedAtMs !== null) break;
      const [first] = rows;
      if (first !== undefined && first.noticeId > lastId + 1) {
        const gap = JSON.stringify({ from: lastId + 1, to: first.noticeId - 1 });
        writer.write(`event: notices-gone\ndata: ${gap}\n\n`);
      }
      for (const row of rows) {
        if (request.siteId === null || row.siteId === request.siteId)
          writer.write(await message(services, request, row));
        lastId = row.noticeId;
      }
      if (systemClock.monoMs() >= heartbeatDueMs) {
        writer.write(`: ${String(lastId)}\n\n`);
        heartbeatDueMs = systemClock.monoMs() + settings.stream.heartbeatMs;
      }
      await writer.drained();
      if (rows.length === 0) await writer.sleep(Math.max(1, heartbeatDueMs - systemClock.monoMs()));
    }
  } catch (error) {
    logger.warn({ error: String(error) }, 'an event stream ended early');
  } finally {
    stopFeed();
    writer.end();
  }
  return writer.cut ? 'cut' : 'closed';
}

async function message(services: HttpServices, { actor }: StreamRequest, row: NoticeRow): Promise<string> {
  const state = row.sessionId === null ? undefined : services.aggregator.site(row.siteId);
  const session = state === undefined || row.sessionId === null ? undefined : sessionOf(state, row.sessionId);
  const resource = noticeResource(row, session?.credentialId ?? null);
  const data = JSON.stringify(await present(services, actor.role, resource));
  return `id: ${String(row.noticeId)}\nevent: ${row.kind}\ndata: ${data}\n\n`;
}

interface Writer {
  readonly ended: boolean;
  /** The reader was too slow. */
  readonly cut: boolean;
  write(text: string): void;
  /** Resolves when the reader has taken what is above the bound, or has gone, or was cut. */
  drained(): Promise<void>;
  /** Resolves after `delayMs`, on `wake`, or at the end. */
  sleep(delayMs: number): Promise<void>;
  wake: () => void;
  end: () => void;
}

function createWriter({ settings, systemClock }: HttpServices, response: ServerResponse): Writer {
  let ended = false;
  let cut = false;
  let awake = false;
  let wakeUp: () => void = () => undefined;
  const wake = (): void => {
    awake = true;
    wakeUp();
  };
  const end = (): void => {
    ended = true;
    response.end();
    wake();
  };
  const wait = async (delayMs: number, register: (resolve: () => void) => () => void): Promise<void> => {
    let cancelTimer: CancelTimer = () => undefined;
    let unregister = (): void => undefined;
    await new Promise<void>((resolve) => {
      cancelTimer = systemClock.setTimer(delayMs, resolve);
      unregister = register(resolve);
    });
    cancelTimer();
    unregister();
  };
  response.on('close', () => {
    ended = true;
    wake();
  });
  response.on('error', () => {
    ended = true;
    wake();
  });
  return {
    get ended() {
      return ended;
    },
    get cut() {
      return cut;
    },
    write(text) {
      if (!ended) response.write(text);
    },
    async drained() {
      const startedMs = systemClock.monoMs();
      while (!ended && response.writableLength > settings.stream.maxBufferedBytes) {
        const leftMs = startedMs + settings.stream.maxStallMs - systemClock.monoMs();
        if (leftMs <= 0) {
          cut = true;
          ended = true;
          response.destroy();
          return;
        }
        await wait(leftMs, (resolve) => {
          response.once('drain', resolve);
          wakeUp = resolve;
          return () => {
            response.off('drain', resolve);
            wakeUp = () => undefined;
          };
        });
      }
    },
    async sleep(delayMs) {
      if (!awake && !ended) {
        await wait(delayMs, (resolve) => {
          wakeUp = resolve;
          return () => {
            wakeUp = () => undefined;
          };
        });
      }
      awake = false;
    },
    wake,
    end,
  };
}
