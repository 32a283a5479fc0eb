import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openApiDocument } from '../../src/http/openapi.js';
import { answerSchema } from '../../src/http/route.js';
import { allRoutes } from '../../src/http/routes/index.js';

const root = resolve(import.meta.dirname, '../../..');
const routes = allRoutes({ metricsRequireKey: false });
const document = openApiDocument(routes, '1.0.0');

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly responses: Readonly<Record<string, { content?: Record<string, { example?: unknown; examples?: unknown }> }>>;
  readonly requestBody?: { content: Record<string, { example?: unknown }> };
}
const operations = Object.values(document.paths as Record<string, Record<string, Operation>>).flatMap((path) =>
  Object.values(path),
);

describe('the OpenAPI document', () => {
  let directory: string;
  let file: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'gatehouse-openapi-'));
    file = join(directory, 'openapi.json');
    writeFileSync(file, JSON.stringify(document, null, 2));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  const run = (program: string, args: readonly string[]) => {
    const ended = spawnSync(process.execPath, [join(root, 'node_modules', program), ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    });
    return { code: ended.status, output: `${ended.stdout}${ended.stderr}` };
  };

  const redocly = (path: string) => {
    const result = run('@redocly/cli/bin/cli.js', [
      'lint',
      path,
      '--config',
      join(root, 'docs/reference/redocly.yaml'),
      '--format=json',
      '--max-problems=1000',
    ]);
    const report = JSON.parse(result.output.slice(result.output.indexOf('{'), result.output.lastIndexOf('}') + 1)) as {
      problems: { message: string; ruleId: string; location: { pointer?: string }[] }[];
    };
    const found = report.problems.map(
      ({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer ?? ''}`,
    );
    return { found, code: result.code };
  };
  const spectral = (path: string) =>
    run('@stoplight/spectral-cli/dist/index.js', [
      'lint',
      path,
      '--ruleset',
      join(root, 'docs/reference/spectral.yaml'),
      '--fail-severity=hint',
    ]);

  it('has no findings with redocly', () => {
    expect(redocly(file)).toEqual({ found: [], code: 0 });
  }, 60_000);

  it('has no findings with spectral', () => {
    expect(spectral(file)).toEqual({ code: 0, output: expect.stringContaining('No results') as unknown });
  }, 60_000);

  it('would be found out by both if an operation lost its description', () => {
    const poorer = join(directory, 'poorer.json');
    const copy = JSON.parse(JSON.stringify(document)) as { paths: Record<string, Record<string, object>> };
    delete (copy.paths['/api/v1/sites']?.get as { description?: string }).description;
    writeFileSync(poorer, JSON.stringify(copy));
    expect(redocly(poorer).found).toContainEqual(expect.stringContaining('operation-description'));
    expect(spectral(poorer).output).toContain('operation-description');
  }, 60_000);

  it('describes every route once, with everything a reader needs', () => {
    expect(operations).toHaveLength(routes.length);
    expect(new Set(operations.map((operation) => operation.operationId)).size).toBe(routes.length);
    for (const operation of operations) {
      expect(operation.summary).toBeTruthy();
      expect(operation.description).toBeTruthy();
      expect(operation.tags).toHaveLength(1);
      const statuses = Object.keys(operation.responses);
      expect(statuses.some((status) => status.startsWith('2'))).toBe(true);
      expect(statuses.some((status) => status.startsWith('4'))).toBe(true);
      for (const { content } of Object.values(operation.responses)) {
        for (const media of Object.values(content ?? {})) expect(media.example ?? media.examples).toBeDefined();
      }
      for (const media of Object.values(operation.requestBody?.content ?? {})) expect(media.example).toBeDefined();
    }
  });

  it('gives examples that its own schemas accept', () => {
    for (const definition of routes) {
      for (const schema of [definition.body, answerSchema(definition)]) {
        if (schema == null) continue;
        const examples = (schema.meta()?.examples ?? []) as unknown[];
        expect(examples.length).toBeGreaterThan(0);
        for (const example of examples) {
          expect({ at: definition.operationId, problem: schema.safeParse(example).error?.message }).toEqual({
            at: definition.operationId,
            problem: undefined,
          });
        }
      }
    }
  });

  it('holds no component that nothing refers to', () => {
    const { schemas } = document.components as { schemas: Record<string, unknown> };
    const text = JSON.stringify(document);
    for (const name of Object.keys(schemas)) expect(text).toContain(`"#/components/schemas/${name}"`);
  });
});
