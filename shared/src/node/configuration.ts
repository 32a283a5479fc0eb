/** Configuration: one YAML or JSON file, then environment variables over it, then the schema. */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { z } from 'zod';

/** A configuration that cannot be used. Each problem names its key (or variable) and the rule it breaks. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export interface ConfigurationSource {
  /** Path of a YAML or JSON file; undefined for none. */
  readonly file: string | undefined;
  /** Usually `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Environment variable → dotted path of the key it sets, e.g. `{ GATEHOUSE_HTTP_PORT: 'http.port' }`. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Reads, merges and validates. A variable's text is read as a number or boolean where the text is one.
 * @throws ConfigurationError naming every offending key.
 */
export function loadConfiguration<S extends z.ZodType>(schema: S, source: ConfigurationSource): z.output<S> {
  const raw = source.file === undefined ? {} : readFile(source.file);
  const origins = new Map<string, string>();
  for (const [variable, path] of Object.entries(source.variables)) {
    const text = source.environment[variable];
    if (text === undefined || text === '') continue;
    setAtPath(raw, path.split('.'), scalar(text));
    origins.set(path, variable);
  }
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  throw new ConfigurationError(
    result.error.issues.flatMap((issue) => {
      const path = issue.path.map(String).join('.');
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => `${path === '' ? key : `${path}.${key}`}: is not a key of this configuration`);
      }
      const variable = origins.get(path);
      return [
        `${path === '' ? 'configuration' : path}${variable === undefined ? '' : ` (${variable})`}: ${ruleOf(issue)}`,
      ];
    }),
  );
}

function ruleOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_type' && issue.message.endsWith('received undefined')
    ? `has to be set (${issue.expected})`
    : issue.message;
}

function readFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigurationError([`--config ${path}: ${readingProblem(error)}`]);
  }
  const document = parseDocument(text, { uniqueKeys: true });
  if (document.errors.length > 0) {
    throw new ConfigurationError(
      document.errors.map((error) => `${path}: ${error.message.split('\n')[0] ?? 'is not YAML'}`),
    );
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ConfigurationError([`${path}: must hold keys and values`]);
  return value as Record<string, unknown>;
}

function readingProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EISDIR' ? 'is a directory' : message;
}

function scalar(text: string): unknown {
  if (text === 'true') return true;
  if (text === 'false') return false;
  return /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : text;
}

function setAtPath(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    target[head] = value;
    return;
  }
  const inner = target[head];
  const next =
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Record<string, unknown>) : {};
  target[head] = next;
  setAtPath(next, rest, value);
}
