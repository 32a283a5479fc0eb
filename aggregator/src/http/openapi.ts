/** The OpenAPI 3.1 document, written from the table of routes and the schemas. */
import { z } from 'zod';
import { problemBody, problemCatalogue } from './problems.js';
import type { ProblemCode } from './problems.js';
import { answerSchema } from './route.js';
import type { Route } from './route.js';

type Json = Record<string, unknown>;

const componentPrefix = '#/components/schemas/';
const examplePrefix = '#/components/examples/';

const tags: readonly { name: string; description: string }[] = [
  { name: 'edges', description: 'The agents beside the barriers.' },
  { name: 'gates', description: 'Barrier lanes: their state, commands, and admitting who waits.' },
  { name: 'keys', description: 'Keys of this API.' },
  { name: 'occupancy', description: 'How full the sites are, by both ledgers.' },
  { name: 'records', description: 'Events, quarantine and the audit log.' },
  { name: 'reviews', description: 'What a person should look at.' },
  { name: 'service', description: 'Health, metrics and explanations.' },
  { name: 'sessions', description: 'Stays: the log of entry time, exit time and duration.' },
  { name: 'sites', description: 'Car parks and their layouts.' },
  { name: 'slots', description: 'Bays, and what operators do with them.' },
  { name: 'stream', description: 'What happens, as it happens.' },
  { name: 'vehicles', description: 'The register: credentials, permits, blocks.' },
];

const about = `Runs car-park gates: sites, slots, sessions, vehicles, gates and edge agents.

**Keys.** \`Authorization: Bearer KEY\`. Each role may do what the ones before it may: observer, viewer, auditor, operator, admin. A key may be good for one site only.

**Lists** come in pages: ask for the next one with \`nextCursor\` as \`cursor\`.

**Changes** may carry an \`Idempotency-Key\`: the same request under the same key is carried out once.

**Problems** are \`application/problem+json\`; their \`type\` is a stable address that explains them.

**Plates** are personal data: viewers see them masked, as the first and last character with six \`*\` between.`;

/** The document for `routes`. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const components = describeComponents();
  const paths: Record<string, Json> = {};
  for (const definition of routes) {
    const path = (paths[definition.url] ??= {});
    path[definition.method.toLowerCase()] = describeOperation(definition, components);
  }
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'Gatehouse',
      version,
      summary: 'Car-park gates, slots and sessions.',
      description: about,
      contact: { name: 'The maintainers of Gatehouse' },
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/', description: 'This aggregator.' }],
    security: [{ key: [] }],
    tags,
    paths,
  };
  return {
    ...document,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'A key of this API, of one of the five roles.' },
      },
      schemas: usedComponents(document, components),
      examples: problemExamples(document),
    },
  };
}

interface Components {
  readonly schemas: ReadonlyMap<string, Json>;
  /** Names of components whose requests differ from their answers, where defaults may be left out. */
  readonly withInput: ReadonlySet<string>;
}

function describeComponents(): Components {
  const outputs = componentsFor('output');
  const inputs = componentsFor('input');
  const withInput = new Set<string>();
  for (const [id, schema] of inputs) {
    if (JSON.stringify(schema) !== JSON.stringify(outputs.get(id))) withInput.add(id);
  }
  addUsers(inputs, withInput);
  const schemas = new Map(outputs);
  for (const id of withInput) schemas.set(`${id}Input`, inputReferences(inputs.get(id) ?? {}, withInput));
  return { schemas, withInput };
}

function componentsFor(io: 'input' | 'output'): Map<string, Json> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, {
    io,
    target: 'draft-2020-12',
    uri: (id) => `${componentPrefix}${id}`,
  });
  return new Map(Object.entries(schemas).map(([id, schema]) => [id, withoutIdentity(schema as Json)]));
}

/** What refers to a component with an input form has one itself. */
function addUsers(inputs: ReadonlyMap<string, Json>, withInput: Set<string>): void {
  for (let before = -1; before !== withInput.size;) {
    before = withInput.size;
    for (const [id, schema] of inputs) {
      if (references(schema).some((name) => withInput.has(name))) withInput.add(id);
    }
  }
}

function withoutIdentity(schema: Json): Json {
  const copy = { ...schema };
  delete copy.$schema;
  delete copy.$id;
  delete copy.id;
  return copy;
}

function inputReferences(schema: Json, withInput: ReadonlySet<string>): Json {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(componentPrefix)) return value;
    return withInput.has(value.slice(componentPrefix.length)) ? `${value}Input` : value;
  }) as Json;
}

function references(value: unknown): string[] {
  const found: string[] = [];
  JSON.stringify(value, (key, member: unknown) => {
    if (key === '$ref' && typeof member === 'string' && member.startsWith(componentPrefix))
      found.push(member.slice(componentPrefix.length));
    return member;
  });
  return found;
}

