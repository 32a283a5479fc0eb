/** What the page of an agent answers, and how that is written. */
import { STATUS_CODES } from 'node:http';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** A request that is not done as asked; its words may be told to the asker. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;

  constructor(status: number, message: string, headers: OutgoingHttpHeaders = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  404: 'Nothing is there',
  408: 'The request took too long',
  413: 'The body is too large',
  429: 'Too many requests',
  431: 'The headers are too large',
  503: 'The answer took too long',
};

const problemType = 'application/problem+json; charset=utf-8';

export function jsonAnswer(status: number, body: unknown): Answer {
  return { status, type: 'application/json; charset=utf-8', text: JSON.stringify(body) };
}

/** RFC 9457. */
export function problemAnswer({ status, message, headers }: Pick<Refusal, 'status' | 'message' | 'headers'>): Answer {
  const problem = { type: 'about:blank', title: titles[status] ?? 'The request failed', status, detail: message };
  return { status, type: problemType, text: JSON.stringify(problem), headers };
}

export function writeAnswer(response: ServerResponse, { status, type, text, headers }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** To bytes that are no request, or come too slowly to be one. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const message = 'this is not a request of HTTP/1.1 within the bounds of this page';
  const { text } = problemAnswer({ status, message, headers: {} });
  const head = [
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}`,
    `content-type: ${problemType}`,
    `content-length: ${String(Buffer.byteLength(text))}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => {
    socket.destroy();
  });
}
