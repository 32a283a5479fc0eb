/** `run.mjs PROGRAM [args]`: runs one compiled program of the project after installing and compiling what is missing. */
import { resolve } from 'node:path';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { runInPlace } from './lib/process.mjs';
import { root, say } from './lib/project.mjs';

const [program, ...args] = process.argv.slice(2);
if (program === undefined) {
  say('usage: node scripts/run.mjs PROGRAM [arguments]');
  process.exit(2);
}
await ensureInstalled();
await ensureBuilt(program.split('/')[0]);
runInPlace([resolve(root, program), ...args]);