/** Components that the document refers to, directly or through others, by name. */
function usedComponents(document: Json, { schemas }: Components): Json {
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    for (const name of references(value)) {
      if (used.has(name)) continue;
      used.add(name);
      visit(schemas.get(name));
    }
  };
  visit(document);
  return Object.fromEntries([...used].sort().map((name) => [name, schemas.get(name)]));
}

function describeOperation(definition: Route, components: Components): Json {
  const role = definition.role === null ? 'Needs no key.' : `Needs a key of the role **${definition.role}** or above.`;
  return {
    operationId: definition.operationId,
    tags: [definition.tag],
    summary: definition.summary,
    description: `${definition.description}\n\n${role}`,
    security: definition.role === null ? [] : [{ key: [] }],
    parameters: describeParameters(definition),
    ...describeBody(definition, components),
    responses: { ...describeAnswer(definition), ...describeProblems(definition) },
  };
}

const headerParameters = {
  idempotency: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: 'The same request under the same key is carried out once, and answered again for a day.',
    schema: { type: 'string', minLength: 1, maxLength: 128 },
    example: '0d9e2b7e-3f0a-4a55-9a53-0f4f0c7f4f10',
  },
  ifMatch: {
    name: 'If-Match',
    in: 'header',
    required: false,
    description: 'The `ETag` of the layout that this one replaces.',
    schema: { type: 'string' },
    example: '"3"',
  },
  lastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    required: false,
    description: 'The id of the last event that was seen.',
    schema: { type: 'string', pattern: '^\\d{1,15}$' },
    example: '1040',
  },
} as const;

function describeParameters(definition: Route): Json[] {
  return [
    ...schemaParameters(definition.params, 'path'),
    ...schemaParameters(definition.query, 'query'),
    ...(takesIdempotencyKey(definition) ? [headerParameters.idempotency] : []),
    ...(definition.operationId === 'putSite' ? [headerParameters.ifMatch] : []),
    ...(definition.operationId === 'followStream' ? [headerParameters.lastEventId] : []),
  ];
}

/** Whether the route takes an `Idempotency-Key`. */
export function takesIdempotencyKey(definition: Route): boolean {
  return definition.method === 'POST' && definition.role !== null;
}

function schemaParameters(schema: z.ZodType, place: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' }) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      description: description ?? `Filter by ${name}.`,
      schema: rest,
    };
  });
}

function describeBody({ body, summary }: Route, { withInput }: Components): Json {
  if (body === null) return {};
  const meta = body.meta();
  const id = meta?.id ?? '';
  const $ref = `${componentPrefix}${withInput.has(id) ? `${id}Input` : id}`;
  const content = { 'application/json': { schema: { $ref }, example: exampleOf(body) } };
  return { requestBody: { required: true, description: meta?.description ?? summary, content } };
}

function describeAnswer(definition: Route): Json {
  const { status, description, content } = definition.answer;
  const schema = answerSchema(definition);
  if (schema === undefined) {
    const { mediaType, example } = content as { mediaType: string; example: string };
    return { [status]: { description, content: { [mediaType]: { schema: { type: 'string' }, example } } } };
  }
  const media = { schema: { $ref: `${componentPrefix}${schema.meta()?.id ?? ''}` }, example: exampleOf(schema) };
  const answer = { description, content: { 'application/json': media } };
  return definition.operationId === 'putSite' ? { 200: answer, 201: answer } : { [status]: answer };
}

function exampleOf(schema: z.ZodType): unknown {
  const [example] = (schema.meta()?.examples ?? []) as unknown[];
  return example;
}

function describeProblems(definition: Route): Json {
  const codes: ProblemCode[] = ['invalid-request', ...(definition.problems ?? [])];
  if (definition.role !== null) codes.push('unauthenticated', 'forbidden', 'site-not-allowed');
  if (definition.method !== 'GET') {
    // A body is read, and may be refused, also where none is asked for.
    codes.push('malformed-json', 'body-too-large', 'unsupported-media-type', 'overloaded', 'store-failing');
  }
  if (takesIdempotencyKey(definition)) codes.push('idempotency-key-reused');
  codes.push('too-many-requests', 'internal-error');
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set(codes)) {
    const { status } = problemCatalogue[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, group]) => [String(status), describeProblem(group)]));
}

function describeProblem(codes: readonly ProblemCode[]): Json {
  const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `${examplePrefix}${code}` }]));
  const content = { 'application/problem+json': { schema: { $ref: `${componentPrefix}Problem` }, examples } };
  return { description: `${codes.map((code) => problemCatalogue[code].title).join('; ')}.`, content };
}

/** One example of each problem that some operation names. */
function problemExamples(document: Json): Json {
  const text = JSON.stringify(document);
  const codes = (Object.keys(problemCatalogue) as ProblemCode[]).filter((code) =>
    text.includes(`"${examplePrefix}${code}"`),
  );
  return Object.fromEntries(
    codes.map((code) => {
      const { title, help } = problemCatalogue[code];
      return [code, { summary: title, value: problemBody(code, help, '5f0c8d3be1a94c07') }];
    }),
  );
}
