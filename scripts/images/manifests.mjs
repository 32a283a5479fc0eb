/** What the images are made of, taken out of package.json and package-lock.json. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string[]} [workspaces]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 *
 * @typedef {{ packages: Record<string, Record<string, unknown>> }} Lock
 */

/** Modules with compiled parts: package → the file that it loads, and the packages it needs when it runs. The others that they name only compile or fetch them. */
export const nativeModules = /** @type {const} */ ({
  sqlite3: { file: 'build/Release/node_sqlite3.node', needs: ['bindings'] },
  epoll: { file: 'build/Release/epoll.node', needs: ['bindings'] },
});

/** @param {string} folder a workspace, or the folder of the project @returns {Manifest} */
export function readManifest(folder) {
  return /** @type {Manifest} */ (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
}

/** Takes the development dependencies out of the manifests of a copy of the project, so that `npm ci` asks the lock for nothing else.
 * @param {string} folder
 * @param {(name: string) => boolean} keep
 */
export function leaveOutDevelopment(folder, keep) {
  const { workspaces = [] } = readManifest(folder);
  for (const place of [folder, ...workspaces.map((name) => join(folder, name))]) {
    const manifest = readManifest(place);
    const kept = Object.entries(manifest.devDependencies ?? {}).filter(([name]) => keep(name));
    writeJson(join(place, 'package.json'), { ...manifest, devDependencies: Object.fromEntries(kept) });
  }
}

/** Makes the lock of a copy of the project forget what native modules need only to be compiled.
 * @param {string} folder
 */
export function leaveOutCompiling(folder) {
  const path = join(folder, 'package-lock.json');
  const lock = /** @type {Lock} */ (JSON.parse(readFileSync(path, 'utf8')));
  for (const [name, { needs }] of Object.entries(nativeModules)) {
    const entry = lock.packages[`node_modules/${name}`];
    if (entry === undefined) continue;
    for (const kind of ['optionalDependencies', 'peerDependencies', 'peerDependenciesMeta']) entry[kind] = {};
    const dependencies = Object.entries(/** @type {Record<string, string>} */ (entry['dependencies'] ?? {}));
    entry['dependencies'] = Object.fromEntries(dependencies.filter(([other]) => needs.some((one) => one === other)));
  }
  writeJson(path, lock);
}

/** @param {string} path @param {unknown} value */
function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
