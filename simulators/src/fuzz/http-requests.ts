/** Requests from the OpenAPI document: of every operation, by every role, right, nearly right and wrong in each of their parts. */
import { Buffer } from 'node:buffer';
import type { Dice } from './dice.js';
import { hostileDocument, hostileString, hostileValue } from './hostile.js';
import type { Pool } from './http-pool.js';
import { mutated } from './mutate.js';
import { roles } from './openapi.js';
import type { ApiDocument, Operation, Parameter, Role } from './openapi.js';
import { valueOf } from './schema-values.js';
import type { JsonSchema } from './schema-values.js';
import { intentOf } from './wire-values.js';
import type { Intent } from './wire-values.js';

/** Who asks. */
export interface Caller {
  readonly name: string;
  /** undefined: no header at all. */
  readonly authorization: string | undefined;
  /** null: the key is not good for anything. */
  readonly role: Role | null;
  /** The one site the key is for; null: all. */
  readonly siteId: string | null;
}

export interface BuiltRequest {
  readonly bytes: Buffer;
  readonly isHead: boolean;
  readonly caller: Caller;
  /** What the answer must look like one of; undefined when it is not sure that the request gets there. */
  readonly operation: Operation | undefined;
  /** It would be a breach if this were granted. */
  readonly mustBeRefused: boolean;
  /** Who asks for what, and with how much; without names that the aggregator gave. */
  readonly intended: string;
  /** For a report. */
  readonly summary: string;
}

/** A site that nobody here may change; refused requests are aimed at it as well. */
const forbiddenSiteId = 'witness';
const maxParameterChars = 190;
const maxBodyBytes = 70_000;
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND'];

/**
 * The same dice ask for the same, whatever `pool` knows: of names that the aggregator gave, only which one is asked for is drawn,
 * with dice of its own.
 */
