/** Each dependency rule is shown to fail on a small tree that breaks it once, and a tree that keeps them all passes. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '..', '..');
const config = join(root, '.dependency-cruiser.cjs');
const require = createRequire(import.meta.url);
const { forbidden } = require(config) as { forbidden: { name: string }[] };

/** File → what it imports. */
type Tree = Readonly<Record<string, readonly string[]>>;

const lawful: Tree = {
  'shared/src/index.ts': ['zod', './edge.js'],
  'shared/src/edge.ts': ['zod'],
  'shared/src/node/index.ts': ['node:fs', 'pino', '../index.js'],
  'edge-agent/src/domain/lane.ts': ['@gatehouse/shared/edge'],
  'edge-agent/src/app/agent.ts': ['../domain/lane.js', '@gatehouse/shared/edge', 'zod'],
  'edge-agent/src/adapters/outbox.ts': ['../app/agent.js', 'sqlite3', 'node:fs', '@gatehouse/shared/node'],
  'edge-agent/src/main.ts': ['./adapters/outbox.js', './app/agent.js', '@gatehouse/shared/node'],
  'edge-agent/src/index.ts': ['./app/agent.js', './adapters/outbox.js'],
  'edge-agent/test/agent.unit.test.ts': ['../src/app/agent.js', '@jest/globals'],
  'aggregator/src/domain/engine.ts': ['@gatehouse/shared'],
  'aggregator/src/http/server.ts': ['../domain/engine.js', 'sqlite3'],
  'simulators/src/main.ts': ['@gatehouse/edge-agent'],
  'monitoring/src/dashboards.ts': ['@grafana/grafana-foundation-sdk', '@gatehouse/shared'],
  'monitoring/test/panels.e2e.test.ts': ['../src/dashboards.js', '@gatehouse/edge-agent'],
};

/** Rule → a file that breaks it, and no other rule unless named beside it. */
const unlawful: readonly { rule: string; file: string; imports: string; also?: readonly string[] }[] = [
  { rule: 'shared-is-vocabulary', file: 'shared/src/clock.ts', imports: 'node:perf_hooks' },
  { rule: 'shared-is-vocabulary', file: 'shared/src/log.ts', imports: 'pino' },
  {
    rule: 'shared-node-is-thin',
    file: 'shared/src/node/store.ts',
    imports: 'sqlite3',
    also: ['declared-packages-only'],
  },
  { rule: 'platform-only-at-the-rim', file: 'edge-agent/src/clock.ts', imports: '@gatehouse/shared/node' },
  { rule: 'domain-is-pure', file: 'edge-agent/src/domain/random.ts', imports: 'node:crypto' },
  { rule: 'domain-is-pure', file: 'aggregator/src/domain/schema.ts', imports: 'zod' },
  { rule: 'domain-is-pure', file: 'edge-agent/src/domain/store.ts', imports: '../app/agent.js' },
  { rule: 'app-knows-ports-only', file: 'aggregator/src/app/files.ts', imports: 'node:fs' },
  { rule: 'app-knows-ports-only', file: 'edge-agent/src/app/store.ts', imports: 'sqlite3' },
  {
    rule: 'app-knows-ports-only',
    file: 'edge-agent/src/app/outbox.ts',
    imports: '../adapters/outbox.js',
    also: ['only-main-chooses-adapters'],
  },
  { rule: 'adapters-do-not-know-http-or-main', file: 'aggregator/src/adapters/page.ts', imports: '../http/server.js' },
  { rule: 'only-main-chooses-adapters', file: 'edge-agent/src/http/pages.ts', imports: '../adapters/outbox.js' },
  { rule: 'edge-needs-no-api', file: 'edge-agent/src/domain/slots.ts', imports: '@gatehouse/shared' },
  {
    rule: 'edge-knows-no-aggregator',
    file: 'edge-agent/test/both.unit.test.ts',
    imports: '../../aggregator/src/domain/engine.js',
  },
  { rule: 'aggregator-knows-no-edge', file: 'aggregator/test/both.unit.test.ts', imports: '@gatehouse/edge-agent' },
  { rule: 'shared-knows-nobody', file: 'shared/test/all.unit.test.ts', imports: '../../simulators/src/traffic.js' },
  {
    rule: 'monitoring-meets-programs-on-their-metrics',
    file: 'monitoring/src/metrics.ts',
    imports: '@gatehouse/edge-agent',
  },
  {
    rule: 'programs-know-no-dashboard',
    file: 'simulators/src/pictures.ts',
    imports: '../../monitoring/src/dashboards.js',
  },
  { rule: 'nobody-imports-main', file: 'simulators/src/run.ts', imports: './main.js' },
  { rule: 'safe-levels-start-fast', file: 'edge-agent/src/safe-levels.ts', imports: './adapters/outbox.js' },
  { rule: 'no-tests-in-programs', file: 'simulators/src/traffic.ts', imports: '../test/helper.js' },
  { rule: 'source-not-dist', file: 'simulators/src/old.ts', imports: '../../shared/dist/index.js' },
  { rule: 'no-cycles', file: 'simulators/src/loop.ts', imports: './loop.js' },
  { rule: 'declared-packages-only', file: 'simulators/src/page.ts', imports: 'sqlite3' },
  { rule: 'resolvable', file: 'simulators/src/gone.ts', imports: './nowhere.js' },
];

