/**
 * `npm run package:deb [-- --node FILE] [--out FOLDER]`: makes the Debian package of the edge agent, which brings its own Node.js.
 *
 * It is for the architecture of this machine: the native modules are those that were compiled or fetched here. So one for a Raspberry Pi
 * is made on a Raspberry Pi with a 64-bit system, or on another arm64 machine. Node.js is the one that runs this script, or FILE,
 * which must have the same ABI. Needs dpkg-dev and binutils.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { putContents } from './lib/deb/contents.mjs';
import { putControl, versionOf } from './lib/deb/control.mjs';
import { examineNode } from './lib/deb/node.mjs';
import { ensureBuilt, ensureInstalled } from './lib/install.mjs';
import { ended } from './lib/images/command.mjs';
import { root, say, seconds } from './lib/project.mjs';
import { ensureSystemPackages, installCommand } from './lib/system-packages.mjs';

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    out: { type: 'string', default: join(root, 'dist') },
  },
});
const startMs = Date.now();
const missing = await ensureSystemPackages(['dpkg-dev', 'binutils']);
if (missing.length > 0) {
  say(`These are needed: ${installCommand(missing)}`);
  process.exit(1);
}
await ensureInstalled();
await ensureBuilt('edge-agent');
const stage = mkdtempSync(join(tmpdir(), 'gatehouse-deb-'));
try {
  const node = await examineNode(resolve(values.node));
  const target = join(stage, 'gatehouse-edge');
  mkdirSync(target, { mode: 0o755 });
  const atSeconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? (await lastChangeSeconds()));
  await putContents(target, node, atSeconds);
  const { architecture, installedBytes } = await putControl(target);
  mkdirSync(values.out, { recursive: true });
  const file = join(resolve(values.out), `gatehouse-edge_${versionOf()}_${architecture}.deb`);
  process.env['SOURCE_DATE_EPOCH'] = String(atSeconds);
  // A higher level takes six times as long for a tenth less.
  await ended(['dpkg-deb', '--root-owner-group', '-Zxz', '-z1', '--build', target, file]);
  const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  say(
    `${file}: ${megabytes(statSync(file).size)}, ${megabytes(installedBytes)} installed, Node.js ${node.version}, ${seconds(Date.now() - startMs)}`,
  );
} catch (error) {
  say(`No package: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(stage, { recursive: true, force: true });
}

/** When the files in the package were made, so that the same sources give the same package. */
async function lastChangeSeconds() {
  try {
    return await ended(['git', 'log', '-1', '--format=%ct'], { directory: root });
  } catch {
    return String(Math.floor(Date.now() / 1000));
  }
}
