/** Every link of every page leads to a file, a heading or a picture of this repository, and every page of docs/ can be found. */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';
import { headingsOf, linksOf, namedAnchorsOf } from '../support/markdown.js';

const root = resolve(import.meta.dirname, '..', '..');
/** Not part of the repository: a link to what is in them is broken elsewhere. */
const foreign = new Set(['.git', 'node_modules', 'dist', 'data', 'coverage']);
/** Where readers begin. */
const entrances = ['README.md', 'docs/README.md'];

const files = new Set<string>();
const directories = new Set<string>(['.']);
walk('.');
const pages = [...files].filter((file) => file.endsWith('.md')).sort();
const texts = new Map(pages.map((page) => [page, readFileSync(join(root, page), 'utf8')]));

interface Target {
  readonly link: string;
  /** Relative to the repository. */
  readonly path: string;
  readonly anchor: string | null;
}

describe.each(pages)('%s', (page) => {
  it('leads to what is there', () => {
    const missing = targetsOf(page).filter(({ path }) => !files.has(path) && !directories.has(path));
    expect(missing.map(({ link }) => link)).toEqual([]);
  });

  it('leads to headings that are there', () => {
    const missing = targetsOf(page).filter(({ path, anchor }) => anchor !== null && !hasAnchor(path, anchor));
    expect(missing.map(({ link }) => link)).toEqual([]);
  });
});

it('every page of docs/ is reached from the first pages', () => {
  const reached = new Set<string>();
  const waiting = entrances.filter((page) => files.has(page));
  for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
    if (reached.has(page)) continue;
    reached.add(page);
    for (const { path } of targetsOf(page)) waiting.push(...pagesAt(path));
  }
  expect(pages.filter((page) => page.startsWith('docs/') && !reached.has(page))).toEqual([]);
});

describe('a page of Markdown', () => {
  it('has the links and pictures that are shown, and none that stands in code', () => {
    const text = [
      'See [one](one.md), [two](two.md#part "Title"), ![a picture](three.png) and [four][4].',
      'Not `[this](code.md)`.',
      '',
      '    [nor](indented.md)',
      '',
      '```md',
      '[nor](fenced.md)',
      '```',
      '',
      '- an item',
      '  that goes on with [five](<five.md>)',
      '',
      '[4]: four.md',
      '<img src="six.png" alt="">',
    ].join('\n');
    expect(linksOf(text)).toEqual(['one.md', 'two.md#part', 'three.png', 'five.md', 'four.md', 'six.png']);
  });

  it('has the anchors that GitHub gives its headings', () => {
    const text = [
      '# What’s `here`?',
      '## A/B, C_d – e',
      '## Same',
      '```',
      '# not one',
      '```',
      '## Same',
      '## 1. [A](b.md)',
    ];
    expect(headingsOf(text.join('\n')).map(({ anchor }) => anchor)).toEqual([
      'whats-here',
      'ab-c_d--e',
      'same',
      'same-1',
      '1-a',
    ]);
  });
});

function targetsOf(page: string): Target[] {
  return linksOf(texts.get(page) ?? '')
    .filter((link) => !/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(link))
    .map((link) => {
      const [file = '', anchor = null] = link.split('#', 2);
      const path = file === '' ? page : posix.join(dirname(page), decodeURIComponent(file));
      return { link, path: path.replace(/(?<=.)\/$/, ''), anchor };
    });
}

function hasAnchor(path: string, anchor: string): boolean {
  const text = texts.get(path);
  // Of what is no page, an anchor is a line: `file.ts#L10`.
  if (text === undefined) return /^L\d+(?:-L\d+)?$/.test(anchor);
  return headingsOf(text).some((heading) => heading.anchor === anchor) || namedAnchorsOf(text).includes(anchor);
}

/** A folder lists its pages. */
function pagesAt(path: string): string[] {
  if (directories.has(path)) return pages.filter((page) => dirname(page) === path);
  return texts.has(path) ? [path] : [];
}

function walk(directory: string): void {
  for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
    const path = posix.join(directory, entry.name);
    if (entry.isFile()) files.add(path);
    if (!entry.isDirectory() || foreign.has(entry.name)) continue;
    directories.add(path);
    walk(path);
  }
}
