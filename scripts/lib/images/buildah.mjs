/** buildah as this project uses it: as root, with chroot isolation and a storage of its own that may be deleted at any time. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ended } from './command.mjs';

/**
 * @typedef {object} Buildah
 * @property {string} driver
 * @property {(args: readonly string[]) => readonly string[]} command The command line of `buildah ARGS`.
 * @property {(args: readonly string[], timeoutMs?: number) => Promise<string>} run Answers what it wrote; throws when it fails.
 */

/** The kernel's overlay costs no copies; where it cannot be mounted, as in some containers, every layer is a copy. The variable
 * STORAGE_DRIVER decides over both.
 * @param {string} directory
 * @returns {Promise<Buildah>}
 */
export async function openBuildah(directory) {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const wanted = process.env['STORAGE_DRIVER'];
  if (wanted !== undefined) return createBuildah(directory, wanted);
  const overlay = createBuildah(directory, 'overlay');
  return (await canMount(overlay)) ? overlay : createBuildah(directory, 'vfs');
}

/** Begins anew when builds have left more images than `maxImages`, layers included.
 * @param {Buildah} buildah
 * @param {number} maxImages
 */
export async function limitImages(buildah, maxImages) {
  const images = await buildah.run(['images', '--all', '--quiet', '--no-trunc']);
  if (images.split('\n').length > maxImages) await buildah.run(['rmi', '--all', '--force']);
}

/** @param {string} directory @param {string} driver @returns {Buildah} */
function createBuildah(directory, driver) {
  const runRoot = join(directory, `${driver}-run`);
  /** @param {readonly string[]} args */
  const command = (args) => [
    'buildah',
    ...['--storage-driver', driver, '--root', join(directory, driver), '--runroot', runRoot],
    ...args,
  ];
  return {
    driver,
    command,
    run: (args, timeoutMs) => ended(command(args), timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** @param {Buildah} buildah */
async function canMount(buildah) {
  try {
    const container = await buildah.run(['from', 'scratch']);
    try {
      await buildah.run(['mount', container]);
      return true;
    } finally {
      await buildah.run(['rm', container]);
    }
  } catch {
    return false;
  }
}
