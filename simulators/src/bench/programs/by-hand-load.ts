/** Operators who assign slots and release them again, each on a connection of its own, as fast as they are answered. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { serve } from '../serve.js';
import { percentile } from '../statistics.js';

export interface ByHandLoadOptions {
  readonly host: string;
  readonly port: number;
  readonly siteId: string;
  readonly connections: number;
  /** Of each connection, `c0-s0`, `c0-s1` …; they are free when it begins. */
  readonly slotsPerConnection: number;
  /** Bearer key; null: none is sent. */
  readonly key: string | null;
}

export interface ByHandRun {
  /** Answered with 2xx. */
  readonly answered: number;
  readonly seconds: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

export function slotOfConnection(connection: number, slot: number): string {
  return `c${String(connection)}-s${String(slot)}`;
}

export function run(): void {
  serve(async (options: ByHandLoadOptions) => {
    const operators = await Promise.all(
      Array.from({ length: options.connections }, (_, connection) => openOperator(options, connection)),
    );
    return {
      async run({ durationMs }: { readonly durationMs: number }): Promise<ByHandRun> {
        const startedMs = performance.now();
        const tookMs = (await Promise.all(operators.map((operator) => operator(startedMs + durationMs)))).flat();
        const seconds = (performance.now() - startedMs) / 1000;
        return {
          answered: tookMs.length,
          seconds,
          medianMs: percentile(tookMs, 50),
          p99Ms: percentile(tookMs, 99),
        };
      },
    };
  });
}

/** Assigns and releases until `untilMs`, each slot released before the end; answers how long each request took, ms. */
type Operator = (untilMs: number) => Promise<number[]>;

async function openOperator(options: ByHandLoadOptions, connection: number): Promise<Operator> {
  const ask = askOver(await openSocket(options));
  const steps = Array.from({ length: options.slotsPerConnection }, (_, slot) => stepsOf(options, connection, slot));
  let next = 0;
  return async (untilMs) => {
    const tookMs: number[] = [];
    while (performance.now() < untilMs) {
      for (const request of steps[next] ?? []) {
        const askedMs = performance.now();
        await ask(request);
        tookMs.push(performance.now() - askedMs);
      }
      next = (next + 1) % steps.length;
    }
    return tookMs;
  };
}

/** The two requests of a slot, made beforehand. Its vehicle is always the same one. */
function stepsOf({ host, siteId, key }: ByHandLoadOptions, connection: number, slot: number): Buffer[] {
  const slotId = slotOfConnection(connection, slot);
  const request = (action: string, body: unknown): Buffer => {
    const text = JSON.stringify(body);
    const head = [
      `POST /api/v1/sites/${siteId}/slots/${slotId}/${action} HTTP/1.1`,
      `host: ${host}`,
      ...(key === null ? [] : [`authorization: Bearer ${key}`]),
      'content-type: application/json',
      `content-length: ${String(Buffer.byteLength(text))}`,
    ];
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`);
  };
  const value = `C${String(connection)}S${String(slot)}`;
  return [
    request('assign', { credential: { kind: 'plate', value }, reason: 'Let in by hand' }),
    request('release', { reason: 'Bay seen empty' }),
  ];
}

function openSocket({ host, port }: ByHandLoadOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => {
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** One request after the other. Reads no more of an answer than its status and its length, so that it costs little. */
function askOver(socket: Socket): (request: Buffer) => Promise<void> {
  let received = '';
  let waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  const fail = (error: Error): void => {
    waiting?.reject(error);
    waiting = null;
  };
  socket.setEncoding('latin1').on('data', (text: string) => {
    received = received === '' ? text : received + text;
    const end = endOfAnswer(received);
    if (end === null || end > received.length) return;
    const answer = received;
    received = '';
    if (end < answer.length || !answer.startsWith('HTTP/1.1 2')) fail(new Error(`unexpected answer: ${answer}`));
    else {
      waiting?.resolve();
      waiting = null;
    }
  });
  socket.on('error', fail);
  socket.on('close', () => {
    fail(new Error('the connection was closed'));
  });
  return (request) =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      socket.write(request);
    });
}

const lengthName = 'content-length: ';

/** Characters of the whole answer; null while its head is not whole. */
function endOfAnswer(text: string): number | null {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const at = text.toLowerCase().indexOf(lengthName);
  if (at < 0 || at > headEnd) throw new Error(`an answer without length: ${text.slice(0, headEnd)}`);
  return headEnd + 4 + Number.parseInt(text.slice(at + lengthName.length), 10);
}
