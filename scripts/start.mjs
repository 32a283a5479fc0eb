/** `npm start`: installs and compiles what is missing, then runs the demonstration. */
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { runInPlace } from './lib/process.mjs';
import { root } from './lib/project.mjs';

await ensureInstalled();
await ensureBuilt();
runInPlace([join(root, 'simulators', 'dist', 'demo', 'main.js'), ...process.argv.slice(2)]);
