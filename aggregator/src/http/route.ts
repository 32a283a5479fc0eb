/** What a route is: one entry of the table that requests, the documentation and the tests of access are made from. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Turn, WorkNeeds } from '../app/committer.js';
import type { Actor } from '../app/operations/actor.js';
import type { Page, PageRequest, Role } from '../app/ports.js';
import type { ProblemCode } from './problems.js';
import type { HttpServices } from './services.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * How a key of one site is confined. `path`: to addresses of that site. `query`: the filter `siteId` is set to it. `all-sites`: refused.
 * `handler`: the handler looks at what the request is about. `none`: it makes no difference.
 */
export type SiteScope = 'path' | 'query' | 'all-sites' | 'handler' | 'none';

export interface Answer {
  /** Default: the status of the route's answer. */
  readonly status?: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A change, made once however often it is asked for under one Idempotency-Key. */
export interface Change<T> {
  /** Runs in a turn. What it returns is kept for repeated requests: ids only, no personal data, no secret. */
  readonly work: (turn: Turn) => T;
  /** What `work` has to find in memory. */
  readonly needs?: WorkNeeds;
  /** The answer. `first` is false when the request was repeated: secrets are not shown again. */
  readonly render: (reference: T, first: boolean) => Promise<Answer> | Answer;
}

/** What a handler has besides its input. */
export interface RequestContext extends HttpServices {
  readonly actor: Actor;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  change<T extends object>(change: Change<T>): Promise<Answer>;
  /** Hands the connection over to a stream; resolves at its end. */
  stream(wanted: { readonly siteId: string | null; readonly afterId: number | null }): Promise<Answer>;
  /** @throws ProblemError `site-not-allowed` */
  requireSite(siteId: string | null): void;
  /** @throws ProblemError `forbidden` when the role may not see whole credentials */
  requireCredentials(field: string): void;
}

export interface RouteInput<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

interface RouteFacts {
  readonly method: Method;
  readonly url: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  /** The least role that may; null: no key is needed. */
  readonly role: Role | null;
  readonly scope: SiteScope;
  readonly answer: {
    readonly status: number;
    readonly description: string;
    /** JSON of this shape; or text of a media type with an example. */
    readonly content: z.ZodType | { readonly mediaType: string; readonly example: string };
  };
  /** Problems that are its own, beside those every operation has. */
  readonly problems?: readonly ProblemCode[];
  readonly bodyLimitBytes?: number;
  /** It answers for as long as the caller listens. */
  readonly endless?: boolean;
}

export interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> extends RouteFacts {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly handler: (
    input: RouteInput<z.output<P>, z.output<Q>, z.output<B>>,
    context: RequestContext,
  ) => Promise<Answer> | Answer;
}

/** A route whose types have been checked and are not needed any more. */
export interface Route extends RouteFacts {
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body: z.ZodType | null;
  readonly handler: (input: RouteInput<unknown, unknown, unknown>, context: RequestContext) => Promise<Answer> | Answer;
}

const nothingSchema = z.strictObject({});

/** An entry of the table. */
export function route<
  P extends z.ZodType = typeof nothingSchema,
  Q extends z.ZodType = typeof nothingSchema,
  B extends z.ZodType = z.ZodUndefined,
>(spec: RouteSpec<P, Q, B>): Route {
  const { params, query, body, handler, ...facts } = spec;
  return {
    ...facts,
    params: params ?? nothingSchema,
    query: query ?? nothingSchema,
    body: body ?? null,
    handler: (input, context) => handler(input as RouteInput<z.output<P>, z.output<Q>, z.output<B>>, context),
  };
}

/** The JSON schema of an answer, or undefined for text. */
export function answerSchema(definition: Route): z.ZodType | undefined {
  return definition.answer.content instanceof z.ZodType ? definition.answer.content : undefined;
}

export function pageRequest(query: { readonly limit: number; readonly cursor?: string | undefined }): PageRequest {
  return { limit: query.limit, cursor: query.cursor ?? null };
}

/** A page with its items turned into resources. */
export function mapPage<T, R>(page: Page<T>, map: (item: T) => R): { items: R[]; nextCursor: string | null } {
  return { items: page.items.map(map), nextCursor: page.nextCursor };
}
