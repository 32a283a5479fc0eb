/** Modules of a kernel, with those they need before them. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Answers files in the order in which they are loaded.
 * @param {string} folder the kernel's own modules
 * @param {readonly string[]} names
 * @returns {string[]}
 */
export function withWhatTheyNeed(folder, names) {
  const files = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ko'))
      .map((path) => [moduleName(path), join(folder, path)]),
  );
  /** @type {Map<string, string>} */
  const ordered = new Map();
  /** @param {string} name */
  const add = (name) => {
    if (ordered.has(name)) return;
    const file = files.get(name);
    if (file === undefined) throw new Error(`this kernel has no module ${name}`);
    for (const needed of dependenciesOf(file)) add(needed);
    ordered.set(name, file);
  };
  names.forEach(add);
  return [...ordered.values()];
}

/** The kernel takes - and _ for the same.
 * @param {string} path
 */
function moduleName(path) {
  return basename(path, '.ko').replaceAll('-', '_');
}

/** @param {string} file */
function dependenciesOf(file) {
  // A module says so itself, in its section .modinfo.
  const [, list = ''] = /\0depends=([^\0]*)\0/.exec(readFileSync(file, 'latin1')) ?? [];
  return list
    .split(',')
    .filter((name) => name !== '')
    .map(moduleName);
}
