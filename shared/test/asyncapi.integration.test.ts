/** The AsyncAPI document in docs/reference/ is what the schemas say, is valid, and says the same of the fixtures as they do. */
import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { edgeEventKinds } from '../src/index.js';

const root = resolve(import.meta.dirname, '..', '..');
const path = join(root, 'docs', 'reference', 'asyncapi.json');
const run = promisify(execFile);

interface Document {
  channels: Record<string, { address: string }>;
  components: { schemas: Record<string, unknown> };
}
const document = JSON.parse(readFileSync(path, 'utf8')) as Document;

interface Validator {
  (value: unknown): boolean;
  errors?: unknown;
}
type AjvClass = new (options: Record<string, unknown>) => {
  addSchema(schema: unknown, key: string): unknown;
  compile(schema: unknown): Validator;
};
const require = createRequire(import.meta.url);
// The validator that the AsyncAPI parser itself uses.
const ajvModule = createRequire(require.resolve('@asyncapi/parser'))('ajv') as { default: AjvClass };
const ajv = new ajvModule.default({ strict: false, validateFormats: false });
const validators = new Map<string, Validator>();
ajv.addSchema({ components: document.components }, 'wire');

const roots: Readonly<Record<string, readonly string[]>> = {
  events: ['EventBatch'],
  state: ['OnlineState', 'OfflineState'],
  acks: ['Ack'],
  decisions: ['Decision'],
  commands: ['Command'],
  allowance: ['Allowance'],
  log: ['LogReport'],
  'log-requests': ['LogRequest'],
  occupancy: ['Occupancy'],
};

/** Refused before any schema is asked: not JSON, not UTF-8, unsafe, or not exact as a number. The last: JSON Schema compares no members. */
const beyondSchema = new Set([
  ...['not-json', 'not-utf8', 'byte-order-mark', 'empty', 'proto-member', 'nested-too-deep'].map(
    (name) => `invalid/events/${name}.json`,
  ),
  'invalid/allowance/page-beyond-the-last.json',
]);

describe('the AsyncAPI document', () => {
  it('is what the schemas and fixtures generate', async () => {
    const { stderr } = await run(process.execPath, [join(root, 'scripts', 'generate.mjs'), '--check']);
    expect(stderr).not.toContain('out of date');
  }, 60_000);

  it('is valid AsyncAPI 3 for its own parser', async () => {
    const program = `
      const { Parser } = require('@asyncapi/parser');
      const text = require('node:fs').readFileSync(process.argv[1], 'utf8');
      new Parser().parse(text).then(({ document, diagnostics }) =>
        console.log(JSON.stringify({ version: document?.version(), diagnostics })));`;
    const { stdout } = await run(process.execPath, ['-e', program, path], { cwd: root });
    expect(JSON.parse(stdout)).toEqual({ version: '3.1.0', diagnostics: [] });
  });

  it('is free of findings by the linter', async () => {
    const spectral = join(root, 'node_modules', '@stoplight', 'spectral-cli', 'dist', 'index.js');
    const ruleset = join(root, 'shared', 'tools', 'asyncapi.spectral.yaml');
    const { stdout } = await run(process.execPath, [spectral, 'lint', path, '-r', ruleset, '-F', 'hint']);
    expect(stdout).toContain('No results');
  });

  it('has every channel and every kind of event', () => {
    expect(Object.keys(document.channels).sort()).toEqual(Object.keys(roots).sort());
    const text = JSON.stringify(document.components.schemas);
    expect(edgeEventKinds.filter((kind) => !text.includes(`"const":"${kind}"`))).toEqual([]);
  });

  it.each(fixturesOf('valid'))('takes %s', (file) => {
    expect(problems(file)).toEqual([]);
  });

  it.each(fixturesOf('invalid').filter((file) => !beyondSchema.has(file)))('refuses %s', (file) => {
    expect(problems(file)).not.toEqual([]);
  });
});

function fixturesOf(folder: string): string[] {
  const path = join(root, 'shared', 'fixtures', folder);
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/** Empty when one of the channel's schemas takes it. */
function problems(file: string): unknown[] {
  const channel = file.split('/')[1] ?? '';
  const payload: unknown = JSON.parse(readFileSync(join(root, 'shared', 'fixtures', file), 'utf8'));
  const errors = (roots[channel] ?? []).map((name) => {
    const validate = validatorOf(name);
    return validate(payload) ? null : validate.errors;
  });
  return errors.includes(null) ? [] : errors;
}

function validatorOf(name: string): Validator {
  const made = validators.get(name) ?? ajv.compile({ $ref: `wire#/components/schemas/${name}` });
  validators.set(name, made);
  return made;
}
