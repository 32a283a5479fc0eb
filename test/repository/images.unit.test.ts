/** What `npm run test:images` takes from the machine it runs on, and what the build leaves out. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { leaveOutCompiling, leaveOutDevelopment } from '../../scripts/images/manifests.mjs';
import { baseOf, mirrorsOf, npmrcOf } from '../../scripts/lib/images/settings.mjs';

const root = resolve(import.meta.dirname, '..', '..');

describe('the base of the images', () => {
  it('is what the Dockerfile names', () => {
    const { image, nodeVersion, suite } = baseOf(readFileSync(join(root, 'Dockerfile'), 'utf8'));
    expect(image).toBe(`docker.io/library/node:${nodeVersion}-${suite}-slim`);
  });

  it.each(['node:22', 'node:22.23.3', 'node:lts-bookworm-slim'])('is refused when it is not pinned: %s', (image) => {
    expect(() => baseOf(`ARG NODE_IMAGE=${image}\n`)).toThrow(image);
  });
});

describe('the mirrors of a machine', () => {
  const targets = [
    'http://mirror.test/debian/ bookworm main',
    'http://mirror.test/debian/ bookworm contrib',
    'http://mirror.test/debian/ bookworm main',
    'http://mirror.test/security/ bookworm-security main',
    'https://elsewhere.test/tools nodistro main',
  ].join('\n');

  it('are those of the release, each once', () => {
    expect(mirrorsOf(targets, 'bookworm')).toEqual({
      mirror: 'http://mirror.test/debian',
      sources: 'deb http://mirror.test/debian bookworm main\ndeb http://mirror.test/security bookworm-security main\n',
    });
  });

  it('are missed when there is none of the release', () => {
    expect(() => mirrorsOf(targets, 'trixie')).toThrow('no mirror of Debian trixie');
  });
});

describe('npm’s configuration for a build', () => {
  it('is this machine’s without its paths, with the authorities in it', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----';
    const files = [
      'fund=false\ncafile=/here/ca.pem\nnodedir=/usr\n',
      'prefix = /here\n//registry.test/:_authToken=abc\n',
    ];
    expect(npmrcOf(files, 'https://registry.test/', `${pem}\n# a comment\n${pem}\n`).split('\n')).toEqual([
      'fund=false',
      '//registry.test/:_authToken=abc',
      'registry=https://registry.test/',
      'ca[]="-----BEGIN CERTIFICATE-----\\nAA==\\n-----END CERTIFICATE-----"',
      'ca[]="-----BEGIN CERTIFICATE-----\\nAA==\\n-----END CERTIFICATE-----"',
      '',
    ]);
  });
});

describe('the manifests of an image', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-manifests-'));
    mkdirSync(join(folder, 'edge'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const write = (path: string, value: unknown) => {
    writeFileSync(join(folder, path), JSON.stringify(value));
  };
  const read = (path: string): unknown => JSON.parse(readFileSync(join(folder, path), 'utf8'));

  it('lose what is for development, in every workspace, but what is asked for', () => {
    write('package.json', { name: 'all', workspaces: ['edge'], devDependencies: { jest: '1', typescript: '2' } });
    write('edge/package.json', { name: 'edge', dependencies: { mqtt: '1' }, devDependencies: { aedes: '1' } });
    leaveOutDevelopment(folder, (name) => name === 'typescript');
    expect(read('package.json')).toEqual({ name: 'all', workspaces: ['edge'], devDependencies: { typescript: '2' } });
    expect(read('edge/package.json')).toEqual({ name: 'edge', dependencies: { mqtt: '1' }, devDependencies: {} });
  });

  it('forget what native modules need to be compiled', () => {
    const other = { version: '1', dependencies: { tar: '7' } };
    const dependencies = { bindings: '^1', 'prebuild-install': '^7', tar: '^7' };
    const sqlite3 = { version: '6', dependencies, optionalDependencies: { 'node-gyp': '12' } };
    write('package-lock.json', { packages: { 'node_modules/sqlite3': sqlite3, 'node_modules/other': other } });
    leaveOutCompiling(folder);
    expect(read('package-lock.json')).toMatchObject({
      packages: {
        'node_modules/sqlite3': { version: '6', dependencies: { bindings: '^1' }, optionalDependencies: {} },
        'node_modules/other': other,
      },
    });
    const { packages } = read('package-lock.json') as { packages: Record<string, { dependencies: object }> };
    expect(Object.keys(packages['node_modules/sqlite3']!.dependencies)).toEqual(['bindings']);
  });
});
