/** The one catalogue of problems: what each means, and its status. `type` is `/problems/CODE`. */
import type { Problem } from '@gatehouse/shared';
import type { RefusalCode } from '../domain/refusal.js';

export interface ProblemDescription {
  readonly status: number;
  readonly title: string;
  /** What a caller can do about it. */
  readonly help: string;
}

/** Every refusal of the domain, with its status. */
const refusals = {
  'site-unknown': { status: 404, title: 'No such site', help: 'Sites are listed at /api/v1/sites.' },
  'slot-unknown': { status: 404, title: 'No such slot', help: 'Slots are named by the layout of the site.' },
  'session-unknown': {
    status: 404,
    title: 'No such session',
    help: 'It may belong to another site, or be past its retention.',
  },
  'arrival-unknown': {
    status: 404,
    title: 'No such arrival',
    help: 'Nobody waits there, or the arrival has ended, or several wait and one must be named.',
  },
  'review-unknown': { status: 404, title: 'No such review', help: 'Open reviews are listed at the site.' },
  'gate-unknown': { status: 404, title: 'No such gate', help: 'Gates are named by the layout of the site.' },
  'edge-unknown': { status: 404, title: 'No such edge', help: 'Edges are registered with POST /api/v1/edges.' },
  'vehicle-unknown': {
    status: 404,
    title: 'No such vehicle',
    help: 'Vehicles are registered with POST /api/v1/vehicles.',
  },
  'key-unknown': { status: 404, title: 'No such key', help: 'Keys are listed at /api/v1/keys.' },
  'quarantine-unknown': { status: 404, title: 'No such quarantined event', help: 'It may be past its retention.' },
  'site-full': { status: 409, title: 'The site is full', help: 'No slot is free, or the capacity is reached.' },
  'slot-not-free': { status: 409, title: 'The slot is not free', help: 'Choose another slot, or release it first.' },
  'slot-already-free': { status: 409, title: 'The slot is free already', help: 'There is nothing to release.' },
  'slot-reserved': {
    status: 409,
    title: 'The slot is reserved',
    help: 'A vehicle is on its way to it. A forced release frees it all the same.',
  },
  'slot-held': {
    status: 409,
    title: 'The slot is set aside for an edge',
    help: 'The edge must return it first. A forced release frees it all the same.',
  },
  'slot-out-of-service': { status: 409, title: 'The slot is out of service', help: 'Return it to service first.' },
  'slot-occupied': { status: 409, title: 'The slot is occupied', help: 'Release it or move the session first.' },
  'class-does-not-fit': {
    status: 409,
    title: 'The slot is of another class',
    help: 'Choose a slot of a class that the vehicle fits.',
  },
  'already-parked': {
    status: 409,
    title: 'The vehicle is parked already',
    help: 'Close, move or merge its open session.',
  },
  'arrival-ended': { status: 409, title: 'The arrival has ended', help: 'The vehicle has gone in or gone away.' },
  'already-admitted': { status: 409, title: 'The vehicle is admitted already', help: 'Nothing is left to do.' },
  'session-not-open': { status: 409, title: 'The session is not open', help: 'It has ended; correct it instead.' },
  'session-open': { status: 409, title: 'The session is open', help: 'Close it first.' },
  'review-resolved': { status: 409, title: 'The review is settled already', help: 'Reviews are settled once.' },
  'time-order': {
    status: 422,
    title: 'The times are out of order',
    help: 'A session ends after it begins, and not in the future.',
  },
  recovering: {
    status: 409,
    title: 'The site is recovering',
    help: 'The store was restored from an older copy; slots stay back until every entry edge has reported, or an administrator overrides.',
  },
  'version-mismatch': {
    status: 412,
    title: 'It has changed since',
    help: 'Read it again, and send its ETag as If-Match.',
  },
  'layout-removes-occupied-slot': {
    status: 409,
    title: 'The layout removes an occupied slot',
    help: 'Release the slot or move its session first.',
  },
  'layout-removes-gate-in-use': {
    status: 409,
    title: 'The layout removes a gate in use',
    help: 'A vehicle is at the gate; try again when it has gone.',
  },
  'gate-offline': {
    status: 409,
    title: 'The gate cannot be reached',
    help: 'Its edge is not connected. Nothing was sent.',
  },
  'gate-is-elsewhere': {
    status: 409,
    title: 'The gate belongs to another edge',
    help: 'Change the layout of the site.',
  },
  'vehicle-exists': {
    status: 409,
    title: 'The credential is registered already',
    help: 'One vehicle is registered under one credential.',
  },
  'edge-exists': {
    status: 409,
    title: 'The edge is registered already',
    help: 'Ask for a new code for it, or choose another id.',
  },
  'edge-revoked': { status: 409, title: 'The edge is revoked', help: 'A new code enrols it again.' },
  'code-invalid': {
    status: 403,
    title: 'The code is not good',
    help: 'Codes work once, and expire. Ask an administrator for a new one.',
  },
  'nothing-to-release': { status: 409, title: 'Nothing to release', help: 'Nothing is held or held back.' },
  'bound-reached': { status: 409, title: 'A bound is reached', help: 'The detail names it.' },
} as const satisfies Record<RefusalCode, ProblemDescription>;

