/** From whatever was thrown to a problem. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Logger } from '@gatehouse/shared';
import { OverloadError } from '../app/committer.js';
import { InvalidCursorError, StoreError } from '../app/ports.js';
import { Refusal } from '../domain/refusal.js';
import { ProblemError, problemBody, problemCatalogue } from './problems.js';
import type { FieldError, ProblemCode } from './problems.js';

interface Found {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers with the problem that `error` is. What was not foreseen is logged, and not told. */
export function answerProblem(
  logger: Logger,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const found = findProblem(error);
  if (problemCatalogue[found.code].status >= 500) {
    const { stack, cause } = error instanceof Error ? error : { stack: String(error) };
    const because = cause instanceof Error ? { cause: cause.message } : {};
    logger.error({ requestId: request.id, error: stack, ...because }, found.code);
  }
  return sendProblem(request, reply, found);
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, found: Found): FastifyReply {
  return reply
    .code(problemCatalogue[found.code].status)
    .headers({ 'cache-control': 'no-store', 'x-request-id': request.id, ...found.headers })
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(problemBody(found.code, found.detail, request.id, found.errors));
}

function findProblem(error: unknown): Found {
  if (error instanceof ProblemError) {
    return { code: error.code, detail: error.message, errors: error.errors, headers: error.headers };
  }
  if (error instanceof Refusal) {
    const errors = error.field === undefined ? [] : [{ field: error.field, rule: error.code }];
    return { code: error.code, detail: error.message, errors };
  }
  if (error instanceof InvalidCursorError) {
    return { code: 'cursor-invalid', detail: error.message, errors: [{ field: 'cursor', rule: 'cursor-invalid' }] };
  }
  if (error instanceof OverloadError) {
    return { code: 'overloaded', detail: error.message, headers: { 'retry-after': '1' } };
  }
  if (error instanceof StoreError) {
    return { code: 'store-failing', detail: `the store answered: ${error.code}`, headers: { 'retry-after': '5' } };
  }
  if (hasZodFastifySchemaValidationErrors(error)) return invalidRequest(error);
  return findFrameworkProblem(error);
}

function invalidRequest(error: FastifyError): Found {
  const where = error.validationContext ?? 'request';
  const errors = (error.validation ?? []).map((issue) => {
    const field = issue.instancePath.slice(1).replaceAll('/', '.');
    const { keys } = issue.params as { keys?: readonly string[] };
    return {
      field: field === '' ? (keys?.join(', ') ?? where) : field,
      rule: issue.message ?? issue.keyword,
    };
  });
  const detail = errors
    .map(({ field, rule }) => `${field}: ${rule}`)
    .slice(0, 5)
    .join('; ');
  return { code: 'invalid-request', detail: detail === '' ? 'the request is not valid' : detail, errors };
}

const frameworkProblems: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed-json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed-json',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid-request',
  FST_ERR_NOT_FOUND: 'not-found',
  FST_ERR_BAD_URL: 'invalid-request',
  FST_ERR_MAX_PARAM_LENGTH: 'uri-too-long',
  FST_ERR_HANDLER_TIMEOUT: 'timeout',
};

const foreseenDetails: Partial<Record<ProblemCode, string>> = {
  'malformed-json': 'the body is not JSON, or holds a member that is refused',
  'unsupported-media-type': 'only application/json is taken',
  'body-too-large': 'the body is larger than this operation takes',
  'invalid-request': 'the request cannot be read',
  'internal-error': 'the cause is in the log',
  timeout: 'the answer took too long',
};

function findFrameworkProblem(error: unknown): Found {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const known = typeof code === 'string' ? frameworkProblems[code] : undefined;
  const byStatus = statusCode === 400 ? 'malformed-json' : 'internal-error';
  const found: ProblemCode = known ?? byStatus;
  return { code: found, detail: foreseenDetails[found] ?? problemCatalogue[found].title };
}
