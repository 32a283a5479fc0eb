/** A client of the aggregator's REST API, for what simulations need of it. Answers are parsed with the schemas of the API. */
import type { z } from 'zod';
import {
  edgeEnrolmentSchema,
  edgeListSchema,
  occupancyListSchema,
  parseValue,
  sessionListSchema,
  siteSchema,
} from '@gatehouse/shared';
import type { EdgeResource, SiteLayout, SiteOccupancyResource } from '@gatehouse/shared';

/** The aggregator refused; `type` is the problem's. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** undefined when there was no answer. */
  readonly status: number | undefined;
  readonly type: string | undefined;

  constructor(message: string, status?: number, type?: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.type = type;
  }
}

export interface ApiClient {
  isReady(): Promise<boolean>;
  putSite(layout: SiteLayout, reason: string): Promise<void>;
  edges(): Promise<EdgeResource[]>;
  /** Registers an edge, or renews the code of one that is registered. Answers the one-time code. */
  enrolmentCode(edge: { readonly edgeId: string; readonly siteId: string; readonly name: string }): Promise<string>;
  occupancy(): Promise<SiteOccupancyResource[]>;
  /** Plates of sessions that are open at a site. */
  platesInside(siteId: string): Promise<string[]>;
}

const answerTimeoutMs = 10_000;
/** Pages of a list that are followed before it is taken to be endless. */
const maxPages = 1_000;

/** @param url such as `http://127.0.0.1:8000` */
export function createApiClient(url: string, key: string): ApiClient {
  const request = async (method: string, path: string, body?: unknown): Promise<Response> => {
    try {
      return await fetch(new URL(path, url), {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(answerTimeoutMs),
      });
    } catch (error) {
      throw new ApiError(`no aggregator answers at ${url}`, undefined, undefined, { cause: error });
    }
  };
  const ask = async <T>(schema: z.ZodType<T>, method: string, path: string, body?: unknown): Promise<T> => {
    const response = await request(method, path, body);
    const answer: unknown = await response.json();
    if (!response.ok) throw problemOf(answer, response.status);
    const parsed = parseValue(schema, answer);
    if (!parsed.ok) throw new ApiError(`${method} ${path} answered something else: ${parsed.error}`, response.status);
    return parsed.value;
  };
  const all = async <T>(
    schema: z.ZodType<{ items: T[]; nextCursor: string | null }>,
    path: string,
    query: Readonly<Record<string, string>>,
  ): Promise<T[]> => {
    const items: T[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < maxPages; page += 1) {
      const parameters = new URLSearchParams({ ...query, limit: '500', ...(cursor === null ? {} : { cursor }) });
      const answer: { items: T[]; nextCursor: string | null } = await ask(
        schema,
        'GET',
        `${path}?${parameters.toString()}`,
      );
      items.push(...answer.items);
      if (answer.nextCursor === null) return items;
      cursor = answer.nextCursor;
    }
    throw new ApiError(`${path} does not come to an end`);
  };

  return {
    async isReady() {
      try {
        return (await request('GET', '/readyz')).ok;
      } catch (error) {
        if (error instanceof ApiError) return false;
        throw error;
      }
    },
    async putSite(layout, reason) {
      const path = `/api/v1/sites/${layout.siteId}`;
      await ask(siteSchema, 'PUT', `${path}?${new URLSearchParams({ reason }).toString()}`, layout);
    },
    edges: () => all(edgeListSchema, '/api/v1/edges', {}),
    async enrolmentCode({ edgeId, siteId, name }) {
      const known = (await all(edgeListSchema, '/api/v1/edges', { siteId })).some((edge) => edge.edgeId === edgeId);
      const { enrolmentCode } = known
        ? await ask(edgeEnrolmentSchema, 'POST', `/api/v1/edges/${edgeId}/enrolment-code`, { reason: 'Demonstration' })
        : await ask(edgeEnrolmentSchema, 'POST', '/api/v1/edges', { edgeId, siteId, name });
      if (enrolmentCode === null) throw new ApiError(`no code was given for edge ${edgeId}`);
      return enrolmentCode;
    },
    occupancy: () => all(occupancyListSchema, '/api/v1/occupancy', {}),
    async platesInside(siteId) {
      const sessions = await all(sessionListSchema, `/api/v1/sites/${siteId}/sessions`, { state: 'open' });
      return sessions.flatMap(({ credential }) => (credential?.value == null ? [] : [credential.value]));
    },
  };
}

function problemOf(answer: unknown, status: number): ApiError {
  const { title, detail, type } = answer as { title?: unknown; detail?: unknown; type?: unknown };
  const text = [title, detail].filter((part) => typeof part === 'string').join(': ');
  return new ApiError(
    text === '' ? `HTTP ${String(status)}` : text,
    status,
    typeof type === 'string' ? type : undefined,
  );
}
