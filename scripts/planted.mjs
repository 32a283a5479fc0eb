/**
 * `npm run planted -- [NAME …] [--json]`: plants each defect in a copy of the programs and lets simulated worlds find it. Ends
 * with an error when one is not found within its number of seeds.
 */
import { availableParallelism } from 'node:os';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { hunt, plant, readDefects } from './lib/planted.mjs';
import { say } from './lib/project.mjs';

/** @typedef {Awaited<ReturnType<typeof hunt>> & { defect: import('./lib/planted.mjs').Defect }} Outcome */

const args = process.argv.slice(2);
const asJson = args.includes('--json');
const option = args.find((arg) => arg.startsWith('-') && arg !== '--json');
if (option !== undefined) {
  const isQuestion = option === '--help' || option === '-h';
  const usage = 'Usage: npm run planted -- [NAME …] [--json]\nWithout a name: every planted defect.';
  if (isQuestion) process.stdout.write(`${usage}\n`);
  else say(`There is no option ${option}.\n${usage}`);
  process.exit(isQuestion ? 0 : 2);
}
const names = args.filter((arg) => !arg.startsWith('--'));

await ensureInstalled();
await ensureBuilt();
const defects = await readDefects();
const unknown = names.filter((name) => !defects.some((defect) => defect.name === name));
if (unknown.length > 0) {
  say(`There is no defect ${unknown.join(', ')}; there are:\n${defects.map(({ name }) => `  ${name}`).join('\n')}`);
  process.exit(2);
}
const wanted = defects.filter(({ name }) => names.length === 0 || names.includes(name));
const startedMs = performance.now();
const outcomes = await inParallel(wanted, async (defect) => {
  const outcome = { ...(await hunt(defect, plant(defect))), defect };
  if (!asJson) print(lineOf(outcome));
  return outcome;
});
const missed = outcomes.filter(({ found }) => found === null);
if (asJson) {
  print(
    JSON.stringify(
      outcomes.map(({ defect, ...outcome }) => {
        const { name, breaks, promises, focus, maxSeeds } = defect;
        return { name, breaks, promises, focus, maxSeeds, ...outcome };
      }),
    ),
  );
} else {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  print(
    `${String(outcomes.length - missed.length)} of ${String(outcomes.length)} planted defects found in ${seconds} s`,
  );
}
if (missed.length > 0) process.exitCode = 1;

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}

/** @param {Outcome} outcome */
function lineOf({ defect, found, seed, seconds, others }) {
  const name = defect.name.padEnd(34);
  const result = found === null ? `NOT FOUND in ${String(defect.maxSeeds)} seeds` : found;
  const where = seed === null ? '' : `seed ${String(seed)} of ${String(defect.maxSeeds)}`;
  const rest = others.length === 0 ? '' : `  also ${others.join(', ')}`;
  return `${name} ${result.padEnd(34)} ${where.padEnd(14)} ${seconds.toFixed(1).padStart(5)} s${rest}`;
}

/**
 * As many at a time as there are processors.
 * @template T, R
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>} in the order of the items
 */
async function inParallel(items, work) {
  /** @type {R[]} */
  const results = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index];
      if (item !== undefined) results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}
