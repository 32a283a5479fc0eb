/**
 * A stand-in for the official Node.js image where no registry of images can be reached: Debian by debootstrap, the same version of
 * Node.js as npm's registry has it, npm, and the user `node`.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say, seconds } from '../project.mjs';
import { ended } from './command.mjs';
import { mirrorsOf } from './settings.mjs';

/** Of the 10 series, as the official images of Node.js 22 have it. */
const npmVersion = '10.9.9';
/** Goes up when what is written below changes, so that a kept base is not taken for the new one. */
const edition = 3;
const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Makes the base unless it is there.
 * @param {import('./buildah.mjs').Buildah} buildah
 * @param {import('./settings.mjs').Base} base
 * @param {string} directory for what is large and passing
 */
export async function ensureBase(buildah, { image, nodeVersion, suite }, directory) {
  const mark = `${String(edition)} ${suite} node ${nodeVersion} npm ${npmVersion}`;
  if ((await markOf(buildah, image)) === mark) return;
  const startMs = Date.now();
  say(`Making a stand-in for ${image}: Debian ${suite} by debootstrap, Node.js ${nodeVersion} from npm’s registry.`);
  const folder = mkdtempSync(join(directory, 'base-'));
  try {
    const rootfs = join(folder, 'rootfs');
    await Promise.all([debian(rootfs, suite), nodeAndNpm(folder, nodeVersion)]);
    put(folder, rootfs);
    await ended([
      'chroot',
      rootfs,
      'useradd',
      '--uid',
      '1000',
      '--user-group',
      '--create-home',
      '--shell',
      '/bin/bash',
      'node',
    ]);
    const container = await buildah.run(['from', 'scratch']);
    // `buildah add` would give everything to root.
    await ended(['cp', '--archive', `${rootfs}/.`, await buildah.run(['mount', container])]);
    await buildah.run(['config', '--env', path, '--label', `stand-in=${mark}`, '--cmd', 'node', container]);
    await buildah.run(['commit', '--quiet', '--format', 'docker', '--rm', container, image]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  say(`made in ${seconds(Date.now() - startMs)}`);
}

/** @param {import('./buildah.mjs').Buildah} buildah @param {string} image */
async function markOf(buildah, image) {
  try {
    return await buildah.run([
      'inspect',
      '--type',
      'image',
      '--format',
      '{{index .Docker.Config.Labels "stand-in"}}',
      image,
    ]);
  } catch {
    return undefined;
  }
}

/** @param {string} rootfs @param {string} suite */
async function debian(rootfs, suite) {
  const targets = await ended([
    ...['apt-get', 'indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages'],
  ]);
  const { mirror, sources } = mirrorsOf(targets, suite);
  await ended(['debootstrap', '--variant=minbase', suite, rootfs, mirror]);
  writeFileSync(join(rootfs, 'etc/apt/sources.list'), sources);
  const proxies = (await ended(['apt-config', 'dump']))
    .split('\n')
    .filter((line) => /^Acquire::https?::.*Proxy/i.test(line));
  if (proxies.length > 0) writeFileSync(join(rootfs, 'etc/apt/apt.conf.d/00proxy'), `${proxies.join('\n')}\n`);
  // As in slim images.
  for (const unused of [
    'usr/share/doc',
    'usr/share/man',
    'usr/share/locale',
    'var/lib/apt/lists',
    'var/cache/apt',
    'var/log',
  ]) {
    rmSync(join(rootfs, unused), { recursive: true, force: true });
    mkdirSync(join(rootfs, unused));
  }
  rmSync(join(rootfs, 'etc/resolv.conf'), { force: true });
}

/** @param {string} folder @param {string} nodeVersion */
async function nodeAndNpm(folder, nodeVersion) {
  const node = `node-${process.platform}-${process.arch}`;
  for (const [name, specification] of [
    ['node', `${node}@${nodeVersion}`],
    ['npm', `npm@${npmVersion}`],
  ]) {
    const target = join(folder, name ?? '');
    mkdirSync(target);
    const packed = await ended([
      'npm',
      'pack',
      specification ?? '',
      '--json',
      '--loglevel=error',
      '--pack-destination',
      target,
    ]);
    const { filename } = /** @type {{ filename: string }[]} */ (JSON.parse(packed))[0] ?? {};
    await ended(['tar', '--extract', '--no-same-owner', '--file', join(target, filename ?? ''), '--directory', target]);
  }
}

/** @param {string} folder @param {string} rootfs */
function put(folder, rootfs) {
  const local = join(rootfs, 'usr/local');
  cpSync(join(folder, 'node/package/bin/node'), join(local, 'bin/node'));
  cpSync(join(folder, 'node/package/include'), join(local, 'include'), { recursive: true });
  cpSync(join(folder, 'npm/package'), join(local, 'lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name));
  }
}
