/** The reference of a program's configuration as a page, from its zod schema. */
import { z } from 'zod';

/**
 * @typedef {object} ProgramConfiguration
 * @property {string} title
 * @property {string} introduction
 * @property {z.ZodType} schema
 * @property {Readonly<Record<string, string>>} variables variable → key
 *
 * @typedef {{ key: string, type: string, fallback: string, meaning: string }} Row
 *
 * @typedef {object} Schema
 * @property {string} [type]
 * @property {string} [description]
 * @property {unknown} [default]
 * @property {unknown} [const]
 * @property {unknown[]} [enum]
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {number} [exclusiveMinimum]
 * @property {Schema[]} [anyOf]
 * @property {Schema[]} [oneOf]
 * @property {Record<string, Schema>} [properties]
 * @property {string[]} [required]
 * @property {Schema | boolean} [additionalProperties]
 * @property {Schema} [propertyNames]
 * @property {Schema} [items]
 */

/** The page.
 * @param {readonly ProgramConfiguration[]} programs
 */
export function configurationReference(programs) {
  return [
    '# Configuration',
    'Made by `npm run generate` from the schemas that the programs themselves check with.',
    'Each program reads one YAML or JSON file (`--config FILE`), then variables of the environment over it. Unknown keys are refused, and every error names its key. `--check` validates and exits; `--json` shows the result, secrets left out. A key without a default has to be set where its parent is.',
    ...programs.flatMap(section),
    '',
  ].join('\n\n');
}

/** @param {ProgramConfiguration} program */
function section({ title, introduction, schema, variables }) {
  const json = /** @type {Schema} */ (
    z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' })
  );
  const rows = rowsOf(json, '', false);
  return [
    `## ${title}`,
    introduction,
    table(
      ['key', 'value', 'default', 'meaning'],
      rows.map(({ key, type, fallback, meaning }) => [`\`${key}\``, type, fallback, meaning]),
    ),
    '### Variables',
    table(
      ['variable', 'key'],
      Object.entries(variables).map(([name, key]) => [`\`${name}\``, `\`${key}\``]),
    ),
  ];
}

/** @param {Schema} schema @param {string} path @param {boolean} required @returns {Row[]} */
function rowsOf(schema, path, required) {
  const { inner, nullable } = withoutNull(schema);
  const description = schema.description ?? inner.description ?? '';
  if (inner.properties !== undefined) {
    const own =
      path === '' || (description === '' && !nullable)
        ? []
        : [row(schema, inner, nullable, path, required, description)];
    return [...own, ...membersOf(inner, path)];
  }
  if (typeof inner.additionalProperties === 'object' && inner.additionalProperties.properties !== undefined) {
    const own = row(schema, inner, nullable, path, required, description);
    const names = inner.propertyNames?.enum?.map((name) => `\`${String(name)}\``).join(', ');
    const type = names === undefined ? own.type : `keys: ${names}`;
    return [{ ...own, type }, ...membersOf(inner.additionalProperties, `${path}.*`)];
  }
  const alternatives =
    inner.oneOf ?? (inner.anyOf?.every(({ properties }) => properties !== undefined) ? inner.anyOf : undefined);
  if (alternatives?.every(({ properties }) => properties !== undefined)) {
    return alternatives.flatMap((alternative) => membersOf(alternative, path, discriminatorOf(alternative)));
  }
  if (inner.type === 'array' && inner.items?.properties !== undefined) {
    return [row(schema, inner, nullable, path, required, description), ...membersOf(inner.items, `${path}[]`)];
  }
  return [row(schema, inner, nullable, path, required, description)];
}

/** @param {Schema} schema @param {string} path @param {string} [mark] @returns {Row[]} */
function membersOf(schema, path, mark) {
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    if (mark !== undefined && member.const !== undefined) {
      return [
        {
          key: `${path}.${name}`,
          type: `\`${mark}\``,
          fallback: 'must be set',
          meaning: `Then the keys below it, up to the next.`,
        },
      ];
    }
    return rowsOf(member, path === '' ? name : `${path}.${name}`, schema.required?.includes(name) ?? false);
  });
}

/** The one constant member that tells alternatives apart.
 * @param {Schema} schema
 */
function discriminatorOf(schema) {
  const constant = Object.values(schema.properties ?? {}).find((member) => member.const !== undefined);
  return constant === undefined ? undefined : String(constant.const);
}

/** @param {Schema} schema @param {Schema} inner @param {boolean} nullable @param {string} key @param {boolean} required @param {string} description @returns {Row} */
function row(schema, inner, nullable, key, required, description) {
  const value = schema.default ?? inner.default;
  const fallback =
    value !== undefined && JSON.stringify(value) === '{}'
      ? ''
      : value !== undefined
        ? `\`${JSON.stringify(value)}\``
        : nullable && 'default' in schema
          ? '`null`'
          : required
            ? 'must be set'
            : 'none';
  return { key, type: typeOf(inner) + (nullable ? ' or `null`' : ''), fallback, meaning: description };
}

/** @param {Schema} schema @returns {string} */
function typeOf(schema) {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${visible(value)}\``).join(', ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  switch (schema.type) {
    case 'integer':
      return `whole number${range(schema)}`;
    case 'number':
      return `number${range(schema)}`;
    case 'boolean':
      return '`true`, `false`';
    case 'string':
      return 'text';
    case 'array':
      return 'list';
    default:
      return 'keys below';
  }
}

/** Line ends and the like as they are written in a file.
 * @param {unknown} value
 */
function visible(value) {
  return typeof value === 'string' ? JSON.stringify(value).slice(1, -1) : String(value);
}

/** @param {Schema} schema */
function range({ minimum, maximum, exclusiveMinimum }) {
  const from =
    exclusiveMinimum !== undefined ? `above ${count(exclusiveMinimum)}` : minimum === undefined ? '' : count(minimum);
  const to = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? '' : count(maximum);
  if (from === '' && to === '') return '';
  return to === '' ? `, from ${from}` : `, ${from} to ${to}`;
}

/** @param {number} value */
function count(value) {
  return value.toLocaleString('en-US');
}

/** @param {Schema} schema @returns {{ inner: Schema, nullable: boolean }} */
function withoutNull(schema) {
  const others = schema.anyOf?.filter(({ type }) => type !== 'null');
  const [only] = others ?? [];
  if (others?.length !== 1 || only === undefined || schema.anyOf?.length !== 2)
    return { inner: schema, nullable: false };
  return { inner: only, nullable: true };
}

/** @param {string[]} head @param {string[][]} body */
function table(head, body) {
  const line = (/** @type {string[]} */ cells) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}
