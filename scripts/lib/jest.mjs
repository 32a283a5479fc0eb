/** Runs one kind of test with Jest and counts. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { run } from './process.mjs';
import { cacheDirectory, installed, root } from './project.mjs';
import { missingPackages, systemPackages } from './system-packages.mjs';

/** @typedef {'unit' | 'integration' | 'e2e'} TestKind */
/** @typedef {import('./system-packages.mjs').SystemPackage} SystemPackage */

/** @type {readonly TestKind[]} */
export const testKinds = ['unit', 'integration', 'e2e'];

/** Test files at a time, for a machine of two cores: processes that are started in e2e tests want them for themselves. */
const workers = { unit: '2', integration: '2', e2e: '1' };

/** Milliseconds for one test, on a machine that has other things to do as well. */
const timeoutMs = { unit: '20000', integration: '60000', e2e: '180000' };

/** @typedef {{ file: string, needs: SystemPackage[] }} TestFile */

/** The test files of a kind, and the system packages that each names in a line `@needs PACKAGE …` of its opening comment.
 * @param {TestKind} kind
 * @returns {TestFile[]}
 */
export function testFiles(kind) {
  return [...walk(root)]
    .filter((path) => path.endsWith(`.${kind}.test.ts`))
    .map((path) => ({ file: relative(root, path), needs: needsOf(readFileSync(path, 'utf8'), relative(root, path)) }));
}

/** Files of a kind that cannot run here for want of a package, with what they lack.
 * @param {TestKind} kind
 * @returns {{ file: string, missing: SystemPackage[] }[]}
 */
export function unrunnable(kind) {
  return testFiles(kind)
    .map(({ file, needs }) => ({ file, missing: missingPackages(needs) }))
    .filter(({ missing }) => missing.length > 0);
}

/**
 * @typedef {object} JestCount
 * @property {number} passed
 * @property {number} failed Failed tests, and files that could not be run at all.
 * @property {number} code Jest's exit code.
 */

/** Runs a kind of test; output goes to the terminal.
 * @param {TestKind} kind
 * @param {readonly string[]} args for Jest
 * @returns {Promise<JestCount>}
 */
export async function runJest(kind, args) {
  const outputFile = join(cacheDirectory, `${kind}-results.json`);
  mkdirSync(cacheDirectory, { recursive: true });
  rmSync(outputFile, { force: true });
  const leftOut = unrunnable(kind).flatMap(({ file }) => ['--testPathIgnorePatterns', escapePattern(file)]);
  const { code } = await run(
    process.execPath,
    [
      installed('jest', 'bin', 'jest.js'),
      // Options that take several values come first: they would swallow the file names in `args`.
      ...['--selectProjects', kind, ...leftOut],
      ...[
        '--json',
        '--outputFile',
        outputFile,
        '--maxWorkers',
        workers[kind],
        '--testTimeout',
        timeoutMs[kind],
        ...args,
      ],
    ],
    { environment: { NODE_OPTIONS: nodeOptions(), PATH: pathWithServers() }, output: 'errors' },
  );
  return { ...count(outputFile), code };
}

/** @param {string} outputFile */
function count(outputFile) {
  try {
    const results =
      /** @type {{ numPassedTests: number, numFailedTests: number, numRuntimeErrorTestSuites: number }} */
      (JSON.parse(readFileSync(outputFile, 'utf8')));
    return { passed: results.numPassedTests, failed: results.numFailedTests + results.numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

function nodeOptions() {
  const wanted = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  return [process.env['NODE_OPTIONS'] ?? '', ...wanted].join(' ').trim();
}

/** Debian keeps servers in folders that are not on everybody's path. */
function pathWithServers() {
  return [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
}

/** @param {string} source @param {string} file @returns {SystemPackage[]} */
function needsOf(source, file) {
  const comment = /^\s*\/\*\*[\s\S]*?\*\//.exec(source)?.[0] ?? '';
  const names = [...comment.matchAll(/@needs ([a-z0-9 -]+)/g)].flatMap((match) => (match[1] ?? '').trim().split(/\s+/));
  const unknown = names.filter((name) => !(name in systemPackages));
  if (unknown.length > 0)
    throw new Error(`${file}: @needs ${unknown.join(' ')}: not in scripts/lib/system-packages.mjs`);
  return /** @type {SystemPackage[]} */ (names);
}

/** @param {string} folder @returns {Generator<string>} */
function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'data'].includes(entry.name) || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

/** @param {string} text */
function escapePattern(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
