/** The Node.js that goes into the package. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ended } from '../images/command.mjs';

/** @typedef {{ file: string, version: string, licence: string }} PackagedNode */

/** Where the licence lies: beside the program as the downloads of nodejs.org have it, or where a Debian package puts it. */
const licencePlaces = (/** @type {string} */ file) => [
  join(dirname(file), '..', 'LICENSE'),
  '/usr/local/LICENSE',
  '/usr/share/doc/nodejs/LICENSE',
  '/usr/share/doc/nodejs/copyright',
];

/**
 * @param {string} path of the program
 * @returns {Promise<PackagedNode>}
 * @throws Error when it does not run here, is too old, does not fit the native modules, or has no licence that could go with it
 */
export async function examineNode(path) {
  const file = realpathSync(path);
  const facts = await ended([
    file,
    '--print',
    'JSON.stringify([process.version, process.versions.modules, process.arch])',
  ]);
  const [version = '', modules, architecture] = /** @type {string[]} */ (JSON.parse(facts));
  if (modules !== process.versions.modules || architecture !== process.arch) {
    const want = `${String(modules)} on ${String(architecture)}`;
    const have = `${process.versions.modules} on ${process.arch}`;
    throw new Error(
      `${file} wants native modules of ABI ${want}; those here are of ${have}: run this script, and npm install before it, with that Node.js`,
    );
  }
  const licence = licencePlaces(file).find((place) => existsSync(place));
  if (licence === undefined) {
    throw new Error(`no licence of Node.js was found beside ${file}: take a download of nodejs.org as it is unpacked`);
  }
  return { file, version: version.replace(/^v/, ''), licence };
}
