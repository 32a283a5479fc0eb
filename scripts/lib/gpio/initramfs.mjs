/** The whole file system of the machine: busybox, Node, the edge agent as it is installed, and the program that drives it. */
import { chmodSync, cpSync, existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nativeModules, readManifest } from '../../images/manifests.mjs';
import { ended } from '../images/command.mjs';
import { root } from '../project.mjs';

const folders = ['bin', 'dev', 'proc', 'sys', 'tmp', 'etc', 'data', 'modules'];
/** What nothing loads. */
const unused = /([.]d[.]ts|[.]map|[.]md|[.]tsbuildinfo)$/;

/**
 * @typedef {object} Manifest
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [optionalDependencies]
 */

/** Writes an archive that the kernel unpacks at its start.
 * @param {{ work: string, archive: string, modules: readonly string[] }} options `work` is made anew
 */
export async function makeInitramfs({ work, archive, modules }) {
  rmSync(work, { recursive: true, force: true });
  for (const folder of folders) mkdirSync(join(work, folder), { recursive: true });
  for (const [index, module] of modules.entries()) {
    cpSync(module, join(work, 'modules', `${String(index).padStart(2, '0')}-${basename(module)}`));
  }
  await addProgram(work, await pathOf('busybox'), join('bin', 'busybox'));
  await addProgram(work, process.execPath, join('bin', 'node'));
  addAgent(join(work, 'app'));
  for (const { file } of Object.values(nativeModules)) await addCompiled(work, file);
  cpSync(join(root, 'scripts', 'gpio'), join(work, 'guest'), { recursive: true });
  cpSync(join(root, 'scripts', 'gpio', 'init.sh'), join(work, 'init'));
  chmodSync(join(work, 'init'), 0o755);
  await ended(['sh', '-c', `find . | cpio --quiet -o -H newc > '${archive}'`], { directory: work });
}

/** The compiled agent with the packages it needs in production.
 * @param {string} app
 */
function addAgent(app) {
  const agent = join(root, 'edge-agent');
  if (!existsSync(join(agent, 'dist', 'main.js'))) throw new Error('the agent is not compiled: npm run build');
  addWorkspace(agent, join(app, 'edge-agent'));
  /** @type {Set<string>} */
  const taken = new Set();
  const waiting = [{ folder: agent, needs: needsOf(agent) }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const { name, optional } of next.needs) {
      const folder = locate(name, next.folder);
      // A package has a compiled part for each kind of machine, and npm installs that of this one.
      if (folder === undefined && optional) continue;
      if (folder === undefined) throw new Error(`${name}, needed in ${next.folder}, is not installed: npm install`);
      if (taken.has(folder)) continue;
      taken.add(folder);
      const workspace = !realpathSync(folder).includes('node_modules');
      const target = join(app, folder.slice(root.length));
      if (workspace) addWorkspace(folder, target);
      else addPackage(folder, target);
      waiting.push({ folder, needs: needsOf(folder) });
    }
  }
}

/** @param {string} folder @param {string} target */
function addWorkspace(folder, target) {
  cpSync(join(folder, 'package.json'), join(target, 'package.json'));
  cpSync(join(folder, 'dist'), join(target, 'dist'), { recursive: true, filter: (path) => !unused.test(path) });
}

/** Without the packages below it, which are taken by themselves when they are needed.
 * @param {string} folder
 * @param {string} target
 */
function addPackage(folder, target) {
  const native = Object.entries(nativeModules).find(([name]) => name === basename(folder))?.[1];
  const left = ['node_modules', ...(native === undefined ? [] : ['build', 'deps', 'src'])].map((name) =>
    join(folder, name),
  );
  cpSync(folder, target, { recursive: true, filter: (path) => !left.includes(path) && !unused.test(path) });
  if (native === undefined) return;
  mkdirSync(dirname(join(target, native.file)), { recursive: true });
  cpSync(join(folder, native.file), join(target, native.file));
}

/** @param {string} folder @returns {{ name: string, optional: boolean }[]} */
function needsOf(folder) {
  const native = Object.entries(nativeModules).find(([name]) => name === basename(folder))?.[1];
  if (native !== undefined) return native.needs.map((name) => ({ name, optional: false }));
  const { dependencies = {}, optionalDependencies = {} } = /** @type {Manifest} */ (readManifest(folder));
  const names = Object.keys({ ...dependencies, ...optionalDependencies });
  return names.map((name) => ({ name, optional: name in optionalDependencies }));
}

/** Where Node finds a package that is needed from `folder`.
 * @param {string} name
 * @param {string} folder
 */
function locate(name, folder) {
  for (let from = folder; from.length >= root.length; from = dirname(from)) {
    const found = join(from, 'node_modules', name);
    if (existsSync(found)) return found;
  }
  return undefined;
}

/** @param {string} work @param {string} file the compiled part of a package: its libraries */
async function addCompiled(work, file) {
  for (const name of Object.keys(nativeModules)) {
    const path = join(root, 'node_modules', name, file);
    if (existsSync(path)) await addLibraries(work, path);
  }
}

/** @param {string} work @param {string} from @param {string} to */
async function addProgram(work, from, to) {
  cpSync(realpathSync(from), join(work, to));
  chmodSync(join(work, to), 0o755);
  await addLibraries(work, from);
}

/** @param {string} work @param {string} program */
async function addLibraries(work, program) {
  const listed = await ended(['sh', '-c', `ldd '${program}' || true`]);
  for (const [, path = ''] of listed.matchAll(/(?:^|\s)(\/\S+)\s+\(0x/gm)) {
    if (!existsSync(join(work, path))) cpSync(realpathSync(path), join(work, path));
  }
}

/** @param {string} program */
function pathOf(program) {
  return ended(['sh', '-c', `command -v ${program}`]);
}
