/**
 * `npm run measure:store -- [--stays N] [--write]`: counts what the stay of a vehicle takes of the aggregator's store, table by table, and
 * with `--write` puts it into docs/explanation/growth.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { root, say } from './lib/project.mjs';

const page = join(root, 'docs/explanation/growth.md');

const { values } = parseArgs({
  options: { stays: { type: 'string', default: '40000' }, write: { type: 'boolean', default: false } },
});
const stays = Number(values.stays);
if (!Number.isInteger(stays) || stays < 1_000 || stays > 1_000_000) {
  say('--stays must be a whole number from 1,000 to 1,000,000');
  process.exit(2);
}
await ensureInstalled();
await ensureBuilt();
// It is made of compiled code, which may only be there now.
const { machineShape, measureStoreGrowth, tidyUpAtExit, withReport } = await import('../simulators/dist/index.js');
const growth = await measureStoreGrowth({
  stays,
  acts: Math.min(2_000, stays),
  sites: 8,
  edgesPerSite: 5,
  eventsPerMessage: 4,
  tidyUp: tidyUpAtExit(say),
  say,
});
const count = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const bytes = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const text = [
  `Measured with \`npm run measure:store -- --stays ${String(stays)}\` on ${machineShape()}: ${count.format(growth.stays)} stays, ${count.format(growth.events)} events.`,
  '',
  '| table | rows a stay | bytes a row | bytes a stay |',
  '| --- | --: | --: | --: |',
  ...growth.tables.map(({ table, rowsPerStay, bytesPerRow }) => {
    const isOfStays = rowsPerStay > 0;
    const cells = [isOfStays ? count.format(rowsPerStay) : '–', bytes.format(bytesPerRow)];
    return `| ${[`\`${table}\``, ...cells, isOfStays ? bytes.format(rowsPerStay * bytesPerRow) : '–'].join(' | ')} |`;
  }),
].join('\n');
process.stdout.write(`${text}\n`);
if (values.write) writeFileSync(page, withReport(readFileSync(page, 'utf8'), text));
process.exit();
