/**
 * `npm run measure:edge -- [--rounds N] [--short]`: measures figure 10 of the benchmarks alone, what an edge agent takes of its machine,
 * and puts the table into docs/explanation/wear-and-idle.md unless it is short. Needs Linux and strace.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { root, say } from './lib/project.mjs';
import { ensureSystemPackages, installCommand } from './lib/system-packages.mjs';

const page = join(root, 'docs/explanation/wear-and-idle.md');

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, short: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
  say('--rounds must be a whole number from 1 to 100');
  process.exit(2);
}
const missing = await ensureSystemPackages(['strace']);
if (missing.length > 0) {
  say(`strace is needed: ${installCommand(missing)}`);
  process.exit(1);
}
await ensureInstalled();
await ensureBuilt();
// They are made of compiled code, which may only be there now.
const { edgeCost, machineShape, median, runBench, tidyUpAtExit, withReport } =
  await import('../simulators/dist/index.js');
const scale = values.short ? 'short' : 'full';
const [result] = await runBench([edgeCost], { scale, rounds, tidyUp: tidyUpAtExit(say), say });
if (result === undefined || result.failure !== null) {
  say(result?.failure ?? 'nothing was measured');
  process.exit(1);
}
const text = [
  `Measured with \`npm run measure:edge\` on ${machineShape()}. Median of ${values.rounds} rounds, smallest and largest in brackets.`,
  '',
  '| | edge agent | floor | what the floor is |',
  '| --- | --- | --- | --- |',
  ...result.lines.map(
    ({ what, unit, ours, floors, floor }) =>
      `| ${what} | ${spread(ours, unit)} | ${floors.length === 0 ? '–' : spread(floors, unit)} | ${floor ?? '–'} |`,
  ),
].join('\n');
process.stdout.write(`${text}\n`);
if (!values.short) writeFileSync(page, withReport(readFileSync(page, 'utf8'), text));
process.exit();

/** @param {readonly number[]} samples @param {string} unit */
function spread(samples, unit) {
  /** @param {number} value */
  const shown = (value) => `${Number(value.toPrecision(3)).toLocaleString('en')}${unit === 'count' ? '' : ` ${unit}`}`;
  return `${shown(median(samples))} (${shown(Math.min(...samples))} … ${shown(Math.max(...samples))})`;
}
