/**
 * `assemble.mjs FOLDER [WORKSPACE …]`: puts each program, or those that are named, into FOLDER/WORKSPACE as its image has it: its
 * compiled code and that of the workspaces it needs, their production packages from package-lock.json, and the native modules that
 * were compiled here. Runs inside the build stage of the Dockerfile, after install.mjs and the compiler, and for the Debian package.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { leaveOutCompiling, leaveOutDevelopment, nativeModules, readManifest } from './manifests.mjs';

const programs = ['aggregator', 'edge-agent', 'simulators'];
const npmFlags = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier'];
/** What compilers and people read, and no program loads. */
const unusedFile = /([.][cm]?ts|[.]test[.][cm]?js|[.]map|[.]tsbuildinfo|[.]md|[.]markdown)$/;
const unusedFolder = /^(test|tests|__tests__|example|examples|benchmark|benchmarks|[.]github)$/;

const source = process.cwd();
const [folder = 'images', ...wanted] = process.argv.slice(2);
const target = resolve(folder);
const workspaces = readManifest(source).workspaces ?? [];

for (const program of wanted.length === 0 ? programs : wanted) assemble(program, join(target, program));

/** @param {string} program @param {string} folder */
function assemble(program, folder) {
  const manifests = ['package.json', 'package-lock.json', ...workspaces.map((name) => join(name, 'package.json'))];
  for (const file of manifests) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(source, file), join(folder, file));
  }
  leaveOutDevelopment(folder, () => false);
  leaveOutCompiling(folder);
  execFileSync('npm', ['ci', '--workspace', program, ...npmFlags, '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
  });
  const modules = join(folder, 'node_modules');
  for (const name of ['.package-lock.json', '@types']) rmSync(join(modules, name), { recursive: true, force: true });
  for (const name of readdirSync(modules)) takeNative(modules, name);
  strip(modules);
  const needed = neededBy(program);
  for (const name of workspaces) {
    if (!needed.has(name)) rmSync(join(folder, name), { recursive: true });
    else cpSync(join(source, name, 'dist'), join(folder, name, 'dist'), { recursive: true });
    if (needed.has(name)) strip(join(folder, name));
  }
  rmSync(join(folder, 'package-lock.json'));
}

/** A workspace and those it needs, directly or not.
 * @param {string} workspace
 * @param {Set<string>} found
 */
function neededBy(workspace, found = new Set()) {
  found.add(workspace);
  for (const name of Object.keys(readManifest(join(source, workspace)).dependencies ?? {})) {
    const other = workspaces.find((one) => readManifest(join(source, one)).name === name);
    if (other !== undefined && !found.has(other)) neededBy(other, found);
  }
  return found;
}

/** Keeps of a native module what it loads, its compiled part from here.
 * @param {string} modules
 * @param {string} name
 */
function takeNative(modules, name) {
  const native = Object.entries(nativeModules).find(([one]) => one === name)?.[1];
  if (native === undefined) return;
  for (const folder of ['deps', 'src', 'build']) rmSync(join(modules, name, folder), { recursive: true, force: true });
  const compiled = join(source, 'node_modules', name, native.file);
  if (!existsSync(compiled)) throw new Error(`${name} was not compiled: there is no ${compiled}`);
  mkdirSync(dirname(join(modules, name, native.file)), { recursive: true });
  cpSync(compiled, join(modules, name, native.file));
}

/** @param {string} folder */
function strip(folder) {
  const isPackage = existsSync(join(folder, 'package.json'));
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (isPackage && unusedFolder.test(entry.name)) rmSync(path, { recursive: true });
      else strip(path);
    } else if (entry.isFile() && unusedFile.test(entry.name) && !/licen[cs]e/i.test(entry.name)) {
      rmSync(path);
    }
  }
}
