/** HTTP/1.1 by hand over one kept connection: any bytes can be sent, and every answer is read whole. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { openSocket } from '../bare-mqtt/client.js';
import type { Target } from '../bare-mqtt/client.js';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** It goes on for long, or for as long as it is listened to; only its head is here. */
  readonly endless: boolean;
}

export interface HttpConnection {
  /** undefined: the connection was closed without an answer. @throws Error after the time limit */
  ask(request: Uint8Array, isHead: boolean): Promise<HttpAnswer | undefined>;
  close(): void;
}

const answerTimeoutMs = 60_000;

export function createHttpConnection(target: Target): HttpConnection {
  let socket: Socket | undefined;

  const connected = async (): Promise<Socket> => {
    if (socket !== undefined && !socket.destroyed && socket.readable && socket.writable) return socket;
    socket?.destroy();
    socket = await openSocket(target);
    return socket;
  };

  return {
    async ask(request, isHead) {
      const open = await connected();
      const answer = await readAnswer(open, request, isHead);
      if (answer === undefined || answer.endless || answer.headers.get('connection') === 'close') open.destroy();
      return answer;
    },
    close() {
      socket?.destroy();
    },
  };
}

function readAnswer(socket: Socket, request: Uint8Array, isHead: boolean): Promise<HttpAnswer | undefined> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const done = (answer: HttpAnswer | undefined): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
      resolve(answer);
    };
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const answer = parseAnswer(received, isHead, false);
      if (answer !== undefined) done(answer);
    };
    const onClose = (): void => {
      done(parseAnswer(received, isHead, true));
    };
    const timer = setTimeout(() => {
      socket.off('data', onData).off('close', onClose).destroy();
      reject(new Error(`no answer within ${String(answerTimeoutMs)} ms`));
    }, answerTimeoutMs);
    socket.on('data', onData).on('close', onClose);
    socket.write(request);
  });
}

/** undefined while it is not whole. Without a length a body ends with the connection. */
function parseAnswer(bytes: Buffer, isHead: boolean, isOver: boolean): HttpAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0);
  const rest = bytes.subarray(end + 4);
  if (status === 100) return parseAnswer(rest, isHead, isOver);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const whole = (body: Buffer, endless = false): HttpAnswer => ({ status, headers, body, endless });
  if (isHead || status === 204 || status === 304) return whole(Buffer.alloc(0));
  // A stream has no end, and an export may be a long way from it.
  if (/^text\/(?:event-stream|csv)/.test(headers.get('content-type') ?? '')) return whole(Buffer.alloc(0), true);
  const length = headers.get('content-length');
  if (length !== undefined) return rest.length >= Number(length) ? whole(rest.subarray(0, Number(length))) : undefined;
  if (headers.get('transfer-encoding') !== 'chunked') return isOver ? whole(rest) : undefined;
  const body = unchunked(rest);
  return body === undefined ? undefined : whole(body);
}

function unchunked(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!(size >= 0) || bytes.length < lineEnd + 2 + size + 2) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
