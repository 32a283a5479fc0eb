/** `generate.mjs [--check]`: writes the documents that are made from the code, or names those that are out of date. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { root, say } from './lib/project.mjs';

await ensureInstalled();
await ensureBuilt('scripts');
const { staleDocuments } = await import('./lib/documents.mjs');
const stale = await staleDocuments();
if (process.argv.includes('--check')) {
  for (const { path } of stale) say(`${path} is out of date; write it again with: npm run generate`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const { path, text } of stale) {
    writeFileSync(join(root, path), text);
    say(`wrote ${path}`);
  }
  if (stale.length === 0) say('Every generated document is up to date.');
}
