/** The OpenAPI document of the aggregator under test: what may be asked, and how each answer has to look. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { allRoutes } from '@gatehouse/aggregator';
import type { JsonSchema } from './schema-values.js';

export type Role = 'observer' | 'viewer' | 'auditor' | 'operator' | 'admin';
export const roles: readonly Role[] = ['observer', 'viewer', 'auditor', 'operator', 'admin'];

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: JsonSchema;
}

export interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: JsonSchema | undefined;
  /** The least role that may; null: nobody is asked. */
  readonly role: Role | null;
}

export interface ApiDocument {
  readonly operations: readonly Operation[];
  resolve(reference: string): JsonSchema;
  /** What is wrong with an answer, or undefined. */
  faultOf(operation: Operation | undefined, status: number, contentType: string, body: string): string | undefined;
}

interface Media {
  readonly schema: JsonSchema;
  readonly examples?: Readonly<Record<string, unknown>>;
}
interface DocumentedAnswer {
  readonly content?: Readonly<Record<string, Media>>;
}
interface DocumentedOperation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, DocumentedAnswer>>;
}
interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

const problemType = 'application/problem+json';
/** Of what is refused before it reaches an operation. */
const unroutedTypes: ReadonlySet<string> = new Set(['/problems/uri-too-long', '/problems/headers-too-large']);

export function readDocument(text: string): ApiDocument {
  const document = JSON.parse(text) as OpenApi;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'api', components: document.components });
  const validators = new Map<string, ValidateFunction>();
  const validatorOf = (schema: JsonSchema): ValidateFunction => {
    const reference = JSON.stringify(schema).replaceAll('"#/', '"api#/');
    const known = validators.get(reference);
    if (known !== undefined) return known;
    const compiled = ajv.compile(JSON.parse(reference) as object);
    validators.set(reference, compiled);
    return compiled;
  };
  const documented = new Map<string, DocumentedOperation>();
  const required = new Map(allRoutes({ metricsRequireKey: false }).map((route) => [route.operationId, route.role]));
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => {
      const { operationId, parameters } = operation;
      const role = required.get(operationId);
      if (role === undefined) throw new Error(`${operationId} is in the document and not in the table of routes`);
      documented.set(operationId, operation);
      const body = operation.requestBody?.content['application/json']?.schema;
      return { operationId, method: method.toUpperCase(), path, parameters, body, role };
    }),
  );

  const faultOfProblem = (operation: Operation | undefined, status: number, contentType: string, body: string) => {
    if (!contentType.startsWith(problemType)) return `the problem is ${contentType}`;
    const problem = parsed(body);
    const validate = validatorOf({ $ref: '#/components/schemas/Problem' });
    if (!validate(problem)) return `no problem: ${ajv.errorsText(validate.errors)}`;
    const { type, status: told } = problem as { type: string; status: number };
    if (told !== status) return `the problem says ${String(told)}`;
    if (operation === undefined || unroutedTypes.has(type)) return undefined;
    const media = documented.get(operation.operationId)?.responses[String(status)]?.content?.[problemType];
    if (media === undefined) return `the status is not documented (${type})`;
    return Object.hasOwn(media.examples ?? {}, type.replace('/problems/', ''))
      ? undefined
      : `${type} is not documented`;
  };

  return {
    operations,
    resolve(reference) {
      const schema = document.components.schemas[reference.replace('#/components/schemas/', '')];
      if (schema === undefined) throw new Error(`the document has no ${reference}`);
      return schema;
    },
    faultOf(operation, status, contentType, body) {
      if (status >= 400) return faultOfProblem(operation, status, contentType, body);
      if (operation === undefined) return undefined;
      const content = documented.get(operation.operationId)?.responses[String(status)]?.content;
      if (content === undefined) return 'the status is not documented';
      const mediaType = contentType.split(';')[0] ?? '';
      const media = content[mediaType];
      if (media === undefined) return `${contentType} is not documented`;
      if (mediaType !== 'application/json') return undefined;
      const validate = validatorOf(media.schema);
      return validate(parsed(body)) ? undefined : ajv.errorsText(validate.errors);
    },
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