/** Problems with the request itself, or with the server. */
const others = {
  'invalid-request': {
    status: 400,
    title: 'The request is not valid',
    help: '`errors` names each member and its rule.',
  },
  'malformed-json': {
    status: 400,
    title: 'The body is not JSON',
    help: 'Members named __proto__ or constructor.prototype are refused too.',
  },
  'cursor-invalid': {
    status: 400,
    title: 'The cursor is not valid',
    help: 'Use `nextCursor` of the page before, with the same filters; or begin without one.',
  },
  unauthenticated: {
    status: 401,
    title: 'A key is needed',
    help: 'Send `Authorization: Bearer KEY` with a key that is not revoked.',
  },
  forbidden: {
    status: 403,
    title: 'The role of the key does not reach',
    help: 'The documentation names the role that each operation needs.',
  },
  'site-not-allowed': {
    status: 403,
    title: 'The key is for another site',
    help: 'Use a key of that site, or of all sites.',
  },
  'not-found': { status: 404, title: 'There is nothing here', help: 'The documentation is at /docs.' },
  'method-not-allowed': {
    status: 405,
    title: 'The method does not go with this address',
    help: 'The `Allow` header names those that do.',
  },
  'request-timeout': { status: 408, title: 'The request took too long to come in', help: 'Send it again.' },
  'body-too-large': { status: 413, title: 'The body is too large', help: 'Send less at a time.' },
  'uri-too-long': { status: 414, title: 'The address is too long', help: 'Use fewer filters.' },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is of another type',
    help: 'Send `Content-Type: application/json`.',
  },
  'headers-too-large': {
    status: 431,
    title: 'The headers are too large',
    help: 'Address and headers take 16 KiB together.',
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'The Idempotency-Key belongs to another request',
    help: 'Use a new key for a new request.',
  },
  'too-many-requests': { status: 429, title: 'Too many requests', help: 'Wait as long as `Retry-After` says.' },
  'too-many-streams': { status: 429, title: 'Too many streams are open', help: 'Close one first.' },
  'internal-error': {
    status: 500,
    title: 'Something went wrong here',
    help: 'The log names the cause under the same `instance`.',
  },
  overloaded: { status: 503, title: 'Too much is waiting', help: 'Nothing was changed. Try again soon.' },
  'store-failing': {
    status: 503,
    title: 'The store does not take changes',
    help: 'Nothing was changed. The disk may be full or broken.',
  },
  'not-ready': { status: 503, title: 'Not ready', help: 'The program is starting or stopping, or cannot work.' },
  timeout: {
    status: 503,
    title: 'The answer took too long',
    help: 'It is not known whether the change was made: ask again with the same Idempotency-Key.',
  },
} as const satisfies Record<string, ProblemDescription>;

export const problemCatalogue = { ...refusals, ...others };
export type ProblemCode = keyof typeof problemCatalogue;

export interface FieldError {
  readonly field: string;
  readonly rule: string;
}

/** Thrown to answer with a problem. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ProblemCode;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail: string,
    more: { readonly errors?: readonly FieldError[]; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.code = code;
    this.errors = more.errors ?? [];
    this.headers = more.headers ?? {};
  }
}

/** Most field errors that one problem names. */
const maxFieldErrors = 20;

export function problemBody(
  code: ProblemCode,
  detail: string,
  requestId: string,
  errors: readonly FieldError[] = [],
): Problem {
  const { status, title } = problemCatalogue[code];
  return {
    type: `/problems/${code}`,
    title,
    status,
    detail,
    instance: `urn:gatehouse:request:${requestId}`,
    ...(errors.length === 0
      ? {}
      : { errors: errors.slice(0, maxFieldErrors).map(({ field, rule }) => ({ field, rule })) }),
  };
}
