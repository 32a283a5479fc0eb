/** The configurations and layouts that pages show are ones the programs take, and the scripts they name exist. */
import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { siteLayoutSchema } from '@gatehouse/shared';
import { readConfiguration } from '../../aggregator/src/configuration.js';
import { loadEdgeConfiguration } from '../../edge-agent/src/configuration.js';

const root = resolve(import.meta.dirname, '..', '..');
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'monitoring', 'shared/fixtures'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  ),
];

describe.each(pages)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8');

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...text.matchAll(/npm run ([a-z0-9:]+)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('shows configurations that the programs take', () => {
    for (const yaml of blocksOf(text, 'yaml')) expect(() => read(yaml)).not.toThrow();
  });

  it('shows layouts that the aggregator takes', () => {
    for (const json of blocksOf(text, 'json')) {
      if (json.includes('"zones"') && json.includes('"slots"'))
        expect(() => siteLayoutSchema.parse(JSON.parse(json))).not.toThrow();
    }
  });
});

/** In a list a block is indented. */
function blocksOf(text: string, language: string): string[] {
  const blocks = text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, 'gm'));
  return [...blocks].map(([, indent = '', block = '']) => block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
}

const edgeHead = 'siteId: s\nedgeId: e\n';
const gates = 'gates: [{ gateId: g, direction: entry, barrier: { driver: simulated } }]\n';

/** A snippet for an edge may leave out who it is, and its gates. */
function read(yaml: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pages-'));
  const file = join(folder, 'snippet.yaml');
  const isEdge = /^(broker|gates):/m.test(yaml);
  try {
    const head = `${edgeHead}${/^gates:/m.test(yaml) ? '' : gates}`;
    writeFileSync(file, isEdge && !yaml.includes('siteId:') ? head + yaml : yaml);
    if (isEdge) loadEdgeConfiguration(file, {});
    else readConfiguration(file, {});
  } finally {
    rmSync(folder, { recursive: true });
  }
}
