/** Pages lead to files that exist, and the configurations they show are ones the programs take. */
import { describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
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

  it('leads to files that exist', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map((match) => match[1] ?? '');
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(local.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...text.matchAll(/npm run ([a-z0-9:]+)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('shows configurations that the programs take', () => {
    for (const [, yaml = ''] of text.matchAll(/```yaml\n([\s\S]*?)```/g)) expect(() => read(yaml)).not.toThrow();
  });
});

const edgeHead = `siteId: s
edgeId: e
gates: [{ gateId: g, direction: entry, barrier: { driver: simulated } }]
`;

/** A snippet for an edge may leave out who it is. */
function read(yaml: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pages-'));
  const file = join(folder, 'snippet.yaml');
  const isEdge = /^(broker|gates):/m.test(yaml);
  try {
    writeFileSync(file, isEdge && !yaml.includes('siteId:') ? edgeHead + yaml : yaml);
    if (isEdge) loadEdgeConfiguration(file, {});
    else readConfiguration(file, {});
  } finally {
    rmSync(folder, { recursive: true });
  }
}