export function buildRequest(document: ApiDocument, pool: Pool, callers: readonly Caller[], dice: Dice): BuiltRequest {
  const operation = dice.oneOf(document.operations);
  const caller = dice.oneOf(callers);
  const lacksRole =
    operation.role !== null && (caller.role === null || roles.indexOf(caller.role) < roles.indexOf(operation.role));
  const mayAim = (lacksRole || caller.siteId !== null) && operation.role !== null;
  const aimed = mayAim && dice.happens(0.3);
  const resolve = (reference: string): JsonSchema => document.resolve(reference);
  const namedBy =
    (source: Dice): Named =>
    (name, schema) => {
      const own = source.fork();
      if (name === 'siteId' && aimed) return forbiddenSiteId;
      const known = pool.valueFor(name, operation.operationId, own);
      return known ?? valueOf(schema, { dice: own, resolve, named: namedBy(own) });
    };
  const named = namedBy(dice);

  const address = addressOf(operation, named, dice);
  const isOtherMethod = dice.happens(0.02);
  const method = isOtherMethod ? dice.oneOf(methods) : operation.method;
  const body = bodyOf(operation, resolve, named, address.siteId, dice);
  const headers = headersOf(operation, caller, body, dice);
  const head = `${method} ${address.url} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  const isRouted = address.isSure && !isOtherMethod;
  const siteIsAsked = operation.path.includes('{siteId}') && aimed && address.isSure;
  return {
    bytes: Buffer.concat([Buffer.from(head, 'latin1'), body ?? Buffer.alloc(0)]),
    isHead: method === 'HEAD',
    caller,
    operation: isRouted ? operation : undefined,
    mustBeRefused: isRouted && (lacksRole || (siteIsAsked && caller.siteId !== null)),
    intended: [caller.name, method, operation.operationId, aimed, headers.map(([name]) => name)].join(' '),
    summary: `${caller.name}: ${head.slice(0, 400).replaceAll('\r\n', ' | ')} ${body?.toString('latin1', 0, 300) ?? ''}`,
  };
}

/** A value for a member of this name. */
type Named = (name: string, schema: JsonSchema) => unknown;

function addressOf(
  operation: Operation,
  named: Named,
  dice: Dice,
): { url: string; isSure: boolean; siteId: string | undefined } {
  let isSure = true;
  let siteId: string | undefined;
  const parameterValue = (parameter: Parameter, intent: Intent): string => {
    if (intent === 'hostile') return hostileString(dice);
    const value = named(parameter.name, parameter.schema);
    return text(intent === 'nearly' ? mutated(value, dice.fork()) : value);
  };
  const path = operation.path.replace(/\{(\w+)\}/g, (_whole, name: string) => {
    const parameter = operation.parameters.find((it) => it.in === 'path' && it.name === name);
    if (parameter === undefined) throw new Error(`${operation.path}: {${name}} is not described`);
    const value = parameterValue(parameter, dice.happens(0.85) ? 'valid' : intentOf(dice));
    if (name === 'siteId') siteId = value;
    const encoded = encodeURIComponent(value.toWellFormed());
    if (encoded === '' || encoded.length > maxParameterChars) isSure = false;
    return encoded;
  });
  const query = new URLSearchParams();
  for (const parameter of operation.parameters) {
    if (parameter.in !== 'query' || (!parameter.required && dice.happens(0.7))) continue;
    const times = dice.happens(0.03) ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      query.append(parameter.name, parameterValue(parameter, dice.happens(0.7) ? 'valid' : intentOf(dice)));
    }
  }
  if (dice.happens(0.03)) query.append(hostileString(dice), hostileString(dice));
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  if (dice.happens(0.98)) return { url: `${path}${search}`, isSure, siteId };
  // As it comes: what cannot stand in an address, other ways of writing it, and far too much of it.
  const odd = dice.oneOf([
    '%',
    '%zz',
    '%c0%af',
    '//',
    '/./',
    ';a=b',
    '%2f',
    '\t',
    '\u00e9',
    '?'.repeat(50),
    'a'.repeat(20_000),
  ]);
  return { url: `${path}${odd}${search}`, isSure: false, siteId };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function bodyOf(
  operation: Operation,
  resolve: (reference: string) => JsonSchema,
  named: Named,
  siteId: string | undefined,
  dice: Dice,
): Buffer | undefined {
  if (operation.body === undefined) return dice.happens(0.03) ? hostileDocument('{}', dice, maxBodyBytes) : undefined;
  if (dice.happens(0.01)) return undefined;
  const value = valueOf(operation.body, { dice, resolve, named });
  const meant =
    operation.operationId === 'putSite' && siteId !== undefined && dice.happens(0.9)
      ? consistentLayout(value as Layout, siteId, named)
      : value;
  const intent = dice.happens(0.5) ? 'valid' : intentOf(dice);
  if (intent === 'valid') return Buffer.from(JSON.stringify(meant));
  if (intent === 'nearly') return Buffer.from(JSON.stringify(mutated(meant, dice.fork())));
  if (dice.happens(0.1)) return Buffer.from(JSON.stringify(hostileValue(dice)));
  return hostileDocument(JSON.stringify(meant), dice.fork(), maxBodyBytes);
}

const contentTypes = [
  'text/plain',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'application/json; charset=' + 'x'.repeat(200),
  'application/jsonx',
  'application/vnd.api+json',
  '',
  ';',
  'application/json, text/plain',
];

function headersOf(operation: Operation, caller: Caller, body: Buffer | undefined, dice: Dice): [string, string][] {
  const headers: [string, string][] = [['Host', '127.0.0.1']];
  if (caller.authorization !== undefined) headers.push(['Authorization', caller.authorization]);
  if (body !== undefined) {
    headers.push(['Content-Length', String(body.length)]);
    if (dice.happens(0.99)) {
      headers.push(['Content-Type', dice.happens(0.96) ? 'application/json' : dice.oneOf(contentTypes)]);
    }
  }
  for (const { name, in: place } of operation.parameters) {
    if (place !== 'header' || dice.happens(0.6)) continue;
    headers.push([name, dice.happens(0.75) ? headerValue(name, dice) : plain(hostileString(dice))]);
  }
  if (dice.happens(0.05)) {
    headers.push(
      dice.oneOf<[string, string]>([
        ['X-Forwarded-For', '127.0.0.1, 10.0.0.1'],
        ['X-HTTP-Method-Override', 'DELETE'],
        ['Accept', 'text/html'],
        ['Accept-Encoding', 'gzip, br'],
        ['Origin', 'https://example.com'],
        ['Range', 'bytes=0-1'],
        ['If-None-Match', '*'],
        ['Cookie', 'a'.repeat(4_000)],
        ['Accept-Version', '99.0.0'],
        ['X-Request-Id', plain(hostileString(dice))],
        ['Expect', '100-continue'],
      ]),
    );
  }
  return headers;
}

function headerValue(name: string, dice: Dice): string {
  if (name === 'Idempotency-Key') return `key-${String(dice.below(400))}`;
  if (name === 'If-Match') return dice.oneOf(['*', '"1"', `"${String(dice.below(50))}"`]);
  return String(dice.below(1_000));
}

/** What may stand in a header. */
function plain(value: string): string {
  return value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '').slice(0, 3_000);
}

/** Bytes that are no request of HTTP/1.1, or a strange one. Send each on a connection of its own. */
export function malformedHttp(dice: Dice): Buffer {
  const host = 'Host: x\r\n';
  const post = `POST /api/v1/vehicles HTTP/1.1\r\n${host}Content-Type: application/json\r\n`;
  return Buffer.from(
    dice.oneOf([
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /healthz HTTP/1.0\r\n\r\n`,
      'GET /healthz HTTP/1.1\r\n\r\n',
      `get /healthz HTTP/1.1\r\n${host}\r\n`,
      `GET /healthz HTTP/1.1\r\n${host}${host}\r\n`,
      `GET  /healthz  HTTP/1.1\r\n${host}\r\n`,
      `GET http://other.example/healthz HTTP/1.1\r\n${host}\r\n`,
      `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
      `TRACE /healthz HTTP/1.1\r\n${host}\r\n`,
      `CONNECT 127.0.0.1:22 HTTP/1.1\r\n${host}\r\n`,
      `GET /healthz HTTP/1.1\r\n${host}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n`,
      `GET /healthz HTTP/1.1\r\n${host}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\n\r\n`,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      `GET /healthz HTTP/1.1\r\n${host}X: ${'a'.repeat(20_000)}\r\n\r\n`,
      `GET /healthz HTTP/1.1\r\n${host}${'X: a\r\n'.repeat(3_000)}\r\n`,
      `GET /healthz HTTP/1.1\r\n${host}X : a\r\n\r\n`,
      `GET /healthz HTTP/1.1\r\n${host}X: a\u0000b\r\n\r\n`,
      `GET /healthz HTTP/1.1\r\n${host}X: a\r\n folded\r\n\r\n`,
      `GET /healthz HTTP/1.1\n${host}\n`,
      `${post}Content-Length: -1\r\n\r\n`,
      `${post}Content-Length: 99999999999999999999\r\n\r\n`,
      `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x`,
      `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
      `${post}Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n{}\r\n`,
      `${post}Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      `${post}Transfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
      `${post}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`,
      `${post}Content-Length: 100\r\n\r\n{"a":`,
      '\u0000\u0001\u0002\u0003',
      '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
      '\r\n\r\n\r\n',
    ]),
    'latin1',
  );
}

