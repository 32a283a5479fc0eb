/** Builds copies of the programs with one defect planted, and looks for it in simulated worlds. */
import { spawn } from 'node:child_process';
import { cpSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { root } from './project.mjs';

/**
 * @typedef {{ file: string, find: string, replace: string }} Edit
 * @typedef {{ minutes: number, withFaults: string[], actsPerHour?: number }} Focus
 * @typedef {{ name: string, breaks: string, edits: Edit[], promises: string[], focus: Focus, maxSeeds: number }} Defect
 * @typedef {{ found: string | null, detail: string, seed: number | null, seeds: number, others: string[] }} Hunt
 */

const workspaces = ['shared', 'edge-agent', 'aggregator', 'simulators'];
const cache = join(root, '.cache', 'planted');
/** Longer than any hunt takes on a slow machine. */
const huntTimeoutMs = 300_000;

/** The list of defects, from the compiled simulators.
 * @returns {Promise<Defect[]>}
 */
export async function readDefects() {
  const file = join(root, 'simulators', 'dist', 'world', 'planted', 'defects.js');
  return /** @type {{ defects: Defect[] }} */ (await import(pathToFileURL(file).href)).defects;
}

/** A copy of the compiled programs in which the defect is.
 * @param {Defect} defect
 * @returns {string} its folder
 */
export function plant(defect) {
  const folder = join(cache, defect.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'node_modules', '@gatehouse'), { recursive: true });
  for (const workspace of workspaces) {
    linkPrograms(join(root, workspace, 'dist'), join(folder, workspace, 'dist'));
    cpSync(join(root, workspace, 'package.json'), join(folder, workspace, 'package.json'));
    symlinkSync(join('..', '..', workspace), join(folder, 'node_modules', '@gatehouse', workspace));
  }
  for (const [file, source] of patched(defect)) {
    const compiled = join(folder, file.replace('/src/', '/dist/').replace(/\.ts$/, '.js'));
    rmSync(compiled);
    writeFileSync(compiled, transpile(source));
  }
  return folder;
}

/** The sources with the defect, by file.
 * @param {Defect} defect
 * @returns {Map<string, string>}
 */
function patched(defect) {
  /** @type {Map<string, string>} */
  const sources = new Map();
  for (const { file, find, replace } of defect.edits) {
    const source = sources.get(file) ?? readFileSync(join(root, file), 'utf8');
    if (source.split(find).length !== 2) throw new Error(`${defect.name}: ${file} does not have its text exactly once`);
    sources.set(
      file,
      source.replace(find, () => replace),
    );
  }
  return sources;
}

/** @param {string} source */
function transpile(source) {
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    verbatimModuleSyntax: true,
  };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

/** Programs only; nothing is copied that need not be.
 * @param {string} from
 * @param {string} to
 */
function linkPrograms(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkPrograms(source, target);
    else if (/\.(js|json)$/.test(entry.name)) linkOrCopy(source, target);
  }
}

/** Not every file system has hard links.
 * @param {string} source
 * @param {string} target
 */
function linkOrCopy(source, target) {
  try {
    linkSync(source, target);
  } catch {
    cpSync(source, target);
  }
}

/** Runs seed after seed until a promise is broken that the defect breaks.
 * @param {Defect} defect
 * @param {string} folder where it is planted
 * @returns {Promise<Hunt & { seconds: number }>}
 */
export function hunt(defect, folder) {
  const program = join(folder, 'hunt.mjs');
  writeFileSync(program, huntProgram);
  const { promises, focus, maxSeeds } = defect;
  const startedMs = performance.now();
  const child = spawn(process.execPath, [program, JSON.stringify({ promises, focus, maxSeeds })], {
    cwd: dirname(program),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: huntTimeoutMs,
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output.stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = (performance.now() - startedMs) / 1000;
      if (code === 0) resolve({ .../** @type {Hunt} */ (JSON.parse(output.stdout)), seconds });
      else reject(new Error(`${defect.name}: the world ended with ${String(code)}: ${output.stderr.slice(-2_000)}`));
    });
  });
}

const huntProgram = `
import { createAuditor } from './simulators/dist/world/auditor/index.js';
import { createPeople } from './simulators/dist/world/people/people.js';
import { runWorld } from './simulators/dist/world/run-world.js';
import { scenarioOf } from './simulators/dist/world/scenario-of.js';
import { createStreet } from './simulators/dist/world/street/street.js';

const { promises, focus, maxSeeds } = JSON.parse(process.argv[2]);
const others = new Set();
/** What else a defect breaks does not end the run. */
const createHunter = ({ seed }) => {
  const auditor = createAuditor();
  return {
    onHappening: (witnessed) => auditor.onHappening(witnessed),
    onDrained(atMs) {
      auditor.onDrained(atMs);
      for (const { promise } of auditor.findings) if (!promises.includes(promise)) others.add(promise + ' (' + seed + ')');
    },
    get findings() {
      return auditor.findings.filter(({ promise }) => promises.includes(promise));
    },
  };
};
const parts = { createStreet, createPeople, createAuditor: createHunter };
let answer = { found: null, detail: '', seed: null, seeds: maxSeeds };
for (let seed = 1; seed <= maxSeeds; seed += 1) {
  const { findings } = await runWorld({ scenario: scenarioOf(seed, focus), parts });
  const [broken] = findings;
  if (broken === undefined) continue;
  answer = { found: broken.promise, detail: broken.detail, seed, seeds: seed };
  break;
}
process.stdout.write(JSON.stringify({ ...answer, others: [...others] }));
`;
