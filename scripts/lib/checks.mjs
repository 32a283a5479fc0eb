/** The checks that need no test: types, lint, format, dependency rules, unused code. */
import { run } from './process.mjs';
import { installed, say, seconds } from './project.mjs';

/** @typedef {{ name: string, args: readonly string[] }} Check */

/** @type {Check} */
const types = { name: 'types (tsc -b)', args: [installed('typescript', 'bin', 'tsc'), '-b'] };

/** @type {readonly Check[]} */
const lint = [
  {
    name: 'lint (eslint)',
    args: [
      installed('eslint', 'bin', 'eslint.js'),
      ...['.', '--max-warnings', '0', '--cache', '--cache-location', '.cache/eslint/', '--cache-strategy', 'content'],
    ],
  },
];

/** @type {readonly Check[]} */
const others = [
  {
    name: 'format (prettier)',
    args: [
      installed('prettier', 'bin', 'prettier.cjs'),
      ...['--check', '--log-level', 'warn', '--cache', '--cache-location', '.cache/prettier', '.'],
    ],
  },
  {
    name: 'dependency rules (dependency-cruiser)',
    args: [
      installed('dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
      ...['--config', '.dependency-cruiser.cjs', '--output-type', 'err-long'],
      '{shared,edge-agent,aggregator,simulators,monitoring}/{src,test}/**/*.ts',
      'test/**/*.ts',
    ],
  },
  { name: 'generated documents', args: ['scripts/generate.mjs', '--check'] },
  { name: 'unused code (knip)', args: [installed('knip', 'bin', 'knip.js'), '--no-progress', '--no-config-hints'] },
];

/** Runs every check, two at a time; a line for each, and what it found when it fails.
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runChecks() {
  // Types first: the others read what it compiles.
  const first = await runOne(types);
  const lanes = await Promise.all([inOrder(lint), inOrder(others)]);
  const results = [first, ...lanes.flat()];
  const passed = results.filter(Boolean).length;
  return { passed, failed: results.length - passed };
}

/** @param {readonly Check[]} checks */
async function inOrder(checks) {
  const results = [];
  for (const check of checks) results.push(await runOne(check));
  return results;
}

/** @param {Check} check */
async function runOne({ name, args }) {
  const startMs = Date.now();
  const { code, output } = await run(process.execPath, args, { output: 'keep' });
  if (code !== 0 && output.trim() !== '') say(output.trimEnd());
  say(`${code === 0 ? 'ok    ' : 'FAILED'} ${name}, ${seconds(Date.now() - startMs)}`);
  return code === 0;
}
