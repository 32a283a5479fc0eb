/** The files of the Debian package, in a folder. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ended } from '../images/command.mjs';
import { root } from '../project.mjs';
import { changelogOf, copyrightOf, lintianOverrides } from './documents.mjs';

const home = 'usr/lib/gatehouse-edge';
/** Of an npm package; beside those that the images leave out. */
const unusedFolder = /^(integration|integration-test|spec|scripts|docs)$/;
const documents = 'usr/share/doc/gatehouse-edge';

/**
 * @param {string} target
 * @param {import('./node.mjs').PackagedNode} node
 * @param {number} atSeconds when its files were made, of the Unix epoch
 */
export async function putContents(target, node, atSeconds) {
  await putProgram(target, node);
  const service = join(root, 'edge-agent', 'systemd');
  const put = (/** @type {string} */ from, /** @type {string} */ to, mode = 0o644) =>
    copy(from, join(target, to), mode);
  put(join(service, 'gatehouse-edge.sh'), 'usr/bin/gatehouse-edge', 0o755);
  put(join(service, 'edge.yaml'), 'etc/gatehouse/edge.yaml', 0o640);
  put(join(service, 'gatehouse-edge.service'), 'lib/systemd/system/gatehouse-edge.service');
  put(join(service, 'sysusers.conf'), 'usr/lib/sysusers.d/gatehouse-edge.conf');
  put(join(service, 'journald.conf'), 'usr/lib/systemd/journald.conf.d/50-gatehouse-edge.conf');
  // Before those of Raspberry Pi OS, which have the last word there.
  put(join(service, 'gpio.rules'), 'lib/udev/rules.d/60-gatehouse-edge.rules');
  put(join(root, 'edge-agent/examples/raspberry-pi.yaml'), `${documents}/examples/raspberry-pi.yaml`);
  put(join(root, 'docs/reference/configuration.md'), `${documents}/configuration.md`);
  const write = (/** @type {string} */ to, /** @type {string | Buffer} */ text) => {
    mkdirSync(dirname(join(target, to)), { recursive: true });
    writeFileSync(join(target, to), text);
  };
  write(`${documents}/copyright`, await copyrightOf(join(target, home), node));
  write(`${documents}/changelog.gz`, gzipSync(changelogOf(atSeconds), { level: 9 }));
  write(
    'usr/share/man/man1/gatehouse-edge.1.gz',
    gzipSync(readFileSync(join(service, 'gatehouse-edge.1')), { level: 9 }),
  );
  write('usr/share/lintian/overrides/gatehouse-edge', lintianOverrides);
  settle(target, atSeconds);
}

/** @param {string} target @param {import('./node.mjs').PackagedNode} node */
async function putProgram(target, node) {
  const assembled = join(dirname(target), 'assembled');
  await ended([process.execPath, join(root, 'scripts/images/assemble.mjs'), assembled, 'edge-agent'], {
    directory: root,
  });
  mkdirSync(join(target, dirname(home)), { recursive: true });
  renameSync(join(assembled, 'edge-agent'), join(target, home));
  copy(node.file, join(target, home, 'bin/node'), 0o755);
  for (const unused of ['koffi/vendor', 'koffi/doc', 'koffi/cnoke.cjs', '.bin']) {
    rmSync(join(target, home, 'node_modules', unused), { recursive: true, force: true });
  }
  // For another C library than Debian's.
  const koffi = join(target, home, 'node_modules/@koromix');
  for (const name of existsSync(koffi) ? readdirSync(koffi, { recursive: true, encoding: 'utf8' }) : []) {
    if (/[/]musl_[^/]+$/.test(name)) rmSync(join(koffi, name), { recursive: true, force: true });
  }
  prune(join(target, home, 'node_modules'));
  // What nobody runs here needs no symbols of a debugger; those that native modules look for stay.
  for (const file of [...filesBelow(join(target, home))].filter(isBinary)) {
    await ended(['strip', '--strip-unneeded', file]);
  }
}

/** Takes out what npm packages bring for their own developers. @param {string} folder */
function prune(folder) {
  const isPackage = existsSync(join(folder, 'package.json'));
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const isUnused = entry.name.startsWith('.') || /[.](html|sh|cc|hh|inc|S|asm|def|gyp|gypi)$/.test(entry.name);
    if (isUnused || (isPackage && unusedFolder.test(entry.name))) rmSync(path, { recursive: true });
    else if (entry.isDirectory()) prune(path);
  }
}

/** Whether it is a program or library of this machine. @param {string} path */
export function isBinary(path) {
  return /([.]node|[.]so|[/]bin[/]node)$/.test(path);
}

/** Regular files. @param {string} folder @returns {Generator<string>} */
export function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** @param {string} from @param {string} to @param {number} mode */
function copy(from, to, mode) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, mode);
}

/** Whatever the mask of the person who builds, and whenever others packed their files.
 * @param {string} folder
 * @param {number} atSeconds
 */
function settle(folder, atSeconds) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stats = lstatSync(path);
    if (stats.isDirectory()) settle(path, atSeconds);
    else if (stats.isFile()) chmodSync(path, modeOf(path));
    lutimesSync(path, atSeconds, atSeconds);
  }
  chmodSync(folder, 0o755);
}

/** @param {string} path */
function modeOf(path) {
  if (path.endsWith('/etc/gatehouse/edge.yaml')) return 0o640;
  return /[/]bin[/](node|gatehouse-edge)$/.test(path) ? 0o755 : 0o644;
}