interface Layout {
  readonly zones: readonly { readonly zoneId: string }[];
  readonly slots: readonly { readonly slotId: string }[];
  readonly gates: readonly { readonly gateId: string }[];
}

/** What the schema alone does not ask for: names that are there once, and lead somewhere. */
function consistentLayout(layout: Layout, siteId: string, named: Named): unknown {
  const once = <T>(items: readonly T[], key: (item: T) => string): T[] => [
    ...new Map(items.map((item) => [key(item), item])).values(),
  ];
  const zones = once(layout.zones, ({ zoneId }) => zoneId);
  const zoneId = zones[0]?.zoneId;
  const slots = Array.from({ length: 40 }, (_, index) => ({ slotId: `z-${String(index)}`, zoneId, label: 'Z' }));
  const gates = [0, 1].flatMap((edge) =>
    ['in', 'out'].map((end) => ({
      gateId: `${siteId}-edge-${String(edge)}-${end}`,
      edgeId: `${siteId}-edge-${String(edge)}`,
      name: end,
      direction: end === 'in' ? 'entry' : 'exit',
    })),
  );
  return {
    ...layout,
    siteId,
    timeZone: named('timeZone', { type: 'string' }),
    zones,
    slots: once([...slots, ...layout.slots.map((slot) => ({ ...slot, zoneId }))], ({ slotId }) => slotId),
    gates: once(
      [...gates, ...layout.gates.map((gate) => ({ ...gate, nearestZones: [zoneId] }))],
      ({ gateId }) => gateId,
    ),
  };
}
