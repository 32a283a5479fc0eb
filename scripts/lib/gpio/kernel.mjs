/**
 * Debian's kernel with a simulated GPIO chip, a network card and a disk. The modules of the chip are not among those that Debian
 * ships: they are built here, from Debian's own source package, for its own kernel, and stay in the cache.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ended } from '../images/command.mjs';
import { say } from '../project.mjs';
import { installCommand } from '../system-packages.mjs';
import { withWhatTheyNeed } from './kernel-modules.mjs';

/**
 * @typedef {object} Kernel
 * @property {string} release such as 6.1.0-56-amd64
 * @property {string} image the compressed kernel
 * @property {readonly string[]} modules files, in the order in which they are loaded
 */

const aptTimeoutMs = 10 * 60_000;
/** Counts up when what lies in the cache changes. */
const cacheVersion = 2;
/** What Debian ships: configuration of the chip, network, disk, file system and the checksum that its journal asks for by name. */
const shipped = ['configfs', 'e1000', 'virtio_pci', 'virtio_blk', 'crc32c_generic', 'ext4'];
const built = ['irq_sim.ko', 'gpio-sim.ko'];
const orderFile = 'order.json';
const sources = ['drivers/gpio/gpio-sim.c', 'drivers/gpio/gpiolib.h', 'kernel/irq/irq_sim.c'];

/** Installs headers and sources through apt, fetches the kernel without installing it, builds what is missing.
 * @param {string} cache folder that lasts
 * @returns {Promise<Kernel>}
 */
export async function ensureKernel(cache) {
  const release = await currentRelease();
  const folder = join(cache, `${release}-${String(cacheVersion)}`);
  if (!existsSync(folder)) await makeKernel(cache, release, folder);
  const order = /** @type {string[]} */ (JSON.parse(readFileSync(join(folder, orderFile), 'utf8')));
  return { release, image: join(folder, 'vmlinuz'), modules: order.map((file) => join(folder, file)) };
}

/** Kernels come and go; the metapackage names the present one. A fresh system knows no packages yet. */
async function currentRelease() {
  const known = await releaseInLists();
  if (known !== undefined) return known;
  await aptGet(['update']);
  const found = await releaseInLists();
  if (found === undefined) throw new Error('apt knows no kernel by the name of linux-image-amd64');
  return found;
}

async function releaseInLists() {
  const depends = await ended(['sh', '-c', 'apt-cache depends --important linux-image-amd64 || true']);
  return /linux-image-(\d\S*-amd64)/.exec(depends)?.[1];
}

/** @param {string} cache @param {string} release @param {string} folder */
async function makeKernel(cache, release, folder) {
  const version = /^\d+[.]\d+/.exec(release)?.[0] ?? '';
  const packages = [`linux-headers-${release}`, `linux-source-${version}`, 'make'];
  say(`Installing Debian packages that the simulated GPIO chip is built from: ${packages.join(' ')}`);
  await aptGet(['update']);
  await aptGet(installCommand(packages).split(' ').slice(1));
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'building-'));
  try {
    await aptGet(['download', `linux-image-${release}`], work);
    await ended(['sh', '-c', 'dpkg -x linux-image-*.deb full'], { directory: work });
    await buildModules(work, release, version);
    const done = join(work, 'done');
    mkdirSync(done);
    cpSync(join(work, 'full', 'boot', `vmlinuz-${release}`), join(done, 'vmlinuz'));
    const modules = withWhatTheyNeed(join(work, 'full', 'lib', 'modules', release), shipped);
    modules.push(...built.map((file) => join(work, 'modules', file)));
    for (const module of modules) cpSync(module, join(done, basename(module)));
    writeFileSync(join(done, orderFile), JSON.stringify(modules.map((module) => basename(module))));
    renameSync(done, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} work @param {string} release @param {string} version */
async function buildModules(work, release, version) {
  const modules = join(work, 'modules');
  mkdirSync(modules);
  const archive = `/usr/src/linux-source-${version}.tar.xz`;
  await ended(['tar', '-xJf', archive, '-C', work, '--wildcards', ...sources.map((source) => `*/${source}`)]);
  for (const source of sources) {
    cpSync(join(work, `linux-source-${version}`, source), join(modules, basename(source)));
  }
  // irq_to_desc is not exported to modules; what it does is.
  const path = join(modules, 'irq_sim.c');
  const text = readFileSync(path, 'utf8').replace(
    /\birq_to_desc\(([^)]*)\)/g,
    'irq_data_to_desc(irq_get_irq_data($1))',
  );
  writeFileSync(path, `${text}\n#include <linux/module.h>\nMODULE_LICENSE("GPL");\n`);
  writeFileSync(join(modules, 'Makefile'), 'obj-m := irq_sim.o gpio-sim.o\n');
  await ended(['make', '-C', `/usr/src/linux-headers-${release}`, `M=${modules}`, 'modules']);
}

/** @param {readonly string[]} args @param {string} [directory] */
async function aptGet(args, directory) {
  const command = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args];
  await ended(command, { timeoutMs: aptTimeoutMs, ...(directory === undefined ? {} : { directory }) });
}
