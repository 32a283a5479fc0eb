/** Where the project lies, and small things every script says. */
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Results, caches and whatever else may be deleted at any time. */
export const cacheDirectory = join(root, '.cache');

/** The program of an installed package, as a path that `node` runs.
 * @param {...string} path below node_modules
 */
export const installed = (...path) => join(root, 'node_modules', ...path);

/** A line for the person who started the script.
 * @param {string} text
 */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Milliseconds as seconds a person reads.
 * @param {number} durationMs
 */
export function seconds(durationMs) {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
