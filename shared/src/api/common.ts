/** What every resource of the API has in common: times, ids, lists, reasons. */
import { z } from 'zod';
import { slugSchema } from '../vocabulary.js';

/** Bounds of requests. */
export const apiLimits = {
  maxPageItems: 500,
  defaultPageItems: 50,
  maxCursorChars: 1_000,
  maxReasonChars: 200,
  maxTextChars: 500,
  maxPermits: 50,
  maxIdempotencyKeyChars: 128,
  maxBodyBytes: 64 * 1024,
  /** A layout of 200,000 slots takes more than other requests. */
  maxLayoutBodyBytes: 32 * 1024 * 1024,
} as const;

/** ISO 8601 in UTC with milliseconds at most, e.g. `2025-03-01T08:15:00.000Z`; years 1970 to 9999. */
export const instantSchema = z.iso
  .datetime({ error: 'must be an ISO 8601 time in UTC, such as 2025-03-01T08:15:00Z' })
  .refine((text) => instantMs(text) >= 0, 'must not be before 1970')
  .describe('A moment: ISO 8601, UTC.');

/** Milliseconds since the Unix epoch of an instant. */
export function instantMs(text: string): number {
  return Date.parse(text);
}

/** The instant of a wall-clock time, ms. */
export function instantOf(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

export function instantOrNull(wallMs: number | null): string | null {
  return wallMs === null ? null : instantOf(wallMs);
}

/** An id as the API gives it: 32 hexadecimal digits. */
export const idSchema = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hexadecimal digits')
  .describe('An id: 32 lower-case hexadecimal digits.');

export const reasonSchema = z
  .string()
  .trim()
  .min(1, 'must say why')
  .max(apiLimits.maxReasonChars)
  .describe('Why; goes to the audit log. No plates.');

/** A request that needs nothing but a reason. */
export const reasonRequestSchema = z.strictObject({ reason: reasonSchema }).meta({
  id: 'ReasonRequest',
  description: 'Why it is done.',
  examples: [{ reason: 'Asked for by the site manager' }],
});

/** `true` or `false` in a query. */
export const queryBooleanSchema = z.enum(['true', 'false']);

export const pageQueryShape = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(apiLimits.maxPageItems)
    .default(apiLimits.defaultPageItems)
    .describe('Items in one answer, at most.'),
  cursor: z
    .string()
    .min(1)
    .max(apiLimits.maxCursorChars)
    .optional()
    .describe('`nextCursor` of the page before; good for the same filters only.'),
};

export const siteParamsSchema = z.strictObject({ siteId: slugSchema.describe('The site.') });
export const siteQueryShape = { siteId: slugSchema.optional().describe('Only of this site.') };

/** One page of a list of `item`. */
export function pageSchema<T extends z.ZodType>(id: string, item: T, description: string) {
  const [example] = (item.meta()?.examples ?? []) as unknown[];
  return z
    .strictObject({
      items: z.array(item),
      nextCursor: z.string().nullable().describe('Ask for the next page with it; null when there is no more.'),
    })
    .meta({ id, description, examples: [{ items: example === undefined ? [] : [example], nextCursor: null }] });
}

/** A problem as RFC 9457 describes it. */
export const problemSchema = z
  .strictObject({
    type: z.string().describe('What kind of problem: a stable address with an explanation.'),
    title: z.string().describe('The kind in a few words.'),
    status: z.int().min(400).max(599),
    detail: z.string().describe('What was wrong with this request.'),
    instance: z.string().describe('The request, as the log names it.'),
    errors: z
      .array(z.strictObject({ field: z.string(), rule: z.string() }))
      .max(20)
      .optional()
      .describe('The members of the request that broke a rule, and which.'),
  })
  .meta({
    id: 'Problem',
    description: 'Why a request was not granted (RFC 9457).',
    examples: [
      {
        type: '/problems/slot-not-free',
        title: 'The slot is not free',
        status: 409,
        detail: 'slot a-12 is occupied',
        instance: '/requests/req-4f',
        errors: [{ field: 'slotId', rule: 'slot-not-free' }],
      },
    ],
  });
export type Problem = z.infer<typeof problemSchema>;
