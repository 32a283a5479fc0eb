/**
 * `npm run measure:edge -- [--vehicles N] [--repetitions N] [--idle-seconds N] [--json] [--write]`: tells what one vehicle costs the
 * storage of an edge, and what an edge costs that has nothing to do, beside a bare Node.js process with the same libraries.
 * `--write` puts the table into docs/explanation/wear-and-idle.md. Needs Linux and strace.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machineShape, report } from './lib/edge-cost/report.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { root, say } from './lib/project.mjs';
import { ensureSystemPackages, installCommand } from './lib/system-packages.mjs';

/** Simulated milliseconds of the lane in a real one, with traffic. */
const factor = 40;
const page = join(root, 'docs/explanation/wear-and-idle.md');

const { values } = parseArgs({
  options: {
    vehicles: { type: 'string', default: '100' },
    repetitions: { type: 'string', default: '3' },
    'idle-seconds': { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const vehicles = countOf('vehicles', 1, 10_000);
const repetitions = countOf('repetitions', 1, 100);
const idleSeconds = countOf('idle-seconds', 10, 3_600);

const missing = await ensureSystemPackages(['strace']);
if (missing.length > 0) {
  say(`strace is needed: ${installCommand(missing)}`);
  process.exit(1);
}
await ensureInstalled();
await ensureBuilt();
// They are made of compiled code, which may only be there now.
const { costOfIdling, costOfVehicles } = await import('./lib/edge-cost/measure.mjs');
const traffic = [];
const idle = [];
for (let repetition = 1; repetition <= repetitions; repetition += 1) {
  say(`${String(repetition)} of ${String(repetitions)}: ${String(vehicles)} vehicles`);
  traffic.push(await costOfVehicles(vehicles, factor));
  say(`${String(repetition)} of ${String(repetitions)}: nobody for ${String(idleSeconds)} s`);
  idle.push(await costOfIdling(idleSeconds));
}
const measured = { machine: machineShape(), vehicles, repetitions, idleSeconds, factor, traffic, idle };
const text = report(measured);
process.stdout.write(values.json ? `${JSON.stringify(measured, null, 2)}\n` : `${text}\n`);
if (values.write) {
  const before = readFileSync(page, 'utf8');
  const [begin, end] = ['<!-- measured -->', '<!-- /measured -->'];
  const [head = '', rest = ''] = before.split(begin);
  const tail = rest.split(end)[1] ?? '';
  writeFileSync(page, `${head}${begin}\n\n${text}\n\n${end}${tail}`);
}

/** @param {'vehicles' | 'repetitions' | 'idle-seconds'} name @param {number} min @param {number} max */
function countOf(name, min, max) {
  const count = Number(values[name]);
  if (Number.isInteger(count) && count >= min && count <= max) return count;
  say(`--${name} must be a whole number from ${String(min)} to ${String(max)}`);
  process.exit(2);
}
