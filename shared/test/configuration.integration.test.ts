import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigurationError, loadConfiguration } from '../src/node/index.js';

const schema = z.strictObject({
  http: z.strictObject({ port: z.int().min(0).max(65_535).default(8000) }).prefault({}),
  name: z.string().default('gatehouse'),
  quiet: z.boolean().default(false),
});
const variables = { GATEHOUSE_HTTP_PORT: 'http.port', GATEHOUSE_NAME: 'name', GATEHOUSE_QUIET: 'quiet' };

describe('a configuration', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-configuration-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const load = async (text: string | undefined, environment: Record<string, string> = {}, name = 'c.yaml') => {
    const file = text === undefined ? undefined : join(folder, name);
    if (file !== undefined) await writeFile(file, text ?? '');
    return loadConfiguration(schema, { file, environment, variables });
  };

  it('has defaults for everything', async () => {
    expect(await load(undefined)).toEqual({ http: { port: 8000 }, name: 'gatehouse', quiet: false });
    expect(await load('# nothing set\n')).toEqual({ http: { port: 8000 }, name: 'gatehouse', quiet: false });
  });

  it('is read from YAML and from JSON', async () => {
    expect(await load('http:\n  port: 9000\n')).toMatchObject({ http: { port: 9000 } });
    expect(await load('{"http":{"port":9001}}', {}, 'c.json')).toMatchObject({ http: { port: 9001 } });
  });

  it('takes variables over the file, as numbers and booleans where they are', async () => {
    const environment = { GATEHOUSE_HTTP_PORT: '9002', GATEHOUSE_QUIET: 'true', GATEHOUSE_NAME: '' };
    expect(await load('http:\n  port: 9000\nname: north\n', environment)).toEqual({
      http: { port: 9002 },
      name: 'north',
      quiet: true,
    });
  });

  it.each([
    ['a key it does not know', 'htpp: {}\n', {}, 'htpp: is not a key of this configuration'],
    ['a key it does not know, inside', 'http: { prot: 1 }\n', {}, 'http.prot: is not a key of this configuration'],
    ['a wrong type', 'name: 7\n', {}, 'name: Invalid input: expected string, received number'],
    ['a value beyond its bound', 'http: { port: 65536 }\n', {}, 'http.port: Too big: expected number to be <=65535'],
    [
      'a variable that does not fit, by its name',
      undefined,
      { GATEHOUSE_HTTP_PORT: 'eighty' },
      'http.port (GATEHOUSE_HTTP_PORT): Invalid input: expected number, received string',
    ],
    ['a file that is a list', '- a\n', {}, 'must hold keys and values'],
    ['a key that is there twice', 'name: a\nname: b\n', {}, 'Map keys must be unique'],
    ['a file that is not YAML', 'http: [\n', {}, 'c.yaml'],
  ])('is refused for %s', async (_name, text, environment, problem) => {
    const error: unknown = await load(text, environment as Record<string, string>).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).problems.join('\n')).toContain(problem);
  });

  it('names every problem at once', async () => {
    await expect(load('nmae: 1\nquiet: 3\n')).rejects.toThrow(
      /quiet: [\s\S]*nmae: is not a key|nmae: is not a key[\s\S]*quiet: /,
    );
  });

  it('says which file it could not read', () => {
    const file = join(folder, 'absent.yaml');
    expect(() => loadConfiguration(schema, { file, environment: {}, variables })).toThrow(
      `${file}: there is no such file`,
    );
    expect(() => loadConfiguration(schema, { file: folder, environment: {}, variables })).toThrow('is a directory');
  });

  it('does not reach the prototype of objects through __proto__', async () => {
    await expect(load('__proto__: { polluted: 1 }\n')).rejects.toThrow(ConfigurationError);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
