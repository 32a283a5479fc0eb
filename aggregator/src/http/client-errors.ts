/** Answers to bytes that are no request, or come too slowly to be one: they reach no route, so the problem is written by hand. */
import type { Socket } from 'node:net';
import { problemBody, problemCatalogue } from './problems.js';
import type { ProblemCode } from './problems.js';
import type { HttpServices } from './services.js';

const codes: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** Answers and ends the connection: what follows on it cannot be told apart from what was wrong. */
export function answerClientError(
  { metrics, random }: Pick<HttpServices, 'metrics' | 'random'>,
  error: Error & { readonly code?: string },
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = codes[error.code ?? ''] ?? 'invalid-request';
  const { status, title, help } = problemCatalogue[code];
  const requestId = random.hex(8);
  const detail = code === 'invalid-request' ? 'this is not a request of HTTP/1.1' : help;
  const body = JSON.stringify(problemBody(code, detail, requestId));
  metrics.onRequest('other', 'none', status, 0);
  const head = [
    `HTTP/1.1 ${String(status)} ${title}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${String(Buffer.byteLength(body))}`,
    'cache-control: no-store',
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => {
    socket.destroy();
  });
}