describe('the dependency rules', () => {
  let folder = '';
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('pass on a tree that keeps them', async () => {
    folder = await grow(lawful);
    expect(await violations(folder)).toEqual([]);
  });

  it('fail, each by its name, on a tree that breaks them', async () => {
    const broken = unlawful.map(({ file, imports }): [string, string[]] => [file, [imports]]);
    folder = await grow({
      ...lawful,
      ...Object.fromEntries(broken),
      'simulators/test/helper.ts': [],
      'shared/dist/index.js': [],
    });
    const expected = unlawful.flatMap(({ rule, file, also = [] }) => [rule, ...also].map((name) => `${name}: ${file}`));
    expect(await violations(folder)).toEqual(expected.sort());
  });

  it('are all covered above', () => {
    const covered = new Set(unlawful.map(({ rule }) => rule));
    expect(forbidden.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
  });
});

async function grow(tree: Tree): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-rules-'));
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  for (const [path, imports] of Object.entries(tree)) {
    await write(path, [...imports.map((name) => `import '${name}';`), 'export {};', ''].join('\n'));
  }
  for (const name of ['zod', 'pino', 'sqlite3', '@jest/globals', '@grafana/grafana-foundation-sdk']) {
    await write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    await write(`node_modules/${name}/index.js`, '');
  }
  await write('tsconfig.base.json', JSON.stringify({ compilerOptions: { module: 'NodeNext' } }));
  await write('package.json', JSON.stringify({ name: 'tree', type: 'module' }));
  await mkdir(join(folder, 'node_modules', '@gatehouse'));
  for (const [workspace, packages] of Object.entries(declared)) {
    const dependencies = Object.fromEntries(packages.map((name) => [name, '1.0.0']));
    const exports = {
      '.': { 'gatehouse-source': './src/index.ts' },
      './edge': { 'gatehouse-source': './src/edge.ts' },
      './node': { 'gatehouse-source': './src/node/index.ts' },
    };
    await write(
      `${workspace}/package.json`,
      JSON.stringify({ name: `@gatehouse/${workspace}`, exports, dependencies }),
    );
    await symlink(join(folder, workspace), join(folder, 'node_modules', '@gatehouse', workspace));
  }
  return folder;
}

const declared = {
  shared: ['zod', 'pino'],
  'edge-agent': ['zod', 'sqlite3', '@gatehouse/shared'],
  aggregator: ['zod', 'sqlite3', '@gatehouse/shared'],
  simulators: ['@gatehouse/edge-agent'],
  monitoring: ['@grafana/grafana-foundation-sdk', '@gatehouse/shared'],
};

async function violations(folder: string): Promise<string[]> {
  const program = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const args = [program, '--config', config, '--output-type', 'json', ...Object.keys(declared)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, maxBuffer: 10_000_000 }).catch(
    (error: unknown) => error as { stdout: string },
  );
  const report = JSON.parse(stdout) as { summary: { violations: { rule: { name: string }; from: string }[] } };
  return report.summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`).sort();
}
