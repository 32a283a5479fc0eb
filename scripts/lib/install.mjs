/** Makes a fresh clone ready: the right Node.js, the packages of package-lock.json, the compiled programs. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onPath } from './system-packages.mjs';
import { run } from './process.mjs';
import { installed, root, say } from './project.mjs';

const oldestNode = [20, 17];
const manifests = ['package-lock.json', 'package.json', ...workspaceManifests()];
const stampFile = installed('.gatehouse-stamp');

/** Ends the script with a sentence unless Node.js is new enough. */
export function ensureNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = oldestNode;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  say(
    `Gatehouse needs Node.js ${oldestNode.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).`,
  );
  process.exit(1);
}

/** Installs what package-lock.json names, when that has not been done. Ends the script when it cannot. */
export async function ensureInstalled() {
  ensureNode();
  const wanted = fingerprint();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
  if (!matchesLock()) {
    say('Installing the packages of package-lock.json. Compiling sqlite3 can take some minutes.');
    // Not `npm ci`: it refuses a lock file that leaves out optional packages for other platforms. `--no-save` leaves the lock as it is.
    const { code } = await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
      environment: { npm_config_update_notifier: 'false' },
    });
    if (code !== 0) {
      sayWhatIsNeeded();
      process.exit(1);
    }
  }
  writeFileSync(stampFile, wanted);
}

/** Compiles TypeScript, only what changed. Ends the script when it does not compile.
 * @param {string} project a workspace; those it refers to are compiled too
 */
export async function ensureBuilt(project = 'simulators') {
  if (!existsSync(join(root, project, 'dist'))) say('Compiling (tsc -b).');
  const { code, output } = await run(process.execPath, [installed('typescript', 'bin', 'tsc'), '-b', project], {
    output: 'keep',
  });
  if (code === 0) return;
  say(output.trimEnd());
  say('It does not compile.');
  process.exit(1);
}

function workspaceManifests() {
  const { workspaces } = /** @type {{ workspaces: string[] }} */ (readJson('package.json'));
  return workspaces.map((workspace) => `${workspace}/package.json`);
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const file of manifests) hash.update(readFileSync(join(root, file)));
  return `${hash.digest('hex')} ${process.platform}-${process.arch}-${process.versions.modules}\n`;
}

/** @typedef {{ packages: Record<string, { version?: string, link?: boolean, optional?: boolean }> }} Lock */

/** Whether npm's own record of what is installed has everything package-lock.json asks for. */
function matchesLock() {
  const record = installed('.package-lock.json');
  if (!existsSync(record) || !existsSync(installed('sqlite3', 'build', 'Release', 'node_sqlite3.node'))) return false;
  const have = /** @type {Lock} */ (readJson('node_modules/.package-lock.json')).packages;
  const want = /** @type {Lock} */ (readJson('package-lock.json')).packages;
  return Object.entries(want).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true;
    const found = have[path];
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
}

/** @param {string} path @returns {unknown} */
function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

function sayWhatIsNeeded() {
  const tools = /** @type {const} */ ([
    ['python3', 'python3'],
    ['make', 'make'],
    ['g++', 'g++'],
  ]);
  const missing = tools.filter(([program]) => !onPath(program)).map(([, name]) => name);
  say('');
  say(
    'The packages could not be installed. Where no prebuilt binary fits, sqlite3 is compiled: that takes python3, make and g++.',
  );
  if (missing.length > 0) {
    say(`Not found here: ${missing.join(', ')}. On Debian: apt-get install -y ${missing.join(' ')}`);
  } else {
    say('All three are here, so the reason is in the lines above.');
  }
}
